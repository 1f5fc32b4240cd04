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

int steps_make(struct planner *p)
{
	const struct member *kernel = node_member(p->r->checked, "kernel");
	struct kernel_made k = {0};

	if (!kernel)
		return 0;
	if (make_kernel(p, kernel, &k) < 0 || make_modules(p, k.step) < 0)
		return -1;
	if (!k.boots)
		return 0;
	struct made *guest = make_guest(p);
	struct made *initramfs = guest ? make_initramfs(p, k.step, guest) : NULL;
	struct made *run = initramfs ? make_run(p, k.step, initramfs) : NULL;
	if (!run)
		return -1;
	if (!k.symbols)
		return no_gdb(p);
	return make_gdb(p, k.step, run, &k.source) ? 0 : -1;
}
