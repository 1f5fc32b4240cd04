/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Two trees in canonical form, the first and the one built again: in which names, modes,
 * link targets and bytes they differ.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

enum difference_kind {
	DIFF_REMOVED, /* only the first has it */
	DIFF_ADDED,   /* only the second */
	DIFF_TYPE,
	DIFF_MODE, /* one is executable */
	DIFF_TARGET,
	DIFF_BYTES,
};

struct difference {
	enum difference_kind kind;
	const char *path;          /* from the root of the tree; "" is the root */
	const char *first, *again; /* TYPE, MODE, TARGET: what it is, in words */
	uint64_t offset;           /* BYTES: of the first that differs */
};

struct differences {
	struct difference *v;
	size_t n, cap;
	size_t total; /* n of them are kept */
};

enum { DIFFERENCES_MAX = 200 };

/* In the order of names. Below a name that only one has nothing is told. */
int compare_trees(const char *first, const char *again, struct arena *a,
		  struct differences *out, struct error *err);
