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

/*
 * A realisation refers to its tree, so both stay. 1: everything that the survey found is
 * still there, 0: a collector was faster, -1.
 */
static int hold_known(const struct graph *g, struct store *hold, struct error *err)
{
	for (size_t i = 0; i < g->n; i++) {
		const struct realise_result *r = g->nodes[i].result;

		for (size_t k = 0; r->state == STEP_HAD && k < r->noutputs; k++) {
			const char *key = r->outputs[k].key;
			int there = store_temp_root(hold, key, err) < 0
					    ? -1
					    : store_find(hold, key, err);

			if (there <= 0)
				return there;
		}
	}
	return 1;
}

/*
 * Something must be built, which takes time: what that needs must not be collected
 * meanwhile. So everything found is held, and looked for again if it went before.
 */
static int hold_or_survey_again(struct graph *g, const struct realise_step *steps,
				size_t n, const struct realise_options *opt,
				struct ready *ready, struct store *hold,
				struct error *err)
{
	struct arena *a = g->arena;
	struct realise_result *results = n ? g->nodes[0].result : NULL;
	int rc;

	while ((rc = hold_known(g, hold, err)) == 0) {
		graph_finish(g);
		memset(results, 0, n * sizeof(*results));
		*ready = (struct ready){0};
		if (graph_make(g, steps, n, results, a, err) < 0 ||
		    survey(g, hold, opt->caches, err) < 0 ||
		    demand_wanted(g, ready, err) < 0)
			return -1;
	}
	return rc < 0 ? -1 : 0;
}

int realise(const struct realise_step *steps, size_t n, const struct realise_options *opt,
	    struct arena *a, struct realise_result *results, struct error *err)
{
	autofree char *scratch_dir = NULL;
	autostore struct store *hold = NULL;
	struct ready ready = {0};
	struct graph graph;

	int rc = graph_make(&graph, steps, n, results, a, err);
	if (rc == 0)
		rc = look_up(&graph, opt->root, opt->caches, &scratch_dir, err);
	if (rc == 0)
		rc = demand_wanted(&graph, &ready, err);
	if (rc == 0 && ready.n) {
		rc = store_open(opt->root, STORE_WRITE, &hold, err);
		if (rc == 0)
			rc = hold_or_survey_again(&graph, steps, n, opt, &ready, hold,
						  err);
	}
	if (rc == 0 && ready.n) {
		const struct sched_work work = {.graph = &graph,
						.ready = &ready,
						.opt = opt,
						.scratch_dir = scratch_dir,
						.hold = hold};

		/* No connection to the database is open while workers are forked. */
		store_suspend(hold);
		rc = sched_run(&work, err);
	}
	graph_finish(&graph);
	if (opt->hold)
		*opt->hold = take_ptr(&hold);
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
