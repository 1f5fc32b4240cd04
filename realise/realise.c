// SPDX-License-Identifier: MIT
#include "realise/realise.h"

#include "base/alloc.h"
#include "realise/graph.h"
#include "realise/sched.h"

/* Inputs come first in the order: one pass finds everything that is known. */
static int find_known(struct graph *g, struct store *st, struct error *err)
{
	for (size_t i = 0; i < g->n; i++) {
		struct node *node = &g->nodes[i];

		if (!node->needed || node->waits)
			continue;
		if (graph_resolve(g, node, err) < 0)
			return -1;
		int found = graph_lookup(g, node, st, err);
		if (found < 0)
			return -1;
		for (size_t k = 0; found && k < node->nusers; k++)
			g->nodes[node->users[k]].waits--;
	}
	return 0;
}

static int look_up(struct graph *g, const char *root, char **scratch_dir,
		   struct error *err)
{
	autostore struct store *st = NULL;

	if (store_open(root, STORE_READ, &st, err) < 0)
		return -1;
	*scratch_dir = xstrdup(store_scratch_dir(st));
	return find_known(g, st, err);
}

static bool all_known(const struct graph *g)
{
	for (size_t i = 0; i < g->n; i++)
		if (g->nodes[i].needed && g->nodes[i].result->state != STEP_HAD)
			return false;
	return true;
}

int realise(const struct realise_step *steps, size_t n, const struct realise_options *opt,
	    struct arena *a, struct realise_result *results, struct error *err)
{
	autofree char *scratch_dir = NULL;
	struct graph graph;

	int rc = graph_make(&graph, steps, n, results, a, err);
	if (rc == 0)
		rc = look_up(&graph, opt->root, &scratch_dir, err);
	/* No connection to the database is open while workers are forked. */
	if (rc == 0 && !all_known(&graph)) {
		const struct sched_work work = {
			.graph = &graph, .opt = opt, .scratch_dir = scratch_dir};
		rc = sched_run(&work, err);
	}
	graph_finish(&graph);
	return rc;
}

int realise_known(const struct realise_step *steps, size_t n, const char *root,
		  struct arena *a, struct realise_result *results, struct error *err)
{
	autofree char *scratch_dir = NULL;
	struct graph graph;

	int rc = graph_make(&graph, steps, n, results, a, err);
	if (rc == 0)
		rc = look_up(&graph, root, &scratch_dir, err);
	graph_finish(&graph);
	return rc;
}

int realise_logs(const struct realise_step *steps, size_t n, const char *root,
		 size_t step, struct arena *a, char **log, struct error *err)
{
	struct realise_result *results = arena_array(a, n, struct realise_result);
	autofree char *scratch_dir = NULL;
	struct graph graph;

	*log = NULL;
	int rc = graph_make(&graph, steps, n, results, a, err);
	if (rc == 0)
		rc = look_up(&graph, root, &scratch_dir, err);
	if (rc == 0 && graph.nodes[step].resolved) {
		autostore struct store *st = NULL;

		rc = store_open(root, STORE_READ, &st, err);
		if (rc == 0)
			*log = store_log_path(st,
					      graph_drv_path(&graph, &graph.nodes[step]));
	}
	graph_finish(&graph);
	return rc;
}
