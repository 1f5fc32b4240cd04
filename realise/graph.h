/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The steps as a graph: who is needed, who waits for whom, and what each one is called
 * once its inputs are known.
 */
#include "base/map.h"
#include "realise/realise.h"
#include "store/store.h"

enum job {
	JOB_BUILD,
	JOB_PULL,
	JOB_AGAIN, /* run the builder, publish nothing: rebuild.h */
};

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
	size_t waits;      /* survey: inputs that are not known; demand: not here */
	size_t *users, nusers, cap_users;

	enum job job;   /* what its worker is to do */
	bool planned;   /* demand.h has seen to it that it gets built */
	bool asked;     /* the caches have no answer for it, or a bad one */
	unsigned tries; /* runs that ended in an infrastructure failure */
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

/* Its outputs are known: here, or in a cache. */
bool node_known(const struct node *node);
/* They are here. */
bool node_here(const struct node *node);

/* All inputs must be known. Does it anew every time: what they are may have changed. */
int graph_resolve(struct graph *g, struct node *node, struct error *err);
const char *graph_drv_path(struct graph *g, struct node *node);

/*
 * Asks the store for the outputs of a resolved node. 1: all there, and the result is HAD;
 * 0: not; -1. What was not built here counts if one of the caches' trusted keys signed
 * it.
 */
int graph_lookup(struct graph *g, struct node *node, struct store *st,
		 const struct caches *trusted, struct error *err);
/* Fills result->outputs' names and keys of a resolved node; paths are still NULL. */
void graph_name_outputs(struct graph *g, struct node *node);
