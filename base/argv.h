/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A growing, NULL-terminated vector of strings: arguments and environments for exec, and
 * any other list of owned strings. a.v is NULL until the first push.
 */
#include <stddef.h>

#include "base/cleanup.h"

struct argv {
	char **v;
	size_t n, cap;
};

#define autoargv __attribute__((cleanup(argv_finish)))

void argv_push(struct argv *a, const char *s);
/* Several at once; the list ends with NULL. */
__attribute__((sentinel)) void argv_pushl(struct argv *a, ...);
PRINTF(2, 3) void argv_pushf(struct argv *a, const char *fmt, ...);
/* Bytewise order, as every sorted list of a store wants it. */
void argv_sort(struct argv *a);
/* Drop equal neighbours; sort first. */
void argv_unique(struct argv *a);
void argv_finish(struct argv *a);
