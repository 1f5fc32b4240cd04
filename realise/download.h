/* SPDX-License-Identifier: MIT */
#pragma once
/* Archives of caches as trees, many at once: the caller's side of cache-nars. */
#include "realise/asking.h"

struct download_item {
	const struct cache_hit *hit; /* cache: the place in the asking */
	const char *dest;            /* absolute, does not exist */
	const char *failure; /* out: NULL, or what happened (the asking's arena) */
};

/*
 * Whatever happens to an item is said in it; -1 if nothing could be done. What arrived is
 * what its archive said, and proven to nobody. `what` is for the progress line.
 */
int download_items(struct asking *s, struct download_item *items, size_t n,
		   const char *what, struct error *err);
