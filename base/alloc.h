/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Memory that is always there: running out ends the program, here and only here, so
 * nobody checks these results. Free with free().
 */
#include <stddef.h>

#include "base/cleanup.h"

void *xmalloc(size_t size);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t size);
/* n * size with the overflow checked. */
void *xreallocarray(void *p, size_t n, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);
PRINTF(1, 2) char *xasprintf(const char *fmt, ...);

/* A mistake of ours, never of the input: says where and aborts. */
#define BUG(...) bug_at(__FILE__, __LINE__, __VA_ARGS__)
PRINTF(3, 4) _Noreturn void bug_at(const char *file, int line, const char *fmt, ...);
