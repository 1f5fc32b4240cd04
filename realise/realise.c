// SPDX-License-Identifier: MIT
#include "realise/realise.h"

#include "base/alloc.h"
#include "realise/graph.h"
#include "realise/sched.h"
#include "realise/substitute.h"
#include "realise/survey.h"

static int look_up(struct graph *g, const char *root, const struct caches *caches,
		   char **scratch_dir, struct error *err)
{
	autostore struct store *st = NULL;

	if (store_open(root, STORE_READ, &st, err) < 0)
		return -1;
	*scratch_dir = xstrdup(store_scratch_dir(st));
	return survey(g, st, caches, err);
}

int realise(const struct realise_step *steps, size_t n, const struct realise_options *opt,
	    struct arena *a, struct realise_result *results, struct error *err)
{
	autofree char *scratch_dir = NULL;
	struct ready ready = {0};
	struct graph graph;

	int rc = graph_make(&graph, steps, n, results, a, err);
	if (rc == 0)
		rc = look_up(&graph, opt->root, opt->caches, &scratch_dir, err);
	if (rc == 0)
		rc = demand_wanted(&graph, &ready, err);
	/* No connection to the database is open while workers are forked. */
	if (rc == 0 && ready.n) {
		const struct sched_work work = {.graph = &graph,
						.ready = &ready,
						.opt = opt,
						.scratch_dir = scratch_dir};
		rc = sched_run(&work, err);
	}
	graph_finish(&graph);
	return rc;
}

int realise_known(const struct realise_step *steps, size_t n,
		  const struct realise_options *opt, struct arena *a,
		  struct realise_result *results, struct error *err)
{
	struct caches silent = opt->caches ? *opt->caches : (struct caches){0};
	autofree char *scratch_dir = NULL;
	struct graph graph;

	silent.n = 0;
	int rc = graph_make(&graph, steps, n, results, a, err);
	if (rc == 0)
		rc = look_up(&graph, opt->root, &silent, &scratch_dir, err);
	graph_finish(&graph);
	return rc;
}

int realise_resolved(const struct realise_step *steps, size_t n,
		     const struct realise_options *opt, size_t step, struct arena *a,
		     const char **drv_path, struct error *err)
{
	struct realise_result *results = arena_array(a, n, struct realise_result);
	struct caches silent = opt->caches ? *opt->caches : (struct caches){0};
	autofree char *scratch_dir = NULL;
	struct graph graph;

	silent.n = 0;
	*drv_path = NULL;
	int rc = graph_make(&graph, steps, n, results, a, err);
	if (rc == 0)
		rc = look_up(&graph, opt->root, &silent, &scratch_dir, err);
	if (rc == 0 && graph.nodes[step].resolved)
		*drv_path = graph_drv_path(&graph, &graph.nodes[step]);
	graph_finish(&graph);
	return rc;
}
