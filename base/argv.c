// SPDX-License-Identifier: MIT
#include "base/argv.h"

#include <stdarg.h>
#include <string.h>

#include "base/alloc.h"

static void push_owned(struct argv *a, char *s)
{
	if (a->n + 2 > a->cap) {
		a->cap = a->cap ? a->cap * 2 : 16;
		a->v = xreallocarray(a->v, a->cap, sizeof(*a->v));
	}
	a->v[a->n++] = s;
	a->v[a->n] = NULL;
}

void argv_push(struct argv *a, const char *s)
{
	push_owned(a, xstrdup(s));
}

void argv_pushl(struct argv *a, ...)
{
	va_list ap;

	va_start(ap, a);
	for (const char *s; (s = va_arg(ap, const char *));)
		argv_push(a, s);
	va_end(ap);
}

void argv_pushf(struct argv *a, const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		BUG("bad format '%s'", fmt);
	va_end(ap);
	push_owned(a, s);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void argv_sort(struct argv *a)
{
	if (a->n)
		qsort(a->v, a->n, sizeof(*a->v), compare);
}

void argv_unique(struct argv *a)
{
	size_t out = 0;

	for (size_t i = 0; i < a->n; i++) {
		if (out && strcmp(a->v[out - 1], a->v[i]) == 0)
			free(a->v[i]);
		else
			a->v[out++] = a->v[i];
	}
	a->n = out;
	if (a->v)
		a->v[out] = NULL;
}

void argv_finish(struct argv *a)
{
	for (size_t i = 0; i < a->n; i++)
		free(a->v[i]);
	free(a->v);
	*a = (struct argv){0};
}
