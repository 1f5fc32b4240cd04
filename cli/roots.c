// SPDX-License-Identifier: MIT
#include "cli/roots.h"

#include <fcntl.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "store/path.h"

struct wanted {
	struct arena *a;
	struct store_root *v;
	size_t n, cap, nsteps;
};

/* Names of inputs may hold a path; the name of a link holds no slash. */
static const char *source_name(struct arena *a, const char *name)
{
	autobuf struct strbuf out = STRBUF_INIT;

	strbuf_adds(&out, "source-");
	for (; *name; name++) {
		if (*name == '/' || *name == '%')
			strbuf_printf(&out, "%%%02X", (unsigned char)*name);
		else
			strbuf_addc(&out, *name);
	}
	return arena_strdup(a, out.ptr);
}

static void add(struct wanted *w, const char *name, const char *path)
{
	for (size_t i = 0; i < w->n; i++)
		if (strcmp(w->v[i].name, name) == 0)
			return;
	ARENA_PUSH(w->a, w->v, w->n, w->cap) = (struct store_root){name, path};
}

/* The realisation refers to the tree, so both stay. */
static void add_steps(const struct pipeline *p, struct wanted *w)
{
	for (size_t i = 0; i < p->plan.nsteps; i++) {
		const struct realise_result *r = &p->results[i];

		if (r->state != STEP_HAD && r->state != STEP_BUILT &&
		    r->state != STEP_PULLED)
			continue;
		for (size_t k = 0; k < r->noutputs; k++)
			add(w,
			    arena_printf(w->a, "%s-%s", p->plan.steps[i].name,
					 r->outputs[k].name),
			    r->outputs[k].key);
	}
	w->nsteps = w->n;
}

/*
 * What takes long to get again. The packages of a toolchain do not count: there are many,
 * and the tree made of them is a step.
 */
static bool worth_keeping(const struct origin *o)
{
	if (o->kind == ORIGIN_TEXT)
		return false;
	for (size_t i = 0; i < o->npin; i++)
		if (strcmp(o->pin[i].key, "deb") == 0)
			return false;
	return true;
}

static void add_sources(const struct pipeline *p, const char *root, struct wanted *w)
{
	for (size_t i = 0; i < p->plan.norigins; i++) {
		const struct origin *o = &p->plan.origins[i];

		if (!worth_keeping(o))
			continue;
		autofree char *physical = xasprintf("%s%s", root, o->path);
		if (faccessat(AT_FDCWD, physical, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			add(w, source_name(w->a, o->name), o->path);
	}
}

/* A source may lie there and not be valid: garbage of something that was interrupted. */
static int drop_invalid(struct wanted *w, struct store *st, struct error *err)
{
	size_t n = w->nsteps;

	for (size_t i = n; i < w->n; i++) {
		int valid = store_temp_root(st, w->v[i].path, err) < 0
				    ? -1
				    : store_find(st, w->v[i].path, err);

		if (valid < 0)
			return -1;
		if (valid)
			w->v[n++] = w->v[i];
	}
	w->n = n;
	return 0;
}

/* Everything the recipe has was asked for, and is there. */
static bool is_whole(const struct pipeline *p)
{
	for (size_t i = 0; i < p->plan.nsteps; i++) {
		enum realise_state state = p->results[i].state;

		if ((!p->plan.steps[i].internal && !p->wanted[i]) ||
		    state == STEP_FAILED || state == STEP_SKIPPED)
			return false;
	}
	return true;
}

int roots_update(const struct pipeline *p, struct cli *cli, struct error *err)
{
	autofree char *owner = xasprintf("%s/%s", p->recipe->dir, p->recipe->name);
	autofree char *place = xasprintf("%s/result", p->recipe->dir);
	autofree char *root = cli_root(cli);
	autostore struct store *st = NULL;
	struct wanted w = {.a = &cli->arena};
	char name[STORE_GROUP_NAME_SIZE];

	add_steps(p, &w);
	add_sources(p, root, &w);
	struct store_group group = {
		.name = store_group_name(owner, name),
		.place = place,
		.roots = w.v,
		.nroots = w.n,
		.whole = is_whole(p),
	};
	if (store_group_is(root, &group))
		return 0;
	if (cli_open_store(cli, STORE_WRITE, &st, err) < 0 ||
	    drop_invalid(&w, st, err) < 0)
		return -1;
	group.nroots = w.n;
	return store_group_set(st, &group, err);
}
