/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Rows from trees: what a lost database knew is in the objects themselves, as far as they
 * are content-addressed. Every tree without a row that proves its path, with references
 * that are valid, gets one; everything else is left where it is.
 *
 *	if (store_open(root, STORE_RECOVER, &st, err) < 0 ||
 *	    store_recover(st, &recovery, err) < 0)
 */
#include "store/store.h"

struct recovery {
	/*
	 * In: also believe realisations, which prove nothing: links to content of the
	 * same name, whose derivation is there and has such an output.
	 */
	bool unproven;
	/* In: objects that were looked at; from any thread, one at a time; or NULL. */
	void (*progress)(void *ctx, uint64_t done, uint64_t total);
	void *ctx;
	struct argv registered, left; /* out; the caller's */
	const char *broken; /* out: where the old database is, or NULL; the store's */
};

int store_recover(struct store *st, struct recovery *r, struct error *err);
