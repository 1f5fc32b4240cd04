/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Files from http, https and file addresses, several at once. The digest is taken while
 * the bytes arrive; nothing is kept in memory. What was received of a file with a known
 * digest survives us in the cache and is continued by the next attempt.
 *
 * Every address is tried in turn. Errors that pass (connection, time-out, 5xx, 429) are
 * tried again with growing pauses; others (404, wrong bytes) lead to the next address.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/argv.h"
#include "base/error.h"
#include "base/sha256.h"
#include "fetchers/progress.h"

struct download {
	const char *what;            /* for people: a file name */
	struct argv urls;            /* in order of preference */
	const struct sha256 *expect; /* NULL: any; then nothing is continued */
	uint64_t size;               /* 0: not known; known afterwards */
	const char *dest;            /* replaced when whole; its directory exists */
	struct sha256 got;           /* out */
	bool gone;                   /* out, after a failure: no address has the file */
};

struct download_set {
	struct download *items;
	size_t n;
	unsigned parallel;         /* 0: one at a time */
	const char *partial_dir;   /* for what is not whole yet; exists */
	const char *what;          /* for the progress line */
	struct progress *progress; /* may be NULL */
};

/* All of them, or -1 with the first failure. Finished files stay. */
int download_all(struct download_set *set, struct error *err);
