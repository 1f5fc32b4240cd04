// SPDX-License-Identifier: MIT
/* The steps that every recipe with a kernel has. */
#include "evaluator/planner.h"

static struct made *make_guest(struct planner *p)
{
	struct spec s = {.name = "guest", .builder = "guest", .internal = true};
	const struct local folder = {
		.physical = arena_printf(p->a, "%s/guest", p->opt->data_dir),
		.name = "source",
		.shown = "guest",
	};

	spec_path(p, &s, "source", planner_tree(p, &folder));
	spec_option(p, &s, "arch", p->r->arch->name);
	return planner_add(p, &s);
}

/* A debugger without symbols is none. */
static int no_gdb(struct planner *p)
{
	const struct member *gdb = node_member(p->r->checked, "gdb");

	if (gdb->value->is_default)
		return 0;
	error_at(p->err, gdb->key_at, "a prebuilt kernel brings no symbols for gdb");
	return error_hint(p->err,
			  "a kernel from `source:` has them, as has a folder with "
			  "debug/vmlinux");
}

/* Without an image nothing boots, and nobody may count on it. */
static int no_machine(struct planner *p)
{
	static const char *const of_machines[] = {"initramfs", "rootfs", "run", "gdb"};

	for (size_t i = 0; i < ARRAY_LEN(of_machines); i++) {
		const struct member *m = node_member(p->r->checked, of_machines[i]);

		if (!m || m->value->is_default)
			continue;
		error_at(p->err, m->key_at, "'%s' needs a kernel with an image", m->key);
		return error_hint(p->err,
				  "call it `image` in the folder that is `prebuilt`");
	}
	return 0;
}

/*
 * What the machine boots. An initramfs that nobody asked for is not made beside a root
 * file system; `own_init` says whether our init is in it.
 */
static struct made *make_image(struct planner *p, const struct made *kernel,
			       const struct made *guest, bool *own_init)
{
	const struct node *initramfs = node_get(p->r->checked, "initramfs");
	struct made *rootfs = NULL;

	if (node_get(p->r->checked, "rootfs")) {
		rootfs = make_rootfs(p, kernel);
		if (!rootfs || initramfs->is_default)
			return rootfs;
	}
	*own_init = true;
	return make_initramfs(p, kernel, guest);
}

int steps_make(struct planner *p)
{
	const struct member *kernel = node_member(p->r->checked, "kernel");
	struct kernel_made k = {0};
	bool own_init = false;

	if (!kernel)
		return 0;
	if (make_kernel(p, kernel, &k) < 0 || make_modules(p, k.step) < 0)
		return -1;
	if (!k.boots)
		return no_machine(p);
	struct made *guest = make_guest(p);
	struct made *image = guest ? make_image(p, k.step, guest, &own_init) : NULL;
	struct made *run =
		image ? make_run(p, k.step, image, own_init ? NULL : guest) : NULL;
	if (!run)
		return -1;
	if (!k.symbols)
		return no_gdb(p);
	return make_gdb(p, k.step, run, &k.source) ? 0 : -1;
}
