/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * NAME.lock beside NAME.yaml: what every floating input of a recipe means, one fact a
 * line, sorted, so that people can review it and two of them can change different inputs.
 * Entries are lists of facts as kbuild-fetch made them, plus `nar`, from which the store
 * path follows; only `from`, `nar` and `name` are looked at here.
 *
 *	struct lock *lock;
 *	if (lock_read(r->lock_path, &arena, &lock, err) < 0)
 *		return -1;
 *	...
 *	lock_write(lock, r->lock_path, err);
 */
#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "evaluator/inputs.h"
#include "fetchers/origin.h"

struct lock_entry {
	const char *name;
	struct origin_fact *facts; /* a list's items are joined by newlines */
	size_t nfacts, cap;
	struct span at;
};

struct lock_section {
	struct lock_entry *entries;
	size_t n, cap;
};

struct lock {
	struct lock_section inputs, debian, toolchains;
};

/* 1 read, 0 there is none: *out is an empty lock, -1. */
int lock_read(const char *path, struct arena *a, struct lock **out, struct error *err);
/* Appends the one text this lock has. */
void lock_format(const struct lock *lock, struct strbuf *out);
/* 1 written, 0 the file says the same already, -1. */
int lock_write(const struct lock *lock, const char *path, struct error *err);

struct lock_entry *lock_find(const struct lock_section *s, const char *name);
/* Makes an entry, or empties the one that is there. */
struct lock_entry *lock_renew(struct lock_section *s, const char *name, struct arena *a);
const char *lock_fact(const struct lock_entry *e, const char *key);
void lock_add_fact(struct lock_entry *e, const char *key, const char *value,
		   struct arena *a);

enum lock_verdict { LOCK_OK, LOCK_MISSING, LOCK_STALE, LOCK_UNUSED };

struct lock_finding {
	const char *name; /* of the input, or "toolchain" */
	enum lock_verdict verdict;
	const char *want, *have; /* what the recipe and the lock say; may be NULL */
	struct span at;          /* in the recipe; of an unused entry in the lock */
};

/* What holds of one input, of the toolchain. */
enum lock_verdict lock_judge(const struct lock *lock, const struct input *in);
enum lock_verdict lock_judge_toolchain(const struct lock *lock,
				       const struct toolchain *t);
/* Every input and every entry, sorted by name. */
int lock_compare(const struct recipe *r, const struct lock *lock,
		 const struct recipe_options *opt, struct arena *a,
		 struct lock_finding **out, size_t *n, struct error *err);
