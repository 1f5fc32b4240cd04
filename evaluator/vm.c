// SPDX-License-Identifier: MIT
/* The machine: initramfs, and the scripts that run and debug it. */
#include <string.h>
#include <sys/stat.h>

#include "evaluator/planner.h"
#include "evaluator/sections.h"

/* --- initramfs ------------------------------------------------------------------ */

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
	const struct node *only = node_get(node_get(p->r->checked, s->name), "modules");
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

/* What the section's `key` says is a list of lines for the builder, and an input each. */
static void add_files(struct planner *p, struct spec *s, const char *key)
{
	const struct member **all =
		sorted_members(p, node_get(node_get(p->r->checked, s->name), key));
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
			const char *name =
				arena_printf(p->a, "%s.%s.%s", s->name, key, all[i]->key);
			const struct input *in = map_get(&p->by_name, name);
			bool tree = in && in->is_dir;

			spec_path(p, s, input, file_source(p, f, name, all[i]->key));
			line = arena_printf(p->a, "%s\t%s\t%s\t%s\t/src/%s", all[i]->key,
					    tree ? "0755" : file_mode(p, f), owner,
					    tree ? "tree" : "file", input);
		}
		text_item(p, lines, line, all[i]->key_at);
	}
	spec_list(p, s, "files", lines);
}

struct made *make_initramfs(struct planner *p, const struct made *kernel,
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
	add_files(p, &s, "files");
	if (source_form_of(busybox) != SOURCE_UNKNOWN) {
		spec_path(p, &s, "busybox", planner_input(p, "initramfs.busybox"));
		busybox = "tree";
	}
	if (init && (!file || strcmp(file, "default") != 0))
		spec_path(p, &s, "init", file_source(p, init, "initramfs.init", "init"));
	spec_option(p, &s, "arch", p->r->arch->name);
	spec_option(p, &s, "busybox",
		    strcmp(busybox, "static") == 0 ? "toolchain" : busybox);
	spec_option(p, &s, "compress", node_text(section->value, "compress"));
	return planner_add(p, &s);
}

/* --- rootfs --------------------------------------------------------------------- */

struct made *make_rootfs(struct planner *p, const struct made *kernel)
{
	const struct member *section = node_member(p->r->checked, "rootfs");
	const struct node *base = node_get(node_get(section->value, "base"), "from");
	struct spec s = {.name = "rootfs", .builder = "initramfs", .at = section->key_at};

	if (str_starts(base->text, "${")) {
		if (custom_needed(p, base) < 0 || custom_input(p, &s, "base", base) < 0)
			return NULL;
	} else {
		spec_path(p, &s, "base", planner_input(p, "rootfs.base"));
	}
	spec_step(p, &s, "kernel", kernel, "out");
	spec_step(p, &s, "kernel_modules", kernel, "modules");
	spec_step(p, &s, "dev", kernel, "dev");
	add_modules(p, &s);
	add_files(p, &s, "add");
	spec_option(p, &s, "arch", p->r->arch->name);
	if (strcmp(node_text(section->value, "depmod"), "n") == 0)
		spec_option(p, &s, "depmod", "n");
	spec_option(p, &s, "compress", node_text(section->value, "compress"));
	return planner_add(p, &s);
}

/* --- run and gdb ---------------------------------------------------------------- */

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

struct made *make_run(struct planner *p, const struct made *kernel,
		      const struct made *image, const struct made *guest)
{
	static const char *const plain[] = {"machine", "cpu", "smp",  "memory", "append",
					    "accel",   "net", "test", "expect"};
	static const char *const times[] = {"boot", "idle", "total"};
	const struct member *run = node_member(p->r->checked, "run");
	struct spec s = {.name = "run", .builder = "run", .at = run->key_at};

	spec_step(p, &s, "kernel", kernel, "out");
	spec_step(p, &s, "initramfs", image, "out");
	spec_step(p, &s, "guest", guest, "out");
	spec_option(p, &s, "arch", p->r->arch->name);
	for (size_t i = 0; i < ARRAY_LEN(plain); i++)
		spec_option(p, &s, plain[i], node_text(run->value, plain[i]));
	for (size_t i = 0; i < ARRAY_LEN(times); i++)
		spec_option(p, &s, arena_printf(p->a, "timeout_%s", times[i]),
			    node_text(node_get(run->value, "timeout"), times[i]));
	spec_option(p, &s, "gdb_wait", node_text(node_get(p->r->checked, "gdb"), "wait"));
	spec_list(p, &s, "share", share_map(p, node_get(run->value, "share")));
	spec_list(p, &s, "ports", node_get(run->value, "ports"));
	spec_list(p, &s, "args", node_get(run->value, "args"));
	spec_list(p, &s, "forbid", node_get(run->value, "forbid"));
	struct made *made = planner_add(p, &s);
	if (made) {
		p->v[made->index].link = "runvm";
		p->v[made->index].link_subpath = "bin/runvm";
	}
	return made;
}

struct made *make_gdb(struct planner *p, const struct made *kernel,
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
	spec_option(p, &s, "arch", p->r->arch->name);
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
