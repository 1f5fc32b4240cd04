/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Mends what verify found. What is there is used first: bytes that are right only become
 * canonical again, a row that its tree contradicts is written anew when the tree proves
 * itself, a realisation's link is made again of its row. Otherwise good bytes come from
 * the sources the caller knows, are proven, and take the damaged tree's place in one
 * step, so that the path is never missing.
 *
 * What nobody has is forgotten if nothing needs it but derivations and realisations,
 * which are forgotten with it: then the next realisation makes or fetches it again.
 */
#include "store/verify.h"

struct repair_source {
	const char *how; /* "fetched from a cache", for the report */
	bool builds; /* runs the deriver: only asked when that and its inputs are whole */
	/*
	 * Makes the object's tree at the physical `dest`, which does not exist. 1, 0 not
	 * to be had here, -1. Whether it is the right tree is not its business.
	 */
	int (*obtain)(void *ctx, const struct path_info *want, const char *dest,
		      struct error *err);
	void *ctx;
};

enum repair_end {
	REPAIR_MENDED,
	REPAIR_FORGOTTEN,
	REPAIR_FAILED,
};

struct repair {
	const struct repair_source *sources; /* asked in this order */
	size_t nsources;
	/* Once a path: what became of it and how, or why not. */
	void (*tell)(void *ctx, const char *path, enum repair_end end, const char *how);
	void *ctx;
};

/* How many paths are not mended, or -1. The store must be open for writing. */
long store_repair(struct store *st, const struct repair *r,
		  const struct verify_report *damage, struct error *err);
