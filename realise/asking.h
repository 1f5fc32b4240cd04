/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A conversation with the caches, as long as one call of substitute.h: which of them are
 * asked, in which order, and what they said.
 */
#include "fetchers/cacheurl.h"
#include "realise/cachenotes.h"
#include "realise/substitute.h"

struct peer {
	const char *url; /* as configured */
	size_t index;    /* into the configured ones */
	struct cache_url parsed;
	struct cache_notes notes;
	long priority;
	const char *down; /* why it is not asked, NULL: it is */
};

struct asking {
	const struct caches *c;
	struct arena *a;
	struct peer *v; /* by priority */
	size_t n;
	size_t bytes; /* of the answers so far */
};

/* Finds out the order. Fails only if an address is none, or without kbuild-fetch. */
int asking_begin(struct asking *s, const struct caches *c, struct arena *a,
		 struct error *err);
/* Remembers what was learned. */
void asking_end(struct asking *s);

/* Which answers are taken; a reason in words against it, or NULL. */
typedef const char *asking_judge(void *ctx, const struct narinfo *n, const char *path);
/*
 * Asks about paths that have no answer in `hits` yet, the caches from place `first` on.
 * hits[i].cache is set to the place in s->v. A path may lack everything after its digest.
 */
int asking_run(struct asking *s, const char *const *paths, size_t n, size_t first,
	       asking_judge *judge, void *ctx, struct cache_hit *hits, struct error *err);
/* It is about this path, and can be believed; ctx is the struct asking. */
asking_judge asking_believe;

/* A request to kbuild-fetch about one of the caches; to be put by the caller. */
struct json_object *asking_request(const struct asking *s, const char *what,
				   const struct peer *peer);
PRINTF(2, 3) void asking_warn(const struct asking *s, const char *fmt, ...);
