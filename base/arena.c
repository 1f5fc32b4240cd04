// SPDX-License-Identifier: MIT
#include "base/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define POISON(p, n)   ASAN_POISON_MEMORY_REGION(p, n)
#define UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
#else
#define POISON(p, n)   ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
#endif

enum { BLOCK_SIZE = 64 * 1024 };

struct arena_block {
	struct arena_block *prev;
	size_t size;
	_Alignas(16) char data[];
};

static void new_block(struct arena *a, size_t need)
{
	size_t size = need > BLOCK_SIZE ? need : BLOCK_SIZE;
	struct arena_block *b = xcalloc(1, sizeof(*b) + size);

	b->prev = a->blocks;
	b->size = size;
	a->blocks = b;
	a->next = b->data;
	a->end = b->data + size;
	POISON(b->data, size);
}

void *arena_alloc(struct arena *a, size_t size, size_t align)
{
	if (size > SIZE_MAX / 2)
		BUG("arena_alloc of %zu bytes", size);
	char *p = (char *)(((uintptr_t)a->next + align - 1) & ~(uintptr_t)(align - 1));

	if (!a->next || p > a->end || (size_t)(a->end - p) < size) {
		new_block(a, size + align);
		p = (char *)(((uintptr_t)a->next + align - 1) & ~(uintptr_t)(align - 1));
	}
	a->next = p + size;
	UNPOISON(p, size);
	return p;
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
	char *p = arena_alloc(a, n + 1, 1);

	memcpy(p, s, n);
	return p;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap, again;

	va_start(ap, fmt);
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		BUG("bad format '%s'", fmt);
	char *p = arena_alloc(a, (size_t)n + 1, 1);
	vsnprintf(p, (size_t)n + 1, fmt, again);
	va_end(again);
	return p;
}

void *arena_grow(struct arena *a, void **v, size_t *n, size_t *cap, size_t size)
{
	if (*n == *cap) {
		size_t more = *cap ? *cap * 2 : 8;
		void *bigger = arena_alloc(a, more * size, 16);

		if (*n)
			memcpy(bigger, *v, *n * size);
		*v = bigger;
		*cap = more;
	}
	return (char *)*v + size * (*n)++;
}

void arena_finish(struct arena *a)
{
	while (a->blocks) {
		struct arena_block *b = a->blocks;

		a->blocks = b->prev;
		UNPOISON(b->data, b->size);
		free(b);
	}
	*a = (struct arena){0};
}
