// SPDX-License-Identifier: MIT
/* The kernel: its source, its configuration, the step that gives its four outputs. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "evaluator/findings.h"
#include "evaluator/planner.h"
#include "evaluator/sections.h"
#include "evaluator/smallest.h"
#include "store/path.h"

static int make_source(struct planner *p, const struct member *kernel,
		       struct kernel_source *out)
{
	struct spec s = {.name = "kernel.patched", .builder = "patch", .internal = true};
	size_t n = 0;

	out->path = planner_input(p, "kernel.source");
	if (!out->path)
		return -1;
	for (;; n++) {
		const char *name = arena_printf(p->a, "kernel.patches.%zu", n);

		if (!map_get(&p->by_name, name))
			break;
		const char *path = planner_input(p, name);
		if (!path)
			return -1;
		spec_path(p, &s, arena_printf(p->a, "patch_%04zu", n), path);
	}
	if (n == 0)
		return 0;
	s.at = kernel->key_at;
	spec_path(p, &s, "source", out->path);
	out->patched = planner_add(p, &s);
	return out->patched ? 0 : -1;
}

struct request {
	const char *symbol, *value, *why;
	struct span at;
};

struct requests {
	struct request *v;
	size_t n, cap;
};

static int by_symbol(const void *a, const void *b)
{
	return strcmp(((const struct request *)a)->symbol,
		      ((const struct request *)b)->symbol);
}

static void add_requests(struct planner *p, struct requests *out,
			 const struct node *values)
{
	for (size_t i = 0; values && i < values->n; i++) {
		const struct member *m = &values->members[i];

		ARENA_PUSH(p->a, out->v, out->n, out->cap) =
			(struct request){m->key, node_text(m->value, "is"),
					 node_text(m->value, "why"), m->key_at};
	}
}

/* Sorted, because the order of keys must not matter; two values for a symbol clash. */
static struct node *request_lines(struct planner *p, struct requests *r)
{
	struct node *list = node_list(p->a, (struct span){0});

	if (r->n)
		qsort(r->v, r->n, sizeof(*r->v), by_symbol);
	for (size_t i = 0; i < r->n; i++) {
		const struct request *q = &r->v[i], *last = i ? &r->v[i - 1] : NULL;

		if (last && strcmp(last->symbol, q->symbol) == 0) {
			if (strcmp(last->value, q->value) == 0)
				continue;
			error_at(p->err, q->at,
				 "%s is wanted as %s here and as %s elsewhere", q->symbol,
				 q->value, last->value);
			continue;
		}
		text_item(p, list, arena_printf(p->a, "%s=%s", q->symbol, q->value),
			  q->at);
	}
	return list;
}

/* What a message about a request, or about a line of a fragment, will point at. */
struct places {
	struct plan_request *v;
	size_t n, cap;
};

static void add_places(struct planner *p, struct places *out, enum plan_request_kind kind,
		       const struct requests *r)
{
	for (size_t i = 0; i < r->n; i++)
		ARENA_PUSH(p->a, out->v, out->n, out->cap) = (struct plan_request){
			r->v[i].symbol, r->v[i].why, r->v[i].at, kind, NULL};
}

static void keep_places(struct planner *p, const struct made *made,
			const struct places *places)
{
	p->v[made->index].requests = places->v;
	p->v[made->index].nrequests = places->n;
}

static const char *local_file(struct planner *p, const struct node *text)
{
	const char *physical = recipe_path(p->r, text, p->a);
	struct stat st;

	if (stat(physical, &st) < 0 || !S_ISREG(st.st_mode)) {
		error_at(p->err, text->at, "there is no file '%s'", text->text);
		return NULL;
	}
	const struct local file = {
		.physical = physical,
		.name = strrchr(physical, '/') + 1,
		.at = text->at,
	};
	return planner_tree(p, &file);
}

/* A named set of DATA/recipes. */
static const char *named_set(struct planner *p, const struct node *name)
{
	const char *physical =
		arena_printf(p->a, "%s/recipes/%s.config", p->opt->data_dir, name->text);
	static const char *const known[] = {"debug", "vm"};
	const struct local file = {
		.physical = physical,
		.name = arena_printf(p->a, "%s.config", name->text),
		.at = name->at,
	};

	if (access(physical, R_OK) == 0)
		return planner_tree(p, &file);
	error_at(p->err, name->at, "there is no set '%s'", name->text);
	const char *near = word_nearest(name->text, known, ARRAY_LEN(known));
	if (near)
		error_hint(p->err, "did you mean '%s'?", near);
	else
		error_hint(p->err,
			   "%s.config is a file of the kernel's tree, ./%s.config one of "
			   "yours",
			   name->text, name->text);
	return NULL;
}

/* Two files that are extended may both ask for a set. */
static bool said_before(const struct node *use, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (strcmp(use->members[k].value->text, use->members[i].value->text) == 0)
			return true;
	return false;
}

static void add_fragments(struct planner *p, struct spec *s, const struct node *use,
			  bool vm_too, struct places *places)
{
	struct node *in_tree = node_list(p->a, s->at);
	struct node vm = {.kind = NODE_SCALAR, .text = "vm", .at = s->at};
	size_t n = 0;

	if (vm_too)
		spec_path(p, s, arena_printf(p->a, "fragment_%04zu", n++),
			  named_set(p, &vm));
	for (size_t i = 0; use && i < use->n; i++) {
		const struct node *item = use->members[i].value;
		const char *path;

		if ((vm_too && strcmp(item->text, "vm") == 0) || said_before(use, i))
			continue;
		if (source_form_of(item->text) == SOURCE_PATH) {
			path = local_file(p, item);
			if (path)
				ARENA_PUSH(p->a, places->v, places->n,
					   places->cap) = (struct plan_request){
					path_base(item->text), NULL, item->at,
					REQUEST_FRAGMENT, recipe_path(p->r, item, p->a)};
		} else if (str_ends(item->text, ".config")) {
			text_item(p, in_tree, item->text, item->at);
			continue;
		} else {
			path = named_set(p, item);
		}
		spec_path(p, s, arena_printf(p->a, "fragment_%04zu", n++), path);
	}
	spec_list(p, s, "use_tree", in_tree);
}

/* What the modules of the recipe need of a kernel. */
static void add_needs(struct planner *p, struct requests *out)
{
	const struct node *modules = node_get(p->r->checked, "modules");

	for (size_t i = 0; modules && i < modules->n; i++)
		add_requests(
			p, out,
			node_get(node_get(modules->members[i].value, "needs"), "config"));
}

/* A file that belongs to kernel.target. */
static const char *target_path(struct planner *p, const char *physical, const char *key)
{
	const struct local file = {
		.physical = physical,
		.name = arena_printf(p->a, "target.%s", key),
		.at = target_file_at(p->r->target, key),
	};

	return planner_tree(p, &file);
}

static void add_base(struct planner *p, struct spec *s, const struct node *base)
{
	bool target = base ? strcmp(base->text, "target") == 0 : p->r->target != NULL;
	const char *path = NULL;

	if (target)
		path = target_path(p, p->r->target->config, "config");
	else if (base && source_form_of(base->text) == SOURCE_PATH)
		path = local_file(p, base);
	spec_path(p, s, "base", path);
	spec_option(p, s, "base", path ? "file" : base ? base->text : "tinyconfig");
}

static void add_symbols(struct planner *p, struct node *list, const struct requests *r)
{
	for (size_t i = 0; i < r->n; i++)
		text_item(p, list, r->v[i].symbol, r->v[i].at);
}

/* Only `kbuild config` has any: no other plan contains such a step. */
static void add_questions(struct planner *p, struct spec *s)
{
	struct node *list = node_list(p->a, s->at);

	if (p->opt->lenient)
		spec_option(p, s, "lenient", "y");
	if (p->opt->minimal)
		spec_option(p, s, "minimal", "y");
	for (size_t i = 0; i < p->opt->nexplain; i++)
		text_item(p, list, p->opt->explain[i], s->at);
	if (p->opt->nexplain)
		spec_list(p, s, "explain", list);
}

/* `asked` gets the symbols that the recipe asks for. */
static struct made *make_config(struct planner *p, const struct member *kernel,
				const struct kernel_source *src, struct node *asked)
{
	const struct member *section = node_member(kernel->value, "config");
	const struct node *config = section->value, *base = node_get(config, "base");
	struct spec s = {
		.name = "kernel.config", .builder = "config", .at = kernel->key_at};
	struct requests set = {0}, wish = {0};
	struct places places = {0};

	spec_source(p, &s, "source", src);
	spec_option(p, &s, "arch", p->r->arch->name);
	add_base(p, &s, base);
	add_fragments(p, &s, node_get(config, "use"), !base && !p->r->target, &places);
	add_requests(p, &set, node_get(config, "set"));
	add_needs(p, &set);
	add_requests(p, &wish, node_get(config, "wish"));
	spec_list(p, &s, "set", request_lines(p, &set));
	spec_list(p, &s, "wish", request_lines(p, &wish));
	spec_option(p, &s, "prefer", node_text(config, "prefer"));
	spec_option(p, &s, "localversion", node_text(kernel->value, "localversion"));
	add_questions(p, &s);
	struct made *made = planner_add(p, &s);
	add_places(p, &places, REQUEST_SET, &set);
	add_places(p, &places, REQUEST_WISH, &wish);
	if (made) {
		keep_places(p, made, &places);
		add_symbols(p, asked, &set);
		add_symbols(p, asked, &wish);
	}
	return made;
}

/* What the machine says of itself, for its builder to compare with. */
static void add_target(struct planner *p, struct spec *s, struct node *asked)
{
	const struct target_file *t = p->r->target;

	spec_option(p, s, "release", t->release);
	spec_option(p, s, "vermagic", t->vermagic);
	spec_option(p, s, "compiler", t->compiler);
	spec_list(p, s, "asked", asked);
	spec_path(p, s, "target_config", target_path(p, t->config, "config"));
	if (t->exports)
		spec_path(p, s, "exports", target_path(p, t->exports, "exports"));
}

static const char *symvers(struct planner *p, const struct node *kernel)
{
	const struct node *own = node_get(kernel, "symvers");

	if (own)
		return local_file(p, own);
	return p->r->target && p->r->target->symvers
		       ? target_path(p, p->r->target->symvers, "symvers")
		       : NULL;
}

static int check_image_of(struct planner *p, const struct node *image)
{
	const struct arch *arch = p->r->arch;

	if (!image || arch_has_image(arch, image->text))
		return 0;
	error_at(p->err, image->at, "expected an image of a kernel for %s, found '%s'",
		 arch->name, image->text);
	return error_hint(p->err, "auto, vmlinux, %s", arch->images);
}

static struct made *make_build(struct planner *p, const struct member *kernel,
			       const struct kernel_source *src, const struct made *config,
			       struct node *asked)
{
	struct spec s = {.name = "kernel", .builder = "kernel", .at = kernel->key_at};

	if (check_image_of(p, node_get(kernel->value, "image")) < 0)
		return NULL;
	spec_source(p, &s, "source", src);
	spec_step(p, &s, "config", config, "out");
	spec_option(p, &s, "arch", p->r->arch->name);
	spec_option(p, &s, "image", node_text(kernel->value, "image"));
	if (smallest_is_prepared(p->r->checked)) {
		spec_option(p, &s, "build", "prepare");
		spec_path(p, &s, "symvers", symvers(p, kernel->value));
	}
	if (p->r->target)
		add_target(p, &s, asked);
	return planner_add(p, &s);
}

static bool has_file(struct planner *p, const struct input *in, const char *name)
{
	return access(arena_printf(p->a, "%s/%s", in->physical, name), R_OK) == 0;
}

static int make_prebuilt(struct planner *p, const struct member *kernel,
			 struct kernel_made *out)
{
	struct spec s = {.name = "kernel", .builder = "prebuilt", .at = kernel->key_at};
	const struct lock_entry *e = lock_find(&p->lock->inputs, "kernel.prebuilt");
	const struct input *in = map_get(&p->by_name, "kernel.prebuilt");
	const char *path = planner_input(p, "kernel.prebuilt");
	const char *suite = e ? lock_fact(e, "suite") : NULL;
	struct toolchain_name tools = {.suite = ""};
	struct requests needs = {0};
	struct places places = {0};

	if (!path)
		return -1;
	spec_path(p, &s, "prebuilt", path);
	spec_option(p, &s, "arch", p->r->arch->name);
	if (suite)
		toolchain_parse(arena_printf(p->a, "debian/%s", suite), p->a, &tools);
	spec_option(p, &s, "suite", tools.suite);
	add_needs(p, &needs);
	spec_list(p, &s, "needs", request_lines(p, &needs));
	struct made *made = planner_add(p, &s);
	if (!made)
		return -1;
	add_places(p, &places, REQUEST_SET, &needs);
	keep_places(p, made, &places);
	out->step = made;
	out->boots = !in->is_dir || has_file(p, in, "image");
	out->symbols = in->is_dir && has_file(p, in, "debug/vmlinux");
	return 0;
}

int make_kernel(struct planner *p, const struct member *kernel, struct kernel_made *out)
{
	struct node *asked = node_list(p->a, kernel->key_at);

	if (node_get(kernel->value, "prebuilt"))
		return make_prebuilt(p, kernel, out);
	if (make_source(p, kernel, &out->source) < 0)
		return -1;
	const struct made *config = make_config(p, kernel, &out->source, asked);
	out->step = config ? make_build(p, kernel, &out->source, config, asked) : NULL;
	if (!out->step)
		return -1;
	out->symbols = true;
	out->boots = !smallest_is_prepared(p->r->checked);
	p->v[out->step->index].why = p->r->kernel_why;
	return 0;
}
