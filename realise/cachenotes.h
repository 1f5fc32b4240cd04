/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What is remembered of one cache, in a small file: its priority, that it did not answer,
 * what it did not have. Each note carries the time it was made and counts for a while
 * only. Several processes may read and write it; what one of them loses is asked again.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/map.h"

enum {
	NOTE_INFO_MS = 24 * 60 * 60 * 1000, /* priority */
	NOTE_DOWN_MS = 30 * 1000,
	NOTE_ABSENT_MS = 60 * 1000,
	NOTE_TOLD_MS = 60 * 60 * 1000, /* that its answers are not believed */
};

/* Times are milliseconds since the epoch; 0: no such note, or too old. */
struct cache_notes {
	int64_t info, down, told;
	int64_t forgot;    /* what was asked before that does not count */
	long priority;     /* with info */
	struct map absent; /* digest -> (int64_t *) when it was asked for */
};

int64_t notes_now(void);
/* `dir` NULL, or nothing there: nothing is noted. `url` is the cache's base. Finish it.
 */
void notes_read(const char *dir, const char *url, struct cache_notes *out);
void notes_absent(struct cache_notes *n, const char *digest, int64_t when);
/* Is it noted as absent? */
bool notes_has_absent(const struct cache_notes *n, const char *digest);
/* Joined with what others wrote meanwhile. Failing is of no consequence. */
void notes_write(const char *dir, const char *url, const struct cache_notes *n);
void notes_finish(struct cache_notes *n);
