/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Objects that were built elsewhere, from binary caches. Several caches are asked in the
 * order of their priority; the first one whose answer can be believed is taken, and for
 * each object it is one answer only. A cache that is broken is a warning: whoever asked
 * builds instead.
 *
 *	struct cache_hit hit;
 *	if (caches_ask(&caches, &key, 1, &arena, &hit, err) < 0)
 *		return -1;
 *	if (hit.n.url && cache_hit_target(&hit))
 *		...
 */
#include <stdbool.h>

#include "fetchers/request.h"
#include "store/key.h"
#include "store/narinfo.h"

struct caches {
	const char *const *urls; /* fetchers/cacheurl.h; directories are absolute */
	size_t n;
	const struct key_public *trust;
	size_t ntrust;
	/* Remembers priorities, caches that are down and, for a minute, what a cache did
	 * not have; NULL: nothing is remembered. */
	const char *state_dir;
	const struct fetch_client *fetch;
	const char *scratch_dir;                   /* on the store's file system */
	void (*warn)(void *ctx, const char *text); /* may be NULL */
	void *ctx;
	unsigned timeout_s; /* for an answer; 0: the usual */
	bool fresh; /* the user asks: also for what a cache did not have a moment ago */
};

struct cache_hit {
	struct narinfo n; /* url NULL: nobody has it, or nobody who is believed */
	size_t cache;     /* index into urls */
	const char *why;  /* NULL, or in words what was wrong with the answers */
};

/*
 * What the caches say of these paths: an answer counts when it is about this very path
 * and content-addressed or signed by a trusted key. 0, -1.
 */
int caches_ask(const struct caches *c, const char *const *paths, size_t n,
	       struct arena *a, struct cache_hit *found, struct error *err);
/* The path with this whole digest, if a cache has it. 1, 0, -1. */
int caches_find(const struct caches *c, const char *digest, struct arena *a,
		const char **path, struct error *err);
/* Of a hit for a realisation key: the path it leads to, or NULL if it is none. */
const char *cache_hit_target(const struct cache_hit *hit);

/*
 * Makes paths and all they refer to valid. What became valid meanwhile is left alone; two
 * processes download an object once. Realisations are not downloaded but made, and one
 * that is recorded here and not believed any more is asked for anew. Objects that came
 * are kept alive for as long as the process lives.
 *
 * -1 when something is missing or no cache's bytes are right; what was finished stays.
 */
int caches_pull(const struct caches *c, struct store *st, const char *const *paths,
		size_t n, struct error *err);
/*
 * The tree of a known object, as `dest`, with exactly its NAR hash: for repair. Nobody
 * needs to be trusted. 1, 0 nobody has it, -1.
 */
int caches_get(const struct caches *c, const struct path_info *want, const char *dest,
	       struct error *err);
/*
 * The build log of a derivation as the file `dest`: text that nobody vouches for. 1, 0
 * nobody has it, -1.
 */
int caches_log(const struct caches *c, const char *drv, const char *dest,
	       struct error *err);
/*
 * Something was put into this cache: what was remembered as absent, and the answers that
 * are under way, do not count any more.
 */
void caches_forget(const char *state_dir, const char *url);
