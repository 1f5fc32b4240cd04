/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * One lifetime for many small things: everything parsed or planned by a command lives in
 * its arena and goes at once. Memory is zeroed. Nothing is freed singly.
 *
 *	struct arena a = {0};
 *	struct node *n = arena_new(&a, struct node);
 *	...
 *	arena_finish(&a);
 */
#include <stdarg.h>
#include <stddef.h>

#include "base/cleanup.h"

struct arena_block;

struct arena {
	struct arena_block *blocks;
	char *next, *end;
};

void *arena_alloc(struct arena *a, size_t size, size_t align);
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t n);
PRINTF(2, 3) char *arena_printf(struct arena *a, const char *fmt, ...);
void arena_finish(struct arena *a);

#define arena_new(a, type) ((type *)arena_alloc(a, sizeof(type), _Alignof(type)))
#define arena_array(a, n, type)                                                          \
	((type *)arena_alloc(a, sizeof(type) * (size_t)(n), _Alignof(type)))

/*
 * Append to a counted array of an arena: ARENA_PUSH(a, list->v, list->n, list->cap) is an
 * lvalue of the new, zeroed last element.
 */
#define ARENA_PUSH(a, v, n, cap)                                                         \
	(*(__typeof__(v))arena_grow(a, (void **)&(v), &(n), &(cap), sizeof(*(v))))

void *arena_grow(struct arena *a, void **v, size_t *n, size_t *cap, size_t size);
