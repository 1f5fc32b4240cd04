// SPDX-License-Identifier: MIT
#include "evaluator/merge.h"

#include <string.h>

static const struct node *widen(const struct schema *s, const struct node *n,
				struct arena *a)
{
	if (!s || !s->shorthand || n->kind != NODE_SCALAR || node_is_null(n))
		return n;
	struct node *map = node_map(a, n->at);
	node_add(a, map, s->shorthand, n->at, (struct node *)n);
	return map;
}

/* Only what ${} will change must not be shared. */
static struct node *copy_scalar(const struct node *n, struct arena *a)
{
	if (!strchr(n->text, '$'))
		return (struct node *)n;
	struct node *copy = arena_new(a, struct node);
	*copy = *n;
	return copy;
}

static void merge_member(const struct schema *s, struct node *out, const struct member *m,
			 struct arena *a)
{
	size_t len = strlen(m->key);
	bool whole = len > 1 && m->key[len - 1] == '!';
	const char *key = whole ? arena_strndup(a, m->key, len - 1) : m->key;

	if (node_is_null(m->value)) {
		node_remove(out, key);
		return;
	}
	const struct node *old = whole ? NULL : node_get(out, key);
	const struct schema *below = s ? schema_member(s, key) : NULL;
	node_set(a, out, key, m->key_at, merge_nodes(below, old, m->value, a));
}

struct node *merge_nodes(const struct schema *s, const struct node *base,
			 const struct node *over, struct arena *a)
{
	if (base && base->kind != over->kind) {
		base = widen(s, base, a);
		over = widen(s, over, a);
	}
	if (over->kind == NODE_SCALAR)
		return copy_scalar(over, a);
	bool same = base && base->kind == over->kind;
	struct node *out = same                     ? node_copy(a, base)
			   : over->kind == NODE_MAP ? node_map(a, over->at)
						    : node_list(a, over->at);
	out->at = over->at;
	for (size_t i = 0; i < over->n; i++) {
		const struct member *m = &over->members[i];

		if (over->kind == NODE_LIST)
			node_add(a, out, NULL, m->key_at,
				 merge_nodes(NULL, NULL, m->value, a));
		else
			merge_member(s, out, m, a);
	}
	return out;
}
