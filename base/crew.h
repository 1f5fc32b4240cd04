/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A few threads that work off one list, for whatever is bound by the processor or waits
 * for a disk. Items are begun in their order; whoever is free takes the next one.
 *
 *	static void hash_one(void *ctx, size_t item) { ... }
 *	crew_run(nfiles, hash_one, files);
 */
#include <stddef.h>

/*
 * Calls work(ctx, 0) ... work(ctx, n - 1), each once, from several threads at a time, and
 * returns when all are done. What the calls share is theirs to lock.
 */
void crew_run(size_t n, void (*work)(void *ctx, size_t item), void *ctx);
/* The same from so many threads at most, for what waits for a network. */
void crew_run_wide(size_t width, size_t n, void (*work)(void *ctx, size_t item),
		   void *ctx);
/* How many processors we may use, which in a container is less than what there is. */
long crew_processors(void);
