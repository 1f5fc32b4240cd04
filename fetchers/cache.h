/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Reading from binary caches: what the cache says of itself, what it says of store
 * objects, and where the bytes are. Nothing that comes back is believed; limits only see
 * to it that asking costs a bounded amount of time and memory.
 */
#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "fetchers/cacheurl.h"
#include "fetchers/download.h"

enum {
	CACHE_TIMEOUT_S = 15, /* for an answer, unless said otherwise */
	CACHE_PRIORITY = 50,  /* of a cache that does not say */
};

struct cache_info {
	const char *store_dir; /* whose paths it holds */
	long priority;
};

/* Its nix-cache-info; a cache without one has the usual values. -1: not reachable. */
int cache_read_info(const struct cache_url *u, unsigned timeout_s, struct arena *a,
		    struct cache_info *out, struct error *err);

struct cache_answer {
	const char *digest; /* 32 characters */
	struct strbuf text; /* the narinfo, empty: see below */
	bool absent;        /* the cache has none */
	struct error error; /* or why there is no answer */
};

/*
 * All of them; texts and errors are the caller's to finish. -1: the cache cannot be
 * asked, or did not answer somewhere on the way; each answer says what became of it.
 */
int cache_read_narinfos(const struct cache_url *u, unsigned timeout_s,
			struct cache_answer *answers, size_t n, struct error *err);

/*
 * The build log of a derivation (its base name) as the file `dest`, whatever is in it: it
 * is a stranger's text. 1, 0 the cache has none, -1. `partial_dir` exists.
 */
int cache_read_log(const struct cache_url *u, unsigned timeout_s, const char *drv,
		   const char *partial_dir, const char *dest, struct error *err);

/*
 * Prepares a download of a file of the cache; argv_finish(&d->urls) afterwards. Fails for
 * what a directory holds and could not be read to its end, such as a FIFO.
 */
int cache_file(const struct cache_url *u, const char *name, struct download *d,
	       struct error *err);
