/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Makes equal files of the store's objects share one inode, by .links (store/links.h) as
 * Nix does, so that both may do it in turns. Objects stay readable all the time and keep
 * their canonical form; what is damaged is never spread: two files are compared before
 * one takes the other's place.
 */
#include "store/store.h"

struct optimise {
	/* in; bytes of objects so far, from any thread, one at a time; or NULL */
	void (*progress)(void *ctx, uint64_t done, uint64_t total);
	void *ctx;
	/* out */
	uint64_t files;      /* replaced by a link */
	uint64_t bytes;      /* of disk space that are free now */
	uint64_t not_linked; /* left alone: as many links already as an inode can have */
	struct argv corrupt; /* entries of .links that were dropped; the caller's */
	struct argv skipped; /* objects that are not canonical, or in use elsewhere */
};

int store_optimise(struct store *st, struct optimise *o, struct error *err);
