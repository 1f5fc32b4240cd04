/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Signatures of the objects in a store: kept in their rows, and counted. An object that
 * is content-addressed proves itself and needs none.
 */
#include "store/key.h"
#include "store/store.h"

/* Signs a valid path unless this signature is there. 1 signed, 0 it was before, -1. */
int store_sign(struct store *st, const char *path, const struct key_secret *key,
	       struct error *err);
typedef void sigs_report(void *ctx, const char *path, const char *what);

/*
 * Tells each path, and none that proves itself, on which fewer than `need` different ones
 * of these keys agree. Their number, or -1.
 */
long store_verify_sigs(struct store *st, const struct key_public *keys, size_t n,
		       size_t need, sigs_report *report, void *ctx, struct error *err);
