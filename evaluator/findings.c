// SPDX-License-Identifier: MIT
#include "evaluator/findings.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/map.h"
#include "base/str.h"

bool findings_full(const struct error *err)
{
	return error_count(err) >= FINDINGS_MAX;
}

struct sortable {
	struct error error;
	size_t file, order;
};

static int by_place(const void *x, const void *y)
{
	const struct sortable *a = x, *b = y;

	if (a->file != b->file)
		return a->file < b->file ? -1 : 1;
	if (a->error.at.off != b->error.at.off)
		return a->error.at.off < b->error.at.off ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

static size_t file_of(const struct sortable *v, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (v[k].error.at.src == v[i].error.at.src)
			return v[k].file;
	return i;
}

int findings_close(struct error *err)
{
	size_t n = error_count(err), i = 0;

	if (n == 0)
		return 0;
	autofree struct sortable *v = xcalloc(n, sizeof(*v));
	for (struct error *e = err; e; e = e->next, i++)
		v[i] = (struct sortable){.error = *e, .order = i};
	for (i = 0; i < n; i++)
		v[i].file = file_of(v, i);
	qsort(v, n, sizeof(*v), by_place);
	i = 0;
	for (struct error *e = err; e; i++) {
		struct error *next = e->next;

		*e = v[i].error;
		e->next = next;
		e = next;
	}
	return -1;
}

int findings_suggest(struct error *err, const char *word, const char *const *words,
		     size_t n)
{
	const char *near = word_nearest(word, words, n);

	if (near)
		return error_hint(err, "did you mean '%s'?", near);
	if (n == 0 || n > 24)
		return -1;
	autobuf struct strbuf list = STRBUF_INIT;
	for (size_t i = 0; i < n; i++)
		strbuf_printf(&list, "%s%s", i ? ", " : "", words[i]);
	return error_hint(err, "known: %s", list.ptr);
}
