/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What has to happen, given what is known: an unknown step is built, and for that its
 * inputs must be here; so must what was asked for. A step that is known but not here is
 * pulled, and when no cache has its bytes after all, it is built too.
 */
#include "realise/graph.h"

/* Nodes whose worker may start; in plan order as far as they became ready together. */
struct ready {
	struct node **v;
	size_t n, cap;
};

/* After the survey. */
int demand_wanted(struct graph *g, struct ready *ready, struct error *err);
/* The outputs of a node are here now. */
int demand_release(struct graph *g, struct node *node, struct ready *ready,
		   struct error *err);
/* It could not be pulled. */
int demand_build(struct graph *g, struct node *node, struct ready *ready,
		 struct error *err);
/* It goes to the end of the queue once more. */
void demand_again(struct graph *g, struct node *node, struct ready *ready);
/* It failed for good: what needs it is skipped. */
void demand_skip(struct graph *g, struct node *node);
