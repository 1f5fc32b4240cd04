// SPDX-License-Identifier: MIT
#include "evaluator/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "evaluator/findings.h"
#include "evaluator/planner.h"
#include "fetchers/debline.h"
#include "store/path.h"

/* --- derivations ---------------------------------------------------------------- */

void spec_path(struct planner *p, struct spec *s, const char *input, const char *path)
{
	if (path)
		ARENA_PUSH(p->a, s->inputs, s->ninputs, s->cap) =
			(struct step_input){.name = input, .path = path};
}

void spec_step(struct planner *p, struct spec *s, const char *input,
	       const struct made *step, const char *output)
{
	if (step)
		ARENA_PUSH(p->a, s->inputs, s->ninputs, s->cap) = (struct step_input){
			.name = input, .step = step, .output = output, .subpath = ""};
}

void spec_option(struct planner *p, struct spec *s, const char *key, const char *text)
{
	if (!s->options)
		s->options = node_map(p->a, s->at);
	if (text)
		node_add(p->a, s->options, key, s->at, node_scalar(p->a, text, s->at));
}

void spec_list(struct planner *p, struct spec *s, const char *key, struct node *list)
{
	if (!s->options)
		s->options = node_map(p->a, s->at);
	if (list)
		node_add(p->a, s->options, key, s->at, list);
}

void spec_source(struct planner *p, struct spec *s, const char *input,
		 const struct kernel_source *src)
{
	if (src->patched)
		spec_step(p, s, input, src->patched, "out");
	else
		spec_path(p, s, input, src->path);
}

struct node *text_item(struct planner *p, struct node *list, const char *text,
		       struct span at)
{
	node_add(p->a, list, NULL, at, node_scalar(p->a, text, at));
	return list;
}

static int by_member(const void *a, const void *b)
{
	return strcmp((*(const struct member *const *)a)->key,
		      (*(const struct member *const *)b)->key);
}

/* Names of a map in order; n + 1 of them, the last is NULL. */
const struct member **sorted_members(struct planner *p, const struct node *map)
{
	size_t n = map ? map->n : 0;
	const struct member **v = arena_array(p->a, n + 1, const struct member *);

	for (size_t i = 0; i < n; i++)
		v[i] = &map->members[i];
	if (n)
		qsort(v, n, sizeof(*v), by_member);
	return v;
}

struct env {
	struct drv_env *v;
	size_t n, cap;
};

static void put(struct planner *p, struct env *env, const char *key, const char *value)
{
	ARENA_PUSH(p->a, env->v, env->n, env->cap) = (struct drv_env){key, value};
}

static char *variable(struct planner *p, const char *prefix, const char *name)
{
	char *s = arena_printf(p->a, "%s%s", prefix, name);

	for (char *c = s; *c; c++)
		if (*c == '-' || *c == '.' || *c == '+' || *c == '/')
			*c = '_';
	return s;
}

static const char *own_placeholder(struct planner *p, const char *output)
{
	char *text = map_get(&p->placeholders, output);

	if (!text) {
		text = drv_placeholder(p->a, output);
		map_set(&p->placeholders, output, text);
	}
	return text;
}

static const char *placeholder_of(struct planner *p, const struct made *step,
				  const char *output)
{
	struct made *m = (struct made *)step;
	char *text = map_get(&m->placeholders, output);

	if (!text) {
		text = drv_upstream_placeholder(p->a, m->drv_path, output);
		map_set(&m->placeholders, output, text);
	}
	return text;
}

static int by_key(const void *a, const void *b)
{
	return strcmp((*(const struct member *const *)a)->key,
		      (*(const struct member *const *)b)->key);
}

/* The text of an option's variable. */
static const char *option_text(struct planner *p, const struct schema *s,
			       const struct node *n)
{
	autobuf struct strbuf out = STRBUF_INIT;

	if (s && s->type == TYPE_BOOL)
		return strcmp(n->text, "y") == 0 ? "1" : "";
	if (n->kind == NODE_SCALAR)
		return n->text;
	autofree const struct member **sorted = xcalloc(n->n + 1, sizeof(*sorted));
	for (size_t i = 0; i < n->n; i++)
		sorted[i] = &n->members[i];
	if (n->kind == NODE_MAP)
		qsort(sorted, n->n, sizeof(*sorted), by_key);
	for (size_t i = 0; i < n->n; i++) {
		const struct member *m = sorted[i];

		strbuf_printf(&out, "%s%s%s%s", i ? "\n" : "", m->key ? m->key : "",
			      m->key ? "=" : "", m->value->text);
	}
	return arena_strndup(p->a, out.ptr ? out.ptr : "", out.len);
}

static void put_options(struct planner *p, struct env *env, const struct manifest *m,
			const struct node *options)
{
	for (size_t i = 0; i < options->n; i++) {
		const struct member *o = &options->members[i];
		const struct schema *s = schema_member(&m->options, o->key);

		put(p, env, variable(p, "opt_", o->key), option_text(p, s, o->value));
	}
}

static void put_outputs(struct planner *p, struct env *env, struct drv *drv,
			const char **names, size_t n)
{
	autobuf struct strbuf all = STRBUF_INIT;

	drv->outputs = arena_array(p->a, n, struct drv_output);
	drv->noutputs = n;
	for (size_t i = 0; i < n; i++) {
		drv->outputs[i] = (struct drv_output){names[i], "", "r:sha256", ""};
		strbuf_printf(&all, "%s%s", i ? " " : "", names[i]);
		put(p, env, names[i], own_placeholder(p, names[i]));
	}
	put(p, env, "outputs", arena_strndup(p->a, all.ptr, all.len));
}

/* Edges of one derivation, gathered by the step they come from. */
struct edges {
	struct drv_input *v;
	const struct made **from;
	size_t n;
};

static void add_edge(struct planner *p, struct edges *e, size_t max,
		     const struct made *step, const char *output)
{
	size_t i = 0;

	while (i < e->n && e->from[i] != step)
		i++;
	if (i == e->n) {
		e->from[e->n] = step;
		e->v[e->n++] = (struct drv_input){
			.path = step->drv_path,
			.outputs = arena_array(p->a, max, const char *)};
	}
	struct drv_input *in = &e->v[i];
	size_t k = 0;
	while (k < in->noutputs && strcmp(in->outputs[k], output) < 0)
		k++;
	if (k < in->noutputs && strcmp(in->outputs[k], output) == 0)
		return;
	memmove(&in->outputs[k + 1], &in->outputs[k],
		(in->noutputs - k) * sizeof(*in->outputs));
	in->outputs[k] = output;
	in->noutputs++;
}

static int by_input(const void *a, const void *b)
{
	return strcmp(((const struct step_input *)a)->name,
		      ((const struct step_input *)b)->name);
}

static void put_inputs(struct planner *p, struct env *env, struct drv *drv,
		       struct spec *s, struct edges *edges)
{
	autobuf struct strbuf names = STRBUF_INIT;

	if (s->ninputs)
		qsort(s->inputs, s->ninputs, sizeof(*s->inputs), by_input);
	for (size_t i = 0; i < s->ninputs; i++) {
		const struct step_input *in = &s->inputs[i];
		const char *value = in->path;

		strbuf_printf(&names, "%s%s", i ? " " : "", in->name);
		if (in->step) {
			add_edge(p, edges, s->ninputs + 1, in->step, in->output);
			value = placeholder_of(p, in->step, in->output);
			if (*in->subpath)
				value = arena_printf(p->a, "%s%s", value, in->subpath);
		} else {
			drv->srcs[drv->nsrcs++] = in->path;
		}
		put(p, env, variable(p, "in_", in->name), value);
	}
	put(p, env, "inputs", arena_strndup(p->a, names.ptr ? names.ptr : "", names.len));
}

/* Writes the text, names it and files the step. */
static struct made *finish(struct planner *p, const struct spec *s, struct drv *drv,
			   const struct edges *edges)
{
	autobuf struct strbuf text = STRBUF_INIT;
	struct made *m = arena_new(p->a, struct made);
	struct plan_step *step;
	size_t *needs = arena_array(p->a, edges->n + 1, size_t);

	for (size_t i = 0; i < edges->n; i++)
		needs[i] = edges->from[i]->index;
	drv_normalise(drv);
	for (size_t i = 1; i < drv->nenv; i++) {
		if (strcmp(drv->env[i].key, drv->env[i - 1].key) != 0)
			continue;
		error_at(p->err, s->at,
			 "two inputs or options of %s become the variable "
			 "%s",
			 s->name, drv->env[i].key);
		return NULL;
	}
	drv_write(drv, &text);
	m->index = p->n;
	m->manifest = s->manifest;
	step = &ARENA_PUSH(p->a, p->v, p->n, p->cap);
	*step = (struct plan_step){
		.name = s->name,
		.text = {arena_strndup(p->a, text.ptr, text.len), text.len},
		.at = s->at,
		.needs = needs,
		.nneeds = edges->n,
		.internal = s->internal,
	};
	const char *name =
		strcmp(s->name, "toolchain") == 0 ? drv_get(drv, "name") : s->name;
	step->drv_path = m->drv_path =
		drv_path(p->a, path_name_clean(p->a, name), drv, step->text);
	map_set(&p->steps, s->name, m);
	return m;
}

/* The builder's folder as a source; many steps may share it. */
static const char *script_of(struct planner *p, const struct manifest *m, struct span at)
{
	const char *path = map_get(&p->scripts, m->dir);
	const struct local folder = {
		.physical = m->dir,
		.name = m->name,
		.shown = m->name,
		.exclude = "test.yaml\nREADME*",
		.at = at,
	};

	if (path)
		return path;
	path = planner_tree(p, &folder);
	if (path)
		map_set(&p->scripts, m->dir, (void *)path);
	return path;
}

struct made *planner_add(struct planner *p, struct spec *s)
{
	const struct manifest *m = s->manifest;
	size_t max = s->ninputs + 4;
	struct drv drv = {.system = p->system, .builder = "/bin/sh"};
	struct edges edges = {arena_array(p->a, max, struct drv_input),
			      arena_array(p->a, max, const struct made *), 0};
	struct env env = {0};

	if (!m)
		m = s->manifest = manifest_named(&p->manifests, s->builder, p->a, p->err);
	if (!m)
		return NULL;
	if (!s->checked)
		s->options = schema_apply(&m->options,
					  s->options ? s->options : node_map(p->a, s->at),
					  s->name, p->a, p->err);
	const char *script = script_of(p, m, s->at);
	if (!script || !s->options || error_is_set(p->err))
		return NULL;
	drv.srcs = arena_array(p->a, max, const char *);
	drv.srcs[drv.nsrcs++] = script;
	drv.srcs[drv.nsrcs++] = p->run_sh;
	drv.args = arena_array(p->a, 2, const char *);
	drv.args[drv.nargs++] = "-eu";
	drv.args[drv.nargs++] = p->run_sh;
	add_edge(p, &edges, max, p->toolchain, "out");
	put(p, &env, "name", path_name_clean(p->a, s->name));
	put(p, &env, "system", drv.system);
	put(p, &env, "builder", drv.builder);
	put(p, &env, "toolchain", placeholder_of(p, p->toolchain, "out"));
	put(p, &env, "script", script);
	put(p, &env, "tools", m->tools);
	put_outputs(p, &env, &drv, m->outputs, m->noutputs);
	put_inputs(p, &env, &drv, s, &edges);
	put_options(p, &env, m, s->options);
	drv.inputs = edges.v;
	drv.ninputs = edges.n;
	drv.env = env.v;
	drv.nenv = env.n;
	return finish(p, s, &drv, &edges);
}

/* --- the toolchain -------------------------------------------------------------- */

/* Store path of a package in the lock; NULL after a finding. */
static const char *deb_path(struct planner *p, const struct lock_entry *e,
			    struct str line, const char *date)
{
	struct deb_line deb;
	struct sha256 sha;

	if (deb_line_parse(line, p->a, &deb, p->err) < 0) {
		error_place(p->err, e->at);
		return NULL;
	}
	sha256_parse(deb.sha256, &sha);
	const char *path = path_flat(p->a, &sha, path_name_clean(p->a, deb.name));
	struct origin *o = planner_origin(p, path, "toolchain");
	if (o) {
		o->kind = ORIGIN_PIN;
		o->pin = arena_array(p->a, 2, struct origin_fact);
		o->pin[o->npin++] = (struct origin_fact){
			"deb", arena_strndup(p->a, line.ptr, line.len)};
		if (date)
			o->pin[o->npin++] = (struct origin_fact){"date", date};
	}
	return path;
}

static int take_debs(struct planner *p, const struct lock_entry *e, struct drv *drv,
		     struct strbuf *joined)
{
	struct str rest = str_of(lock_fact(e, "debs"));
	const char *date = lock_fact(e, "date");
	size_t cap = 0;

	while (rest.ptr) {
		struct str line = str_cut(&rest, '\n');
		const char *path = deb_path(p, e, line, date);

		if (!path)
			return -1;
		ARENA_PUSH(p->a, drv->srcs, drv->nsrcs, cap) = path;
		strbuf_printf(joined, "%s%s", joined->len ? "\n" : "", path);
	}
	return 0;
}

static int make_toolchain(struct planner *p)
{
	struct spec s = {.name = "toolchain", .internal = true};
	struct drv drv = {.system = "builtin", .builder = "builtin:debs"};
	static const char *outputs[] = {"out"};
	autobuf struct strbuf debs = STRBUF_INIT;
	struct edges none = {0};
	struct env env = {0};
	struct toolchain t;

	if (toolchain_of(p->r, p->lock, p->opt->data_dir, p->a, &t, p->err) < 0)
		return -1;
	s.at = t.at;
	enum lock_verdict verdict = lock_judge_toolchain(p->lock, &t);
	if (verdict != LOCK_OK) {
		error_at(p->err, t.at, "the toolchain %s is %s", t.key,
			 verdict == LOCK_MISSING ? "not in the lock"
						 : "locked with other packages");
		p->err->class = ERROR_LOCK;
		return error_hint(p->err, "run `kbuild lock %s`", p->r->path);
	}
	if (take_debs(p, lock_find(&p->lock->toolchains, t.key), &drv, &debs) < 0)
		return -1;
	put(p, &env, "name", arena_printf(p->a, "toolchain-%s", t.name));
	put(p, &env, "system", drv.system);
	put(p, &env, "builder", drv.builder);
	put(p, &env, "debs", arena_strndup(p->a, debs.ptr, debs.len));
	put(p, &env, "kind", "toolchain");
	put(p, &env, "prune", t.prune);
	put(p, &env, "links", t.links);
	put(p, &env, "files", t.files);
	put(p, &env, "dirs", t.dirs);
	put_outputs(p, &env, &drv, outputs, 1);
	drv.env = env.v;
	drv.nenv = env.n;
	p->toolchain = finish(p, &s, &drv, &none);
	return 0;
}

/* --- all of it ------------------------------------------------------------------ */

static int make_all(struct planner *p)
{
	if (inputs_collect(p->r, p->a, &p->inputs, p->err) < 0)
		return -1;
	for (size_t i = 0; i < p->inputs.n; i++)
		map_set(&p->by_name, p->inputs.v[i].name, &p->inputs.v[i]);
	/* All that the lock lacks is said at once. */
	for (size_t i = 0; i < p->inputs.n && !findings_full(p->err); i++)
		if (p->inputs.v[i].kind == INPUT_PINNED)
			planner_pinned(p, &p->inputs.v[i]);
	autoerror struct error more = {0};
	struct error *before = p->err;
	p->err = &more;
	int rc = make_toolchain(p);
	p->err = before;
	error_join(p->err, &more);
	if (rc < 0 || findings_close(p->err) < 0)
		return -1;
	const struct local run_sh = {
		.physical = arena_printf(p->a, "%s/builders/run.sh", p->opt->data_dir),
		.name = "run.sh",
	};
	p->run_sh = planner_tree(p, &run_sh);
	if (!p->run_sh || steps_make(p) < 0 || custom_make(p) < 0)
		return -1;
	p->exports = exports_make(p);
	return 0;
}

int plan_make(const struct recipe *r, const struct lock *lock,
	      const struct plan_options *opt, struct arena *a, struct plan *out,
	      struct error *err)
{
	struct planner p = {
		.r = r,
		.lock = lock,
		.opt = opt,
		.a = a,
		.err = err,
		.manifests = {.data_dir = opt->data_dir},
		.system = arch_host()->system,
	};
	int rc = make_all(&p);

	map_each (&p.steps, e)
		map_finish(&((struct made *)e->value)->placeholders);
	manifests_finish(&p.manifests);
	map_finish(&p.by_name);
	map_finish(&p.local);
	map_finish(&p.scripts);
	map_finish(&p.origins);
	map_finish(&p.steps);
	map_finish(&p.placeholders);
	*out = (struct plan){p.v, p.n, p.o, p.no, p.exports};
	return rc < 0 || findings_close(err) < 0 ? -1 : 0;
}

long plan_find(const struct plan *plan, const char *name, struct error *err)
{
	autofree const char **words = xcalloc(plan->nsteps + 1, sizeof(*words));

	for (size_t i = 0; i < plan->nsteps; i++) {
		if (strcmp(plan->steps[i].name, name) == 0)
			return (long)i;
		words[i] = plan->steps[i].name;
	}
	error_class(err, ERROR_RECIPE, "no step is called '%s'", name);
	return findings_suggest(err, name, words, plan->nsteps);
}
