/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * One call of caches_pull. First everything that is said of the whole closure is
 * collected (closure.c), so that nothing is downloaded for what cannot be completed; then
 * objects come in batches, references before what refers to them (pull.c).
 */
#include "realise/asking.h"

enum pull_stage { PULL_MISSING, PULL_ARRIVED, PULL_DONE, PULL_LOST };

struct pull_object {
	const char *path;
	const char *user; /* one that refers to it, or NULL */
	struct cache_hit hit;
	const char *link;    /* a realisation: where it leads; never downloaded */
	const char *dest;    /* in scratch */
	const char *failure; /* of the last attempt */
	enum pull_stage stage;
	size_t waits; /* for so many of the others; while they are ordered */
	size_t *users, nusers, cap_users;
	int lock;
};

struct pull {
	struct asking s;
	struct arena a;
	struct store *st;
	const struct caches *c;
	struct map seen;        /* path -> its object, or the pull itself: it is here */
	struct pull_object **v; /* once it is planned: references first */
	size_t n, cap;
	char *scratch;
	int scratch_fd;
};

/*
 * Is it valid? A realisation that nobody vouches for any more is as good as none. 1, 0,
 * -1.
 */
int pull_is_here(struct pull *p, const char *path, struct error *err);
/* The object of this pull at a path; NULL: it was here from the beginning. */
struct pull_object *pull_object_at(const struct pull *p, const char *path);
/* Fills v: all that is missing for these paths. Begins the asking if there is some. */
int pull_plan(struct pull *p, const char *const *paths, size_t n, struct error *err);
