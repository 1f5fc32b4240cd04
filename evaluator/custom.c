// SPDX-License-Identifier: MIT
/* The section `steps`: the user's own steps, in an order in which inputs come first. */
#include <string.h>

#include "evaluator/findings.h"
#include "evaluator/planner.h"

enum state { NEW, OPEN, DONE };

struct custom {
	const struct member *step;
	enum state state;
	size_t next; /* input to look at next */
};

struct customs {
	struct custom *v;
	size_t n;
	size_t *stack; /* steps that are open, outermost first */
	size_t depth;
	struct map by_name; /* name -> struct custom */
};

static int report_circle(struct planner *p, const struct customs *c,
			 const struct custom *again, struct span at)
{
	autobuf struct strbuf names = STRBUF_INIT;
	size_t i = 0;

	while (&c->v[c->stack[i]] != again)
		i++;
	for (; i < c->depth; i++)
		strbuf_printf(&names, "%s -> ", c->v[c->stack[i]].step->key);
	strbuf_adds(&names, again->step->key);
	return error_at(p->err, at, "steps need each other in a circle: %s", names.ptr);
}

/* The step a text refers to, if it is one of ours and the text is a reference. */
static struct custom *needed(struct planner *p, const struct customs *c, const char *from)
{
	struct output_ref ref;

	if (!str_starts(from, "${") || !interp_output(p->r->checked, from, p->a, &ref))
		return NULL;
	return map_get(&c->by_name, ref.step);
}

const struct made *planner_referred(struct planner *p, const struct node *from,
				    const struct output_ref *ref)
{
	const struct made *made = map_get(&p->steps, ref->step);

	const struct node *section = made ? NULL : node_get(p->r->checked, ref->step);
	if (section && !section->is_default) {
		error_at(p->err, from->at, "step %s needs this one: a circle", ref->step);
		return NULL;
	}
	if (!made) {
		error_at(p->err, from->at, "there is no step '%s' here", ref->step);
		error_hint(p->err, "the recipe has no section that makes it");
		return NULL;
	}
	if (made->manifest ? !manifest_has_output(made->manifest, ref->output)
			   : strcmp(ref->output, "out") != 0) {
		error_at(p->err, from->at, "step %s has no output '%s'", ref->step,
			 ref->output);
		if (made->manifest)
			findings_suggest(p->err, ref->output, made->manifest->outputs,
					 made->manifest->noutputs);
		return NULL;
	}
	return made;
}

int custom_input(struct planner *p, struct spec *s, const char *name,
		 const struct node *from)
{
	struct output_ref ref;

	if (!interp_output(p->r->checked, from->text, p->a, &ref))
		return error_at(p->err, from->at,
				"'%s' is neither a source nor an output", from->text);
	if (strcmp(ref.step, "kernel.source") == 0 &&
	    !map_get(&p->by_name, "kernel.source"))
		return error_at(p->err, from->at, "this kernel has no source");
	if (strcmp(ref.step, "kernel.source") == 0 &&
	    !map_get(&p->steps, "kernel.patched") && map_get(&p->by_name, ref.step) &&
	    !*ref.subpath) {
		spec_path(p, s, name, planner_input(p, ref.step));
		return 0;
	}
	if (strcmp(ref.step, "kernel.source") == 0)
		ref.step = "kernel.patched";
	const struct made *made = planner_referred(p, from, &ref);
	if (!made)
		return -1;
	spec_step(p, s, name, made, ref.output);
	s->inputs[s->ninputs - 1].subpath = ref.subpath;
	return 0;
}

static void add_input(struct planner *p, struct spec *s, const struct member *m)
{
	const struct node *from = node_get(m->value, "from");

	if (str_starts(from->text, "${"))
		custom_input(p, s, m->key, from);
	else
		spec_path(p, s, m->key,
			  planner_input(p, arena_printf(p->a, "steps.%s.inputs.%s",
							s->name, m->key)));
}

static int make_one(struct planner *p, const struct member *m)
{
	const struct node *inputs = node_get(m->value, "inputs");
	struct spec s = {
		.name = m->key,
		.options = node_get(m->value, "options"),
		.checked = true,
		.at = m->key_at,
	};

	s.manifest = manifest_find(&p->manifests, p->r, node_get(m->value, "builder"),
				   p->a, p->err);
	if (!s.manifest)
		return -1;
	for (size_t i = 0; inputs && i < inputs->n; i++)
		add_input(p, &s, &inputs->members[i]);
	return planner_add(p, &s) ? 0 : -1;
}

/* Depth first without recursion: a chain of steps may be long. */
static int visit(struct planner *p, struct customs *c, size_t first)
{
	c->stack[c->depth++] = first;
	while (c->depth) {
		struct custom *top = &c->v[c->stack[c->depth - 1]];
		const struct node *inputs = node_get(top->step->value, "inputs");

		top->state = OPEN;
		if (inputs && top->next < inputs->n) {
			const struct node *input = inputs->members[top->next++].value;
			struct custom *other = needed(p, c, node_text(input, "from"));

			if (other && other->state == OPEN)
				return report_circle(p, c, other,
						     node_get(input, "from")->at);
			if (other && other->state == NEW)
				c->stack[c->depth++] = (size_t)(other - c->v);
			continue;
		}
		if (make_one(p, top->step) < 0)
			return -1;
		top->state = DONE;
		c->depth--;
	}
	return 0;
}

static void customs_init(struct planner *p, struct customs *c)
{
	const struct node *steps = node_get(p->r->checked, "steps");

	*c = (struct customs){.n = steps ? steps->n : 0};
	c->v = arena_array(p->a, c->n + 1, struct custom);
	c->stack = arena_array(p->a, c->n + 1, size_t);
	for (size_t i = 0; i < c->n; i++) {
		c->v[i].step = &steps->members[i];
		if (map_get(&p->steps, steps->members[i].key))
			c->v[i].state = DONE;
		map_set(&c->by_name, steps->members[i].key, &c->v[i]);
	}
}

int custom_make(struct planner *p)
{
	struct customs c;
	int rc = 0;

	customs_init(p, &c);
	for (size_t i = 0; i < c.n && rc == 0; i++)
		if (c.v[i].state == NEW)
			rc = visit(p, &c, i);
	map_finish(&c.by_name);
	return rc;
}

int custom_needed(struct planner *p, const struct node *from)
{
	struct customs c;
	int rc = 0;

	customs_init(p, &c);
	const struct custom *step = needed(p, &c, from->text);
	if (step && step->state == NEW)
		rc = visit(p, &c, (size_t)(step - c.v));
	map_finish(&c.by_name);
	return rc;
}
