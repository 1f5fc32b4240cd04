/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Two sequences of items (the lines of a text, the texts in a binary): which have no
 * counterpart in the other, and whether those that have one stand in the same order.
 */
#include <stdbool.h>

#include "base/str.h"

/* The next item, at or after *at, which moves behind it. False: there is none. */
typedef bool items_cut(struct str all, size_t *at, struct str *item);

items_cut items_lines;
/* Printable texts of at least four characters. */
items_cut items_strings;

struct items_order {
	bool reordered; /* some stand elsewhere */
	bool reversed;  /* all stand the other way round */
	bool alike;     /* nine of ten have a counterpart */
};

/*
 * Tells the items without counterpart in pairs, in their order; where one side has more,
 * the other's is empty.
 */
struct items_order items_compare(struct str a, struct str b, items_cut *cut,
				 void (*pair)(void *ctx, struct str a, struct str b),
				 void *ctx);

/*
 * Within each group (a directory's names, say) the items stand the other way round, and
 * some group has several.
 */
bool items_reversed_by(struct str a, struct str b, items_cut *cut,
		       struct str (*group)(struct str item));
