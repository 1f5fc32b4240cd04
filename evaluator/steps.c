// SPDX-License-Identifier: MIT
/* The steps every recipe with a kernel has: what its sections mean to the builders. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "evaluator/findings.h"
#include "evaluator/planner.h"
#include "evaluator/sections.h"

static struct node *text_item(struct planner *p, struct node *list, const char *text,
			      struct span at)
{
	node_add(p->a, list, NULL, at, node_scalar(p->a, text, at));
	return list;
}

static const char *arch_of(const struct planner *p)
{
	return p->r->arch->name;
}

/* --- kernel
 * ------------------------------------------------------------------------------------ */

/* The kernel's source: a path, or the output of the step that patches it. */
struct kernel_source {
	const char *path;
	const struct made *patched;
};

static void spec_source(struct planner *p, struct spec *s, const char *input,
			const struct kernel_source *src)
{
	if (src->patched)
		spec_step(p, s, input, src->patched, "out");
	else
		spec_path(p, s, input, src->path);
}

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

static void keep_requests(struct planner *p, const struct made *config,
			  const struct requests *r)
{
	struct plan_step *step = &p->v[config->index];

	step->requests = arena_array(p->a, r->n + 1, struct plan_request);
	for (size_t i = 0; i < r->n; i++)
		step->requests[step->nrequests++] =
			(struct plan_request){r->v[i].symbol, r->v[i].why, r->v[i].at};
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
			  bool vm_too)
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

static struct made *make_config(struct planner *p, const struct member *kernel,
				const struct kernel_source *src)
{
	const struct member *section = node_member(kernel->value, "config");
	const struct node *config = section->value, *base = node_get(config, "base");
	const struct node *modules = node_get(p->r->checked, "modules");
	struct spec s = {
		.name = "kernel.config", .builder = "config", .at = kernel->key_at};
	struct requests set = {0}, wish = {0};

	spec_source(p, &s, "source", src);
	spec_option(p, &s, "arch", arch_of(p));
	if (base && source_form_of(base->text) == SOURCE_PATH) {
		spec_path(p, &s, "base", local_file(p, base));
		spec_option(p, &s, "base", "file");
	} else {
		spec_option(p, &s, "base", base ? base->text : "tinyconfig");
	}
	add_fragments(p, &s, node_get(config, "use"), !base);
	add_requests(p, &set, node_get(config, "set"));
	for (size_t i = 0; modules && i < modules->n; i++)
		add_requests(
			p, &set,
			node_get(node_get(modules->members[i].value, "needs"), "config"));
	add_requests(p, &wish, node_get(config, "wish"));
	spec_list(p, &s, "set", request_lines(p, &set));
	spec_list(p, &s, "wish", request_lines(p, &wish));
	spec_option(p, &s, "prefer", node_text(config, "prefer"));
	spec_option(p, &s, "localversion", node_text(kernel->value, "localversion"));
	struct made *made = planner_add(p, &s);
	if (made)
		keep_requests(p, made, &set);
	return made;
}

static struct made *make_kernel(struct planner *p, const struct member *kernel,
				const struct kernel_source *src,
				const struct made *config)
{
	struct spec s = {.name = "kernel", .builder = "kernel", .at = kernel->key_at};

	spec_source(p, &s, "source", src);
	spec_step(p, &s, "config", config, "out");
	spec_option(p, &s, "arch", arch_of(p));
	spec_option(p, &s, "image", node_text(kernel->value, "image"));
	return planner_add(p, &s);
}

static struct made *make_guest(struct planner *p)
{
	struct spec s = {.name = "guest", .builder = "guest", .internal = true};
	const struct local folder = {
		.physical = arena_printf(p->a, "%s/guest", p->opt->data_dir),
		.name = "source",
		.shown = "guest",
	};

	spec_path(p, &s, "source", planner_tree(p, &folder));
	spec_option(p, &s, "arch", arch_of(p));
	return planner_add(p, &s);
}

/* --- modules
 * -------------------------------------------------------------------------------------
 */

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
	spec_option(p, &s, "arch", arch_of(p));
	spec_list(p, &s, "make", node_get(m->value, "make"));
	spec_option(p, &s, "install", node_text(m->value, "install"));
	return planner_add(p, &s);
}

/* --- initramfs
 * ------------------------------------------------------------------------------------ */

static int by_member(const void *a, const void *b)
{
	return strcmp((*(const struct member *const *)a)->key,
		      (*(const struct member *const *)b)->key);
}

/* Names of a map in order; n + 1 of them, the last is NULL. */
static const struct member **sorted_members(struct planner *p, const struct node *map)
{
	size_t n = map ? map->n : 0;
	const struct member **v = arena_array(p->a, n + 1, const struct member *);

	for (size_t i = 0; i < n; i++)
		v[i] = &map->members[i];
	if (n)
		qsort(v, n, sizeof(*v), by_member);
	return v;
}

static void choose_module(struct planner *p, const char *name, struct map *chosen)
{
	const struct node *m = node_get(node_get(p->r->checked, "modules"), name);
	const struct node *needs = node_get(node_get(m, "needs"), "modules");

	if (map_get(chosen, name))
		return;
	for (size_t i = 0; needs && i < needs->n; i++)
		choose_module(p, needs->members[i].value->text, chosen);
	map_set(chosen, name, (void *)m);
}

/* Modules of the image, those that others need first, else by name. */
static void add_modules(struct planner *p, struct spec *s)
{
	const struct node *only =
		node_get(node_get(p->r->checked, "initramfs"), "modules");
	const struct member **all = sorted_members(p, node_get(p->r->checked, "modules"));
	struct node *load = node_list(p->a, s->at), *names = node_list(p->a, s->at);
	struct map chosen = {0};

	for (size_t i = 0; only && i < only->n; i++)
		choose_module(p, only->members[i].value->text, &chosen);
	for (size_t i = 0; !only && all[i]; i++)
		choose_module(p, all[i]->key, &chosen);
	map_each (&chosen, e) {
		const struct node *m = e->value;
		const char *name = arena_strdup(p->a, e->key),
			   *params = node_text(m, "params");

		spec_step(p, s, arena_printf(p->a, "module_%s", name),
			  map_get(&p->steps, arena_printf(p->a, "modules.%s", name)),
			  "out");
		if (only)
			text_item(p, names, name, s->at);
		if (strcmp(node_text(m, "load"), "y") == 0)
			text_item(p, load,
				  *params ? arena_printf(p->a, "%s %s", name, params)
					  : name,
				  s->at);
	}
	map_finish(&chosen);
	spec_list(p, s, "load", load);
	spec_list(p, s, "modules", names);
}

/* What a program's input is called: the last part of its source. */
static const char *bin_name(struct planner *p, const char *from)
{
	const char *end = from + strcspn(from, "#?");
	const char *begin;
	char *name;

	while (end > from && end[-1] == '/')
		end--;
	for (begin = end; begin > from && begin[-1] != '/';)
		begin--;
	name = arena_strndup(p->a, begin, (size_t)(end - begin));
	if (source_form_of(from) == SOURCE_DEBIAN)
		name[strcspn(name, ":")] = '\0';
	for (char *c = name; *c; c++)
		if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz01234567"
			    "89._-",
			    *c))
			*c = '_';
	return name;
}

static void add_bins(struct planner *p, struct spec *s)
{
	const struct node *bins = node_get(node_get(p->r->checked, "initramfs"), "bins");

	for (size_t i = 0; bins && i < bins->n; i++) {
		const char *input = arena_printf(p->a, "initramfs.bins.%zu", i);
		const char *from = node_text(bins->members[i].value, "from");
		const char *name = arena_printf(p->a, "bin_%s", bin_name(p, from));

		for (size_t k = 0; k < s->ninputs; k++)
			if (strcmp(s->inputs[k].name, name) == 0)
				error_at(p->err, bins->members[i].value->at,
					 "two programs are called '%s'", name + 4);
		spec_path(p, s, name, planner_input(p, input));
	}
}

/* Four octal digits. Without `mode`, what can be run may be run. */
static const char *file_mode(struct planner *p, const struct node *f)
{
	const char *mode = node_text(f, "mode"), *text = node_text(f, "text");
	const char *path = node_text(f, "path");
	const struct node *local = node_get(f, "file");
	struct stat st;
	bool run = text && str_starts(text, "#!");

	if (mode) {
		while (*mode == '0' && strlen(mode) > 3)
			mode++;
		return arena_printf(p->a, "%s%s", strlen(mode) == 3 ? "0" : "", mode);
	}
	if (path && (strstr(path, "bin/")))
		run = true;
	if (local && stat(recipe_path(p->r, local, p->a), &st) == 0)
		run = st.st_mode & 0100;
	return run ? "0755" : "0644";
}

/* The store path of a file section's contents. */
static const char *file_source(struct planner *p, const struct node *f, const char *input,
			       const char *guest)
{
	const struct node *text = node_get(f, "text");
	const char *slash = strrchr(guest, '/');

	if (text)
		return planner_text(p, text->text, slash ? slash + 1 : guest, text->at);
	return planner_input(p, input);
}

static void add_files(struct planner *p, struct spec *s)
{
	const struct member **all = sorted_members(
		p, node_get(node_get(p->r->checked, "initramfs"), "files"));
	struct node *lines = node_list(p->a, s->at);
	size_t n = 0;

	for (size_t i = 0; all[i]; i++) {
		const struct node *f = all[i]->value;
		const char *owner = node_text(f, "owner"), *link = node_text(f, "link"),
			   *line;

		if (link) {
			line = arena_printf(p->a, "%s\t0777\t%s\tlink\t%s", all[i]->key,
					    owner, link);
		} else {
			const char *input = arena_printf(p->a, "file_%04zu", n++);

			spec_path(p, s, input,
				  file_source(p, f,
					      arena_printf(p->a, "initramfs.files.%s",
							   all[i]->key),
					      all[i]->key));
			line = arena_printf(p->a, "%s\t%s\t%s\tfile\t/src/%s",
					    all[i]->key, file_mode(p, f), owner, input);
		}
		text_item(p, lines, line, all[i]->key_at);
	}
	spec_list(p, s, "files", lines);
}

static struct made *make_initramfs(struct planner *p, const struct made *kernel,
				   const struct made *guest)
{
	const struct member *section = node_member(p->r->checked, "initramfs");
	const struct node *init = node_get(section->value, "init");
	const char *busybox = node_text(section->value, "busybox");
	const char *file = node_text(init, "file");
	struct spec s = {
		.name = "initramfs", .builder = "initramfs", .at = section->key_at};

	spec_step(p, &s, "guest", guest, "out");
	spec_step(p, &s, "kernel", kernel, "out");
	spec_step(p, &s, "kernel_modules", kernel, "modules");
	add_modules(p, &s);
	add_bins(p, &s);
	add_files(p, &s);
	if (source_form_of(busybox) != SOURCE_UNKNOWN) {
		spec_path(p, &s, "busybox", planner_input(p, "initramfs.busybox"));
		busybox = "tree";
	}
	if (init && (!file || strcmp(file, "default") != 0))
		spec_path(p, &s, "init", file_source(p, init, "initramfs.init", "init"));
	spec_option(p, &s, "arch", arch_of(p));
	spec_option(p, &s, "busybox",
		    strcmp(busybox, "static") == 0 ? "toolchain" : busybox);
	spec_option(p, &s, "compress", node_text(section->value, "compress"));
	return planner_add(p, &s);
}

/* --- run and gdb
 * ------------------------------------------------------------------------------------ */

static struct node *share_map(struct planner *p, const struct node *share)
{
	struct node *out = share ? node_map(p->a, share->at) : NULL;

	for (size_t i = 0; share && i < share->n; i++) {
		const struct member *m = &share->members[i];
		const char *mode = node_text(m->value, "mode"),
			   *path = node_text(m->value, "path");

		if (strcmp(mode, "rw") != 0)
			path = arena_printf(p->a, "%s:%s", path, mode);
		node_add(p->a, out, m->key, m->key_at,
			 node_scalar(p->a, path, m->value->at));
	}
	return out;
}

static struct made *make_run(struct planner *p, const struct made *kernel,
			     const struct made *initramfs)
{
	static const char *const plain[] = {"machine", "cpu",   "smp", "memory",
					    "append",  "accel", "net", "test"};
	static const char *const times[] = {"boot", "idle", "total"};
	const struct member *run = node_member(p->r->checked, "run");
	struct spec s = {.name = "run", .builder = "run", .at = run->key_at};

	spec_step(p, &s, "kernel", kernel, "out");
	spec_step(p, &s, "initramfs", initramfs, "out");
	spec_option(p, &s, "arch", arch_of(p));
	for (size_t i = 0; i < ARRAY_LEN(plain); i++)
		spec_option(p, &s, plain[i], node_text(run->value, plain[i]));
	for (size_t i = 0; i < ARRAY_LEN(times); i++)
		spec_option(p, &s, arena_printf(p->a, "timeout_%s", times[i]),
			    node_text(node_get(run->value, "timeout"), times[i]));
	spec_list(p, &s, "share", share_map(p, node_get(run->value, "share")));
	spec_list(p, &s, "args", node_get(run->value, "args"));
	struct made *made = planner_add(p, &s);
	if (made) {
		p->v[made->index].link = "runvm";
		p->v[made->index].link_subpath = "bin/runvm";
	}
	return made;
}

static struct made *make_gdb(struct planner *p, const struct made *kernel,
			     const struct made *run, const struct kernel_source *src)
{
	const struct member *gdb = node_member(p->r->checked, "gdb");
	const struct node *modules = node_get(p->r->checked, "modules");
	struct spec s = {.name = "gdb", .builder = "gdb", .at = gdb->key_at};

	spec_step(p, &s, "run", run, "out");
	spec_step(p, &s, "kernel_debug", kernel, "debug");
	spec_source(p, &s, "kernel_source", src);
	for (size_t i = 0; modules && i < modules->n; i++) {
		const char *name = modules->members[i].key;

		spec_step(p, &s, arena_printf(p->a, "module_%s_debug", name),
			  map_get(&p->steps, arena_printf(p->a, "modules.%s", name)),
			  "debug");
		spec_path(
			p, &s, arena_printf(p->a, "modulesrc_%s", name),
			planner_input(p, arena_printf(p->a, "modules.%s.source", name)));
	}
	spec_option(p, &s, "arch", arch_of(p));
	spec_option(p, &s, "wait", node_text(gdb->value, "wait"));
	spec_list(p, &s, "breaks", node_get(gdb->value, "breaks"));
	spec_list(p, &s, "commands", node_get(gdb->value, "commands"));
	struct made *made = planner_add(p, &s);
	if (made) {
		p->v[made->index].link = "rungdb";
		p->v[made->index].link_subpath = "bin/rungdb";
	}
	return made;
}

int steps_make(struct planner *p)
{
	const struct member *kernel = node_member(p->r->checked, "kernel");
	const struct member **modules =
		sorted_members(p, node_get(p->r->checked, "modules"));
	struct kernel_source src = {0};

	if (!kernel)
		return 0;
	if (make_source(p, kernel, &src) < 0)
		return -1;
	struct made *config = make_config(p, kernel, &src);
	struct made *built = config ? make_kernel(p, kernel, &src, config) : NULL;
	if (!built)
		return -1;
	for (size_t i = 0; modules[i]; i++)
		if (!make_module(p, modules[i], built, NULL))
			return -1;
	struct made *guest = make_guest(p);
	struct made *initramfs = guest ? make_initramfs(p, built, guest) : NULL;
	struct made *run = initramfs ? make_run(p, built, initramfs) : NULL;
	return run && make_gdb(p, built, run, &src) ? 0 : -1;
}
