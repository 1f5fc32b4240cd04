// SPDX-License-Identifier: MIT
#include "realise/items.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/map.h"

struct item {
	struct str s;
	uint64_t hash;
	size_t index, partner; /* partner: index in the other list + 1, 0 is none */
};

struct list {
	struct item *v;
	size_t n, cap;
};

bool items_lines(struct str all, size_t *at, struct str *item)
{
	if (*at >= all.len)
		return false;
	const char *from = all.ptr + *at;
	const char *end = memchr(from, '\n', all.len - *at);
	size_t len = end ? (size_t)(end - from) : all.len - *at;

	*item = (struct str){from, len};
	*at += len + 1;
	return true;
}

static bool is_shown(char c)
{
	return (c >= ' ' && c <= '~') || c == '\t';
}

bool items_strings(struct str all, size_t *at, struct str *item)
{
	enum { SHORTEST = 4 };

	while (*at < all.len) {
		size_t from = *at;

		while (*at < all.len && is_shown(all.ptr[*at]))
			++*at;
		*item = (struct str){all.ptr + from, *at - from};
		++*at;
		if (item->len >= SHORTEST)
			return true;
	}
	return false;
}

static uint64_t hash_of(struct str s)
{
	uint64_t h = 14695981039346656037u;

	for (size_t i = 0; i < s.len; i++)
		h = (h ^ (unsigned char)s.ptr[i]) * 1099511628211u;
	return h;
}

static struct list read_items(struct str all, items_cut *cut)
{
	struct list l = {0};
	struct str item;

	for (size_t at = 0; cut(all, &at, &item);) {
		if (l.n == l.cap) {
			l.cap = l.cap ? l.cap * 2 : 256;
			l.v = xreallocarray(l.v, l.cap, sizeof(*l.v));
		}
		l.v[l.n] = (struct item){item, hash_of(item), l.n, 0};
		l.n++;
	}
	return l;
}

static int compare_items(const struct item *x, const struct item *y)
{
	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	if (x->s.len != y->s.len)
		return x->s.len < y->s.len ? -1 : 1;
	return memcmp(x->s.ptr, y->s.ptr, x->s.len);
}

static int by_content(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	int order = compare_items(x, y);

	return order ? order : x->index < y->index ? -1 : x->index > y->index;
}

static int by_index(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	return x->index < y->index ? -1 : x->index > y->index;
}

static void sort(struct list *l, int (*compare)(const void *, const void *))
{
	if (l->n)
		qsort(l->v, l->n, sizeof(*l->v), compare);
}

/* Equal items become partners, the first with the first. */
static void find_partners(struct list *a, struct list *b)
{
	sort(a, by_content);
	sort(b, by_content);
	for (size_t i = 0, k = 0; i < a->n && k < b->n;) {
		int order = compare_items(&a->v[i], &b->v[k]);

		if (order == 0) {
			a->v[i].partner = b->v[k].index + 1;
			b->v[k].partner = a->v[i].index + 1;
		}
		i += order <= 0;
		k += order >= 0;
	}
	sort(a, by_index);
	sort(b, by_index);
}

static struct items_order order_of(const struct list *a)
{
	size_t last = 0, pairs = 0;
	bool up = true, down = true;

	for (size_t i = 0; i < a->n; i++) {
		if (!a->v[i].partner)
			continue;
		if (pairs++) {
			up = up && a->v[i].partner > last;
			down = down && a->v[i].partner < last;
		}
		last = a->v[i].partner;
	}
	return (struct items_order){
		.reordered = !up,
		.reversed = pairs > 1 && down,
		.alike = pairs * 10 >= a->n * 9,
	};
}

/* The next item of the list that has no partner, or an empty one. */
static struct str next_single(const struct list *l, size_t *at)
{
	while (*at < l->n && l->v[*at].partner)
		++*at;
	return *at < l->n ? l->v[(*at)++].s : (struct str){"", 0};
}

static size_t count_singles(const struct list *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		n += !l->v[i].partner;
	return n;
}

struct items_order items_compare(struct str a, struct str b, items_cut *cut,
				 void (*pair)(void *ctx, struct str a, struct str b),
				 void *ctx)
{
	struct list x = read_items(a, cut), y = read_items(b, cut);

	find_partners(&x, &y);
	struct items_order order = order_of(&x);
	size_t n = count_singles(&x), m = count_singles(&y), i = 0, k = 0;
	for (size_t all = n > m ? n : m; all; all--) {
		struct str p = next_single(&x, &i), q = next_single(&y, &k);

		pair(ctx, p, q);
	}
	free(x.v);
	free(y.v);
	return order;
}

bool items_reversed_by(struct str a, struct str b, items_cut *cut,
		       struct str (*group)(struct str item))
{
	struct list x = read_items(a, cut), y = read_items(b, cut);
	struct map last = {0}; /* group -> its item before */
	bool reversed = true, several = false;

	find_partners(&x, &y);
	for (size_t i = 0; i < x.n && reversed; i++) {
		struct str g = group(x.v[i].s);
		autofree char *name = xstrndup(g.ptr, g.len);

		if (!x.v[i].partner)
			continue;
		const struct item *before = map_set(&last, name, &x.v[i]);
		several |= before != NULL;
		reversed = !before || x.v[i].partner < before->partner;
	}
	map_finish(&last);
	free(x.v);
	free(y.v);
	return reversed && several;
}
