/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Files from http, https and file addresses, several at once. The digest is taken while
 * the bytes arrive; what is not asked for in memory is not kept there. What was received
 * of a file with a known digest survives us in the cache and is continued by the next
 * attempt.
 *
 * Every address is tried in turn. Errors that pass (connection, time-out, 5xx, 429) are
 * tried again with growing pauses; others (404, wrong bytes) lead to the next address.
 * Headers, bytes and time of a reply have limits: nobody is waited for endlessly.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/argv.h"
#include "base/error.h"
#include "base/sha256.h"
#include "base/str.h"
#include "fetchers/cacheurl.h"
#include "fetchers/progress.h"

struct download {
	const char *what;              /* for people: a file name */
	struct argv urls;              /* in order of preference */
	const struct cache_url *cache; /* whose files these are, NULL: no cache's */
	const struct sha256 *expect;   /* NULL: any; then nothing is continued */
	uint64_t size;                 /* 0: not known; known afterwards */
	uint64_t max;                  /* more is refused when size is 0; 0: 16 GiB */
	unsigned patience_s; /* for all addresses and attempts together; 0: no end */
	/* One of them takes the bytes; with neither, they go to the set's `whole`. */
	const char *dest;    /* replaced when whole; its directory exists */
	struct strbuf *text; /* empty; a part of the file after a failure */
	uint64_t *budget;    /* bytes that texts may still take together, or NULL */

	struct sha256 got;  /* out, not of a text */
	bool gone;          /* out, after a failure: no address has the file */
	bool unanswered;    /* out, after a failure: its server does not answer */
	struct error error; /* out, of a set with `each`; the caller finishes it */
};

struct download_set {
	struct download *items;
	size_t n;
	unsigned parallel;       /* 0: one at a time */
	const char *partial_dir; /* for what is not whole yet; exists. NULL: only texts */
	const char *what;        /* for the progress line */
	struct progress *progress; /* may be NULL */

	unsigned tries;      /* of each address; 0: a few */
	unsigned stall_s;    /* how long nothing may come; 0: half a minute */
	unsigned patience_s; /* for the whole set; 0: no end */
	bool each;           /* an item's failure is its own, the others go on */
	bool one_server;     /* once it does not answer, nothing more is asked of it */
	/* Of an item without dest or text: the file, which has no name and is yours. */
	void (*whole)(void *ctx, struct download *d, int fd);
	void *ctx;
};

/*
 * All of them, or -1 with the first failure; finished files stay. With `each`, 0, and
 * every item has its own error or none.
 */
int download_all(struct download_set *set, struct error *err);
