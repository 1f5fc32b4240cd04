// SPDX-License-Identifier: MIT
#include "realise/graph.h"

#include "base/alloc.h"
#include "realise/substitute.h"
#include "store/import.h"

bool node_here(const struct node *node)
{
	enum realise_state state = node->result->state;

	return state == STEP_HAD || state == STEP_BUILT || state == STEP_PULLED;
}

bool node_known(const struct node *node)
{
	return node->result->state == STEP_KNOWN || node_here(node);
}

static void mark_needed(struct graph *g, size_t i)
{
	struct node *node = &g->nodes[i];

	/* A backward sweep would do as well, since inputs come first in the order; this
	 * visits less. Depth is bounded by the number of steps in a chain. */
	if (node->needed)
		return;
	node->needed = true;
	node->result->state = STEP_WAITING;
}

int graph_make(struct graph *g, const struct realise_step *steps, size_t n,
	       struct realise_result *results, struct arena *a, struct error *err)
{
	*g = (struct graph){.arena = a, .nodes = arena_array(a, n, struct node), .n = n};
	for (size_t i = 0; i < n; i++) {
		struct node *node = &g->nodes[i];

		node->step = &steps[i];
		node->result = &results[i];
		if (drv_read(steps[i].text, a, &node->drv, err) < 0)
			return error_wrap(err, "in the derivation of %s", steps[i].name);
		node->name = drv_get(&node->drv, "name");
		if (!node->name)
			return error_make(err, "the derivation of %s has no name",
					  steps[i].name);
		map_set(&g->by_drv, steps[i].drv_path, node);
		if (steps[i].wanted)
			mark_needed(g, i);
	}
	for (size_t i = n; i-- > 0;) {
		struct node *node = &g->nodes[i];

		for (size_t k = 0; node->needed && k < steps[i].nneeds; k++) {
			size_t input = steps[i].needs[k];
			struct node *in = &g->nodes[input];

			mark_needed(g, input);
			ARENA_PUSH(a, in->users, in->nusers, in->cap_users) = i;
			node->waits++;
		}
	}
	return 0;
}

void graph_finish(struct graph *g)
{
	map_finish(&g->by_drv);
}

static const char *path_of_output(void *ctx, const char *drv_path, const char *output)
{
	struct graph *g = ctx;
	const struct node *node = map_get(&g->by_drv, drv_path);

	if (!node || !node_known(node))
		return NULL;
	for (size_t i = 0; i < node->result->noutputs; i++)
		if (strcmp(node->result->outputs[i].name, output) == 0)
			return node->result->outputs[i].path;
	return NULL;
}

int graph_resolve(struct graph *g, struct node *node, struct error *err)
{
	autobuf struct strbuf text = STRBUF_INIT;

	node->path = NULL;
	if (drv_resolve(&node->drv, node->name, path_of_output, g, g->arena,
			&node->closed, err) < 0)
		return error_wrap(err, "while resolving %s", node->step->name);
	drv_write(&node->closed, &text);
	node->text = (struct str){arena_strndup(g->arena, text.ptr, text.len), text.len};
	node->result->text = node->text;
	node->resolved = true;
	return 0;
}

const char *graph_drv_path(struct graph *g, struct node *node)
{
	if (!node->path)
		node->path = drv_path(g->arena, node->name, &node->closed, node->text);
	return node->path;
}

void graph_name_outputs(struct graph *g, struct node *node)
{
	struct realise_result *r = node->result;

	r->noutputs = node->closed.noutputs;
	r->outputs = arena_array(g->arena, r->noutputs, struct realise_output);
	for (size_t i = 0; i < r->noutputs; i++)
		r->outputs[i] = (struct realise_output){
			.name = node->closed.outputs[i].name,
			.key = node->closed.outputs[i].path,
		};
}

/* Built here, or believed because of who signed it. */
static int find_output(struct store *st, struct realise_output *o,
		       const struct caches *trusted, struct arena *a, struct error *err)
{
	struct path_info info;
	int found = store_realisation(st, o->key, a, &info, &o->path, err);

	if (found <= 0)
		return found;
	return realisation_trusted(&info, trusted ? trusted->trust : NULL,
				   trusted ? trusted->ntrust : 0);
}

int graph_lookup(struct graph *g, struct node *node, struct store *st,
		 const struct caches *trusted, struct error *err)
{
	graph_name_outputs(g, node);
	for (size_t i = 0; i < node->result->noutputs; i++) {
		int found = find_output(st, &node->result->outputs[i], trusted, g->arena,
					err);

		if (found <= 0)
			return found;
	}
	node->result->state = STEP_HAD;
	return 1;
}
