// SPDX-License-Identifier: MIT
/* The same lines, in another order: whose order was it? */
#include <strings.h>

#include "realise/causes.h"
#include "realise/items.h"

enum { LINES_MAX = 2000 };

enum whose { NOBODYS, OF_DIRECTORY, OF_COLLATION, OF_JOBS };

/* A name with or without a path: no blanks. */
static bool is_name(struct str s)
{
	return s.len && !memchr(s.ptr, ' ', s.len) && !memchr(s.ptr, '\t', s.len);
}

static bool all_names(const struct evidence *e)
{
	struct str item;
	size_t n = 0;

	for (size_t at = 0; n < LINES_MAX && items_lines(e->a, &at, &item); n++)
		if (!is_name(item))
			return false;
	return n > 0;
}

static int compare_folded(struct str x, struct str y)
{
	size_t least = x.len < y.len ? x.len : y.len;
	int order = strncasecmp(x.ptr, y.ptr, least);

	return order ? order : x.len < y.len ? -1 : x.len > y.len;
}

static int compare_bytes(struct str x, struct str y)
{
	size_t least = x.len < y.len ? x.len : y.len;
	int order = memcmp(x.ptr, y.ptr, least);

	return order ? order : x.len < y.len ? -1 : x.len > y.len;
}

static bool is_sorted(struct str all, int (*compare)(struct str, struct str))
{
	struct str item, last = {NULL, 0};

	for (size_t at = 0, n = 0; n < LINES_MAX && items_lines(all, &at, &item); n++) {
		if (last.ptr && compare(last, item) > 0)
			return false;
		last = item;
	}
	return true;
}

static bool sorted_by_language(const struct evidence *e)
{
	return (is_sorted(e->a, compare_bytes) && is_sorted(e->b, compare_folded)) ||
	       (is_sorted(e->b, compare_bytes) && is_sorted(e->a, compare_folded));
}

static struct str directory_of(struct str path)
{
	const char *slash = memrchr(path.ptr, '/', path.len);

	return (struct str){path.ptr, slash ? (size_t)(slash - path.ptr) : 0};
}

/* Of the first round it is known how names came; of others, only that they may have. */
static bool is_of_directories(const struct evidence *e)
{
	if (e->reversed)
		return true;
	if (!all_names(e))
		return false;
	return e->again->order ||
	       items_reversed_by(e->a, e->b, items_lines, directory_of);
}

static enum whose whose_order(const struct evidence *e)
{
	if (e->archive.format)
		return e->archive.reordered ? OF_DIRECTORY : NOBODYS;
	if (!e->reordered)
		return NOBODYS;
	if (!e->again->shim)
		return OF_JOBS;
	/* Linked from parts in another order, most likely: who lists them? */
	if (!e->text)
		return OF_DIRECTORY;
	if (sorted_by_language(e))
		return OF_COLLATION;
	return is_of_directories(e) ? OF_DIRECTORY : OF_JOBS;
}

static bool is_order_of(struct evidence *e, enum whose whose, struct strbuf *detail)
{
	if (whose_order(e) != whose)
		return false;
	if (e->archive.format)
		strbuf_printf(detail, "of the members in %s", e->archive.format);
	else if (e->text && !e->nspots)
		strbuf_adds(detail, "the same lines in another order");
	else if (!e->text)
		strbuf_adds(detail, "the same parts in another order");
	/* What moved is at another place with all its bytes. */
	if (!e->text && !e->archive.format)
		evidence_explain(e);
	return true;
}

bool cause_directory(struct evidence *e, struct strbuf *detail)
{
	return is_order_of(e, OF_DIRECTORY, detail);
}

bool cause_collation(struct evidence *e, struct strbuf *detail)
{
	return is_order_of(e, OF_COLLATION, detail);
}

bool cause_parallel(struct evidence *e, struct strbuf *detail)
{
	return is_order_of(e, OF_JOBS, detail);
}
