// SPDX-License-Identifier: MIT
#include "evaluator/inputs.h"

#include <errno.h>
#include <glob.h>
#include <string.h>
#include <sys/stat.h>

#include "evaluator/findings.h"
#include "evaluator/sections.h"

struct collector {
	const struct recipe *r;
	struct arena *a;
	struct inputs *out;
	struct error *err;
};

/* What kbuild-fetch unpacks; everything else is a plain file. */
static bool is_archive(const char *path)
{
	static const char *const tails[] = {
		".tar",      ".tar.gz", ".tar.xz", ".tar.bz2", ".tar.zst", ".tar.lz4",
		".tar.lzma", ".tgz",    ".txz",    ".tbz2",    ".tzst",    ".zip"};

	for (size_t i = 0; i < ARRAY_LEN(tails); i++)
		if (str_ends(path, tails[i]))
			return true;
	return false;
}

static int take_local(struct collector *c, struct input *in, const char *physical)
{
	struct stat st;

	in->physical = physical;
	if (stat(physical, &st) < 0)
		return error_at(c->err, in->at, "cannot open '%s': %s", in->from,
				strerror(errno));
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
		return error_at(c->err, in->at, "'%s' is neither a file nor a folder",
				in->from);
	in->is_dir = S_ISDIR(st.st_mode);
	in->kind = !in->is_dir && is_archive(physical) ? INPUT_PINNED : INPUT_LOCAL;
	return 0;
}

static struct input *add(struct collector *c, const char *name, const struct node *source)
{
	const struct node *from = node_get(source, "from");
	struct input *in = &ARENA_PUSH(c->a, c->out->v, c->out->n, c->out->cap);

	*in = (struct input){
		.name = name,
		.kind = INPUT_PINNED,
		.from = from->text,
		.node = source,
		.path = node_text(source, "path"),
		.at = from->at,
	};
	if (source_form_of(in->from) == SOURCE_PATH)
		take_local(c, in, recipe_path(c->r, from, c->a));
	return in;
}

/* A pattern such as ./patches/N*.patch stands for its files in bytewise order. */
static void add_pattern(struct collector *c, const struct node *source, size_t *next)
{
	const struct node *from = node_get(source, "from");
	const char *pattern = recipe_path(c->r, from, c->a);
	glob_t found;

	if (glob(pattern, 0, NULL, &found) != 0) {
		error_at(c->err, from->at, "no file matches '%s'", from->text);
		return;
	}
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const char *name = arena_printf(c->a, "kernel.patches.%zu", (*next)++);
		struct input *in = &ARENA_PUSH(c->a, c->out->v, c->out->n, c->out->cap);

		*in = (struct input){
			.name = name, .from = from->text, .node = source, .at = from->at};
		take_local(c, in, arena_strdup(c->a, found.gl_pathv[i]));
	}
	globfree(&found);
}

static void collect_prebuilt(struct collector *c, const struct node *prebuilt)
{
	struct input *in = add(c, "kernel.prebuilt", prebuilt);

	if (source_form_of(in->from) == SOURCE_DEBIAN)
		in->build = arch_host()->debian;
	else if (in->physical && in->kind == INPUT_LOCAL && !in->is_dir)
		error_at(c->err, in->at, "expected a folder, '%s' is a file", in->from);
}

static void collect_kernel(struct collector *c)
{
	const struct node *kernel = node_get(c->r->checked, "kernel");
	const struct node *patches = node_get(kernel, "patches");
	size_t next = 0;

	if (!kernel)
		return;
	if (node_get(kernel, "prebuilt"))
		collect_prebuilt(c, node_get(kernel, "prebuilt"));
	else
		add(c, "kernel.source", node_get(kernel, "source"));
	for (size_t i = 0; patches && i < patches->n; i++) {
		const struct node *p = patches->members[i].value;
		const char *from = node_text(p, "from");

		if (source_form_of(from) == SOURCE_PATH && strpbrk(from, "*?["))
			add_pattern(c, p, &next);
		else
			add(c, arena_printf(c->a, "kernel.patches.%zu", next++), p);
	}
}

static void collect_modules(struct collector *c)
{
	const struct node *modules = node_get(c->r->checked, "modules");

	for (size_t i = 0; modules && i < modules->n; i++) {
		const struct member *m = &modules->members[i];

		add(c, arena_printf(c->a, "modules.%s.source", m->key),
		    node_get(m->value, "source"));
	}
}

/* `file:` and `from:` of a file section; the other forms come from nowhere. */
static struct input *collect_file(struct collector *c, const char *name,
				  const struct node *file)
{
	const struct node *local = node_get(file, "file");

	if (node_get(file, "from"))
		return add(c, name, file);
	if (!local ||
	    (strcmp(local->text, "default") == 0 && strcmp(name, "initramfs.init") == 0))
		return NULL;
	struct node *source = node_map(c->a, local->at);
	node_add(c->a, source, "from", local->at, (struct node *)local);
	struct input *in = add(c, name, source);
	in->kind = INPUT_LOCAL;
	return in;
}

static void refuse_folder(struct collector *c, const struct input *in)
{
	if (in && in->is_dir)
		error_at(c->err, in->at, "expected a file, '%s' is a folder", in->from);
}

/* Files of the guest; a folder is a tree below its place. */
static void collect_files(struct collector *c, const char *section, const char *key)
{
	const struct node *files = node_get(node_get(c->r->checked, section), key);

	for (size_t i = 0; files && i < files->n; i++) {
		const struct member *m = &files->members[i];
		const struct input *in = collect_file(
			c, arena_printf(c->a, "%s.%s.%s", section, key, m->key),
			m->value);
		bool tree = in && in->is_dir;

		if (strcmp(m->key, "/") == 0 && !tree)
			error_at(c->err, m->key_at, "only a folder can be added to /");
		if (tree && node_get(m->value, "mode"))
			error_at(c->err, node_member(m->value, "mode")->key_at,
				 "'mode' is for a file, '%s' is a folder", in->from);
	}
}

static void collect_initramfs(struct collector *c)
{
	const struct node *initramfs = node_get(c->r->checked, "initramfs");
	const struct node *bins = node_get(initramfs, "bins");
	const struct node *busybox = node_get(initramfs, "busybox");

	if (!node_get(c->r->checked, "kernel"))
		return;
	if (source_form_of(busybox->text) != SOURCE_UNKNOWN) {
		struct node *source = node_map(c->a, busybox->at);

		node_add(c->a, source, "from", busybox->at, (struct node *)busybox);
		add(c, "initramfs.busybox", source);
	}
	for (size_t i = 0; bins && i < bins->n; i++) {
		struct input *in = add(c, arena_printf(c->a, "initramfs.bins.%zu", i),
				       bins->members[i].value);

		in->closure = source_form_of(in->from) == SOURCE_DEBIAN;
	}
	collect_files(c, "initramfs", "files");
	if (node_get(initramfs, "init"))
		refuse_folder(c, collect_file(c, "initramfs.init",
					      node_get(initramfs, "init")));
}

static void collect_rootfs(struct collector *c)
{
	const struct node *base = node_get(node_get(c->r->checked, "rootfs"), "base");

	if (!base || !node_get(c->r->checked, "kernel"))
		return;
	if (!str_starts(node_text(base, "from"), "${"))
		refuse_folder(c, add(c, "rootfs.base", base));
	collect_files(c, "rootfs", "add");
}

static void collect_steps(struct collector *c)
{
	const struct node *steps = node_get(c->r->checked, "steps");

	for (size_t i = 0; steps && i < steps->n; i++) {
		const struct node *inputs = node_get(steps->members[i].value, "inputs");

		for (size_t k = 0; inputs && k < inputs->n; k++) {
			const struct member *m = &inputs->members[k];

			if (!str_starts(node_text(m->value, "from"), "${"))
				add(c,
				    arena_printf(c->a, "steps.%s.inputs.%s",
						 steps->members[i].key, m->key),
				    m->value);
		}
	}
}

int inputs_collect(const struct recipe *r, struct arena *a, struct inputs *out,
		   struct error *err)
{
	struct collector c = {r, a, out, err};

	collect_kernel(&c);
	collect_modules(&c);
	collect_initramfs(&c);
	collect_rootfs(&c);
	collect_steps(&c);
	return findings_close(err);
}
