// SPDX-License-Identifier: MIT
#include "realise/rebuild.h"

#include <fcntl.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "base/json.h"
#include "realise/message.h"
#include "realise/sched.h"
#include "realise/worker.h"
#include "store/ingest.h"
#include "store/path.h"

/* --- in the worker ---------------------------------------------------------------- */

static int finish_output(struct worker *w, const struct realise_output *o,
			 struct json_object *list, struct error *err)
{
	autofree char *physical = xasprintf("%s/store/%s", w->scratch, path_base(o->key));
	struct ingest in = {.owner = getuid()};
	struct json_object *one = json_object_new_object();

	json_object_array_add(list, one);
	if (ingest_take(&in, AT_FDCWD, physical, err) < 0)
		return error_wrap(err, "output '%s' cannot be hashed", o->name);
	json_add(one, "name", o->name);
	json_add(one, "physical", physical);
	json_add(one, "nar", hash_sri(w->graph->arena, &in.nar));
	json_add_number(one, "size", in.size);
	if (!w->mode || !w->mode->compare)
		return 0;
	return inspect_output(w, o, physical, &in.nar, one, err);
}

int rebuild_finish(struct worker *w, struct error *err)
{
	const struct realise_result *r = w->node->result;
	struct json_object *list;

	w->outcome = message_make("done");
	vary_report(&w->varied, w->outcome);
	json_add_number(w->outcome, "state", STEP_BUILT);
	list = json_add_list(w->outcome, "outputs");
	for (size_t i = 0; i < r->noutputs; i++)
		if (finish_output(w, &r->outputs[i], list, err) < 0)
			return -1;
	return 0;
}

/* --- in the parent ---------------------------------------------------------------- */

void rebuild_outcome(struct json_object *msg, struct arena *a,
		     const struct realise_result *built, const char *scratch,
		     struct rebuild_result *r)
{
	struct json_object *list = json_list(msg, "outputs");

	r->scratch = arena_strdup(a, scratch);
	r->report = json_object_get(msg);
	r->noutputs = built->noutputs;
	r->outputs = arena_array(a, r->noutputs, struct rebuilt);
	for (size_t i = 0; i < r->noutputs; i++) {
		struct json_object *one = json_object_array_get_idx(list, i);
		struct rebuilt *out = &r->outputs[i];

		out->name = built->outputs[i].name;
		out->key = built->outputs[i].key;
		out->physical = arena_strdup(a, json_text(one, "physical"));
		out->nar_size = json_number(one, "size");
		if (hash_parse(json_text(one, "nar"), &out->nar) < 0)
			BUG("the worker sent no digest");
	}
}

static int check_resolved(const struct drv *drv, const char *name, struct error *err)
{
	bool open = drv->ninputs > 0;

	for (size_t i = 0; i < drv->noutputs; i++)
		open |= !path_ok(drv->outputs[i].path);
	return open ? error_make(err, "the derivation of %s is not resolved", name) : 0;
}

static int make_graph(struct graph *g, const struct rebuild_job *jobs, size_t n,
		      struct arena *a, struct realise_result *results,
		      struct ready *ready, struct error *err)
{
	struct realise_step *steps = arena_array(a, n, struct realise_step);

	for (size_t i = 0; i < n; i++)
		steps[i] = (struct realise_step){
			.name = jobs[i].name,
			.drv_path = jobs[i].name,
			.text = jobs[i].text,
			.wanted = true,
		};
	if (graph_make(g, steps, n, results, a, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct node *node = &g->nodes[i];

		if (check_resolved(&node->drv, jobs[i].name, err) < 0)
			return -1;
		node->closed = node->drv;
		node->text = jobs[i].text;
		node->resolved = true;
		node->job = JOB_AGAIN;
		graph_name_outputs(g, node);
		demand_again(g, node, ready);
	}
	return 0;
}

static char *scratch_dir_of(const char *root, struct error *err)
{
	autostore struct store *st = NULL;

	if (store_open(root, STORE_READ, &st, err) < 0)
		return NULL;
	return xstrdup(store_scratch_dir(st));
}

int rebuild(const struct rebuild_job *jobs, size_t n, const struct rebuild_mode *mode,
	    const struct realise_options *opt, struct arena *a,
	    struct rebuild_result *results, struct error *err)
{
	struct realise_result *built = arena_array(a, n, struct realise_result);
	struct realise_options all = *opt;
	struct ready ready = {0};
	struct graph graph;

	all.keep_going = true;
	all.jobs = variation_jobs(mode ? variation_of(mode->round) : NULL, opt->jobs);
	for (size_t i = 0; i < n; i++)
		results[i] = (struct rebuild_result){0};
	autofree char *scratch_dir = scratch_dir_of(opt->root, err);
	if (!scratch_dir)
		return -1;
	int rc = make_graph(&graph, jobs, n, a, built, &ready, err);
	if (rc == 0 && n) {
		const struct sched_work work = {
			.graph = &graph,
			.ready = &ready,
			.opt = &all,
			.scratch_dir = scratch_dir,
			.rebuilt = results,
			.mode = mode,
		};
		rc = sched_run(&work, err);
	}
	for (size_t i = 0; i < n; i++)
		results[i].built = built[i];
	graph_finish(&graph);
	if (rc < 0)
		rebuild_clean(results, n);
	return rc;
}

void rebuild_clean(const struct rebuild_result *results, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		autoerror struct error ignored = {0};

		if (results[i].scratch)
			dir_remove(AT_FDCWD, results[i].scratch, &ignored);
	}
}
