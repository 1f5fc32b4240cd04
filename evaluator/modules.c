// SPDX-License-Identifier: MIT
/* Out-of-tree modules: one step each, after those whose symbols it uses. */
#include <string.h>

#include "base/alloc.h"
#include "evaluator/planner.h"

/* One module on the way down; the chain names a circle. */
struct visit {
	const char *name;
	const struct visit *outer;
};

static int module_circle(struct planner *p, const struct visit *chain,
			 const struct node *need)
{
	autobuf struct strbuf names = STRBUF_INIT;

	strbuf_adds(&names, need->text);
	for (const struct visit *v = chain; v; v = v->outer) {
		autofree char *rest = strbuf_take(&names);

		strbuf_printf(&names, "%s -> %s", v->name, rest);
		if (strcmp(v->name, need->text) == 0)
			break;
	}
	return error_at(p->err, need->at, "modules need each other in a circle: %s",
			names.ptr);
}

static struct made *make_module(struct planner *p, const struct member *m,
				const struct made *kernel, const struct visit *outer);

static int make_needed(struct planner *p, struct spec *s, const struct member *m,
		       const struct made *kernel, const struct visit *outer)
{
	const struct node *needs = node_get(node_get(m->value, "needs"), "modules");
	const struct visit here = {m->key, outer};

	for (size_t i = 0; needs && i < needs->n; i++) {
		const struct node *need = needs->members[i].value;

		for (const struct visit *v = &here; v; v = v->outer)
			if (strcmp(v->name, need->text) == 0)
				return module_circle(p, &here, need);
		const struct member *other =
			node_member(node_get(p->r->checked, "modules"), need->text);
		struct made *made = make_module(p, other, kernel, &here);
		if (!made)
			return -1;
		spec_step(p, s, arena_printf(p->a, "symvers_%s", need->text), made,
			  "out");
	}
	return 0;
}

static struct made *make_module(struct planner *p, const struct member *m,
				const struct made *kernel, const struct visit *outer)
{
	const char *name = arena_printf(p->a, "modules.%s", m->key);
	struct made *made = map_get(&p->steps, name);
	struct spec s = {.name = name, .builder = "module", .at = m->key_at};

	if (made)
		return made;
	if (make_needed(p, &s, m, kernel, outer) < 0)
		return NULL;
	spec_path(p, &s, "source",
		  planner_input(p, arena_printf(p->a, "%s.source", name)));
	spec_step(p, &s, "dev", kernel, "dev");
	spec_option(p, &s, "name", m->key);
	spec_option(p, &s, "arch", p->r->arch->name);
	spec_list(p, &s, "make", node_get(m->value, "make"));
	spec_option(p, &s, "install", node_text(m->value, "install"));
	return planner_add(p, &s);
}

int make_modules(struct planner *p, const struct made *kernel)
{
	const struct member **modules =
		sorted_members(p, node_get(p->r->checked, "modules"));

	for (size_t i = 0; modules[i]; i++)
		if (!make_module(p, modules[i], kernel, NULL))
			return -1;
	return 0;
}
