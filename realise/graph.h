/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The steps as a graph: who is needed, who waits for whom, and what each one is called
 * once its inputs are known.
 */
#include "base/map.h"
#include "realise/realise.h"
#include "store/store.h"

struct node {
	const struct realise_step *step;
	struct realise_result *result;
	struct drv drv;   /* unresolved, read back from the step's bytes */
	const char *name; /* of the derivation */
	bool needed;
	bool resolved;     /* the fields below are set */
	struct drv closed; /* resolved, input-addressed */
	struct str text;   /* of it */
	const char *path;  /* its .drv path; set on demand by graph_drv_path */
	size_t waits;      /* needed inputs that are not done */
	size_t *users, nusers, cap_users;
};

struct graph {
	struct arena *arena;
	struct node *nodes;
	size_t n;
	struct map by_drv; /* .drv path -> node */
};

/* Reads every derivation and marks what the wanted steps need. */
int graph_make(struct graph *g, const struct realise_step *steps, size_t n,
	       struct realise_result *results, struct arena *a, struct error *err);
void graph_finish(struct graph *g);

/* All inputs must be done. Idempotent. */
int graph_resolve(struct graph *g, struct node *node, struct error *err);
const char *graph_drv_path(struct graph *g, struct node *node);

/*
 * Asks the store for the outputs of a resolved node. 1: all there, and the result is HAD;
 * 0: not; -1.
 */
int graph_lookup(struct graph *g, struct node *node, struct store *st, struct error *err);
/* Fills result->outputs' names and keys of a resolved node; paths are still NULL. */
void graph_name_outputs(struct graph *g, struct node *node);
