// SPDX-License-Identifier: MIT
#include "realise/demand.h"

static void push(struct graph *g, struct node *node, struct ready *ready)
{
	ARENA_PUSH(g->arena, ready->v, ready->n, ready->cap) = node;
}

static void pull(struct graph *g, struct node *node, struct ready *ready)
{
	if (node->result->state != STEP_KNOWN)
		return;
	node->result->state = STEP_WAITING;
	node->job = JOB_PULL;
	push(g, node, ready);
}

/* What its inputs are is only certain now that they are here. */
static int resolve_and_push(struct graph *g, struct node *node, struct ready *ready,
			    struct error *err)
{
	if (graph_resolve(g, node, err) < 0)
		return -1;
	graph_name_outputs(g, node);
	push(g, node, ready);
	return 0;
}

int demand_build(struct graph *g, struct node *node, struct ready *ready,
		 struct error *err)
{
	node->job = JOB_BUILD;
	node->planned = true;
	node->waits = 0;
	node->result->state = STEP_WAITING;
	for (size_t i = 0; i < node->step->nneeds; i++) {
		struct node *in = &g->nodes[node->step->needs[i]];

		if (node_here(in))
			continue;
		node->waits++;
		pull(g, in, ready);
	}
	return node->waits ? 0 : resolve_and_push(g, node, ready, err);
}

int demand_wanted(struct graph *g, struct ready *ready, struct error *err)
{
	for (size_t i = 0; i < g->n; i++) {
		struct node *node = &g->nodes[i];

		if (!node->needed)
			continue;
		if (node->step->wanted)
			pull(g, node, ready);
		if (node->result->state == STEP_WAITING && node->job == JOB_BUILD &&
		    demand_build(g, node, ready, err) < 0)
			return -1;
	}
	return 0;
}

int demand_release(struct graph *g, struct node *node, struct ready *ready,
		   struct error *err)
{
	for (size_t i = 0; i < node->nusers; i++) {
		struct node *user = &g->nodes[node->users[i]];

		if (!user->planned || user->result->state != STEP_WAITING)
			continue;
		if (--user->waits == 0 && resolve_and_push(g, user, ready, err) < 0)
			return -1;
	}
	return 0;
}

void demand_again(struct graph *g, struct node *node, struct ready *ready)
{
	node->result->state = STEP_WAITING;
	push(g, node, ready);
}

void demand_skip(struct graph *g, struct node *node)
{
	for (size_t i = 0; i < node->nusers; i++) {
		struct node *user = &g->nodes[node->users[i]];

		if (!user->planned || user->result->state != STEP_WAITING)
			continue;
		user->result->state = STEP_SKIPPED;
		demand_skip(g, user);
	}
}
