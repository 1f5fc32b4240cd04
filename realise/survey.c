// SPDX-License-Identifier: MIT
#include "realise/survey.h"

#include "realise/known.h"
#include "realise/substitute.h"

struct round {
	struct graph *g;
	struct store *st;
	const struct caches *caches; /* NULL: none */
	struct node **unknown;       /* resolved, in plan order */
	size_t n, cap;
};

static void release_users(struct graph *g, const struct node *node)
{
	for (size_t i = 0; i < node->nusers; i++)
		g->nodes[node->users[i]].waits--;
}

/* Inputs come first in the order: one pass finds everything that follows. */
static int look_here(struct round *r, struct error *err)
{
	for (size_t i = 0; i < r->g->n; i++) {
		struct node *node = &r->g->nodes[i];

		if (!node->needed || node->waits || node->resolved)
			continue;
		if (graph_resolve(r->g, node, err) < 0)
			return -1;
		int found = graph_lookup(r->g, node, r->st, r->caches, err);
		if (found < 0)
			return -1;
		if (!found && r->caches &&
		    known_find(r->g, node, store_root(r->st), r->caches))
			found = 1;
		if (found)
			release_users(r->g, node);
		else
			ARENA_PUSH(r->g->arena, r->unknown, r->n, r->cap) = node;
	}
	return 0;
}

/* 1: some became known, 0: none, -1. */
static int ask_caches(struct round *r, struct error *err)
{
	int some = 0;

	if (!r->n || !r->caches || !r->caches->n)
		return 0;
	if (known_ask(r->g, r->unknown, r->n, store_root(r->st), r->caches, err) < 0)
		return -1;
	for (size_t i = 0; i < r->n; i++) {
		if (r->unknown[i]->result->state != STEP_KNOWN)
			continue;
		release_users(r->g, r->unknown[i]);
		some = 1;
	}
	r->n = 0;
	return some;
}

int survey(struct graph *g, struct store *st, const struct caches *caches,
	   struct error *err)
{
	struct round r = {.g = g, .st = st, .caches = caches};
	int more;

	do {
		if (look_here(&r, err) < 0)
			return -1;
		more = ask_caches(&r, err);
	} while (more > 0);
	return more;
}
