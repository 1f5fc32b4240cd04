/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What plan.c, origins.c, kernel.c, modules.c, vm.c and custom.c share while a plan is
 * made: the step under construction and how things get a store path. Not for anybody
 * else.
 */
#include "base/map.h"
#include "base/sha256.h"
#include "evaluator/interp.h"
#include "evaluator/manifest.h"
#include "evaluator/plan.h"
#include "store/drv.h"

struct planner {
	const struct recipe *r;
	const struct lock *lock;
	const struct plan_options *opt;
	struct arena *a;
	struct error *err;
	const char *system; /* of this machine, where steps run */
	struct manifests manifests;
	struct inputs inputs;
	struct map by_name;      /* input name -> struct input */
	struct map local;        /* physical path and patterns -> store path */
	struct map scripts;      /* builder's folder -> store path */
	struct map origins;      /* store path -> this planner: it has a row already */
	struct map steps;        /* step name -> struct made */
	struct map placeholders; /* output name -> its own placeholder */
	const char *run_sh;      /* store path of builders/run.sh */
	struct made *toolchain;
	struct plan_step *v;
	size_t n, cap;
	struct origin *o;
	size_t no, ocap;
	struct plan_exports *exports;
};

/* A step that has its derivation. */
struct made {
	size_t index;
	const char *drv_path;
	const struct manifest *manifest; /* NULL: the toolchain */
	struct map placeholders;         /* output -> upstream placeholder */
};

struct step_input {
	const char *name; /* "source", "module_hello" */
	const char *path; /* a source, or NULL */
	const struct made *step;
	const char *output, *subpath;
};

/* A step under construction. */
struct spec {
	const char *name;
	const char *builder;             /* one of ours; NULL: .manifest is given */
	const struct manifest *manifest; /* NULL: found by .builder */
	struct step_input *inputs;
	size_t ninputs, cap;
	struct node
		*options; /* as a recipe would give them; checked against the manifest */
	bool checked;     /* they are checked already */
	struct span at;
	bool internal;
};

/* --- origins.c: store paths ----------------------------------------------------- */

/* A row of the side table for a path; NULL if it has one already. */
struct origin *planner_origin(struct planner *p, const char *path, const char *name);
/* What the lock says; a missing or stale entry is a finding. */
const char *planner_pinned(struct planner *p, const struct input *in);
/* An input of the recipe by its name; NULL after a finding. */
const char *planner_input(struct planner *p, const char *name);
/* A local file or tree, to be called `name` in the store. */
struct local {
	const char *physical, *name;
	const char *shown;       /* for people; NULL: its name */
	const struct node *node; /* source section with include and exclude, or NULL */
	const char *exclude;     /* more of them, or NULL */
	struct span at;
};
const char *planner_tree(struct planner *p, const struct local *local);
/* A file with this text. */
const char *planner_text(struct planner *p, const char *text, const char *name,
			 struct span at);

/* --- plan.c: steps -------------------------------------------------------------- */

void spec_path(struct planner *p, struct spec *s, const char *input, const char *path);
void spec_step(struct planner *p, struct spec *s, const char *input,
	       const struct made *step, const char *output);
void spec_option(struct planner *p, struct spec *s, const char *key, const char *text);
void spec_list(struct planner *p, struct spec *s, const char *key, struct node *list);
/* The kernel's source: a path, or the output of the step that patches it. */
struct kernel_source {
	const char *path;
	const struct made *patched;
};

void spec_source(struct planner *p, struct spec *s, const char *input,
		 const struct kernel_source *src);
/* Appends text to a list; returns the list. */
struct node *text_item(struct planner *p, struct node *list, const char *text,
		       struct span at);
/* Members of a map (or NULL) in the order of their keys; NULL ends them. */
const struct member **sorted_members(struct planner *p, const struct node *map);
/* Makes the derivation; NULL after a finding. */
struct made *planner_add(struct planner *p, struct spec *s);

/* --- kernel.c, modules.c -------------------------------------------------------- */

/* What other steps take of a kernel, whoever made it. */
struct kernel_made {
	struct kernel_source source;
	const struct made *step; /* its outputs are out, modules, dev and debug */
	bool symbols;            /* there is something for gdb */
	bool boots;              /* there is an image, so a machine can be made of it */
};

int make_kernel(struct planner *p, const struct member *kernel, struct kernel_made *out);
int make_modules(struct planner *p, const struct made *kernel);

/* --- vm.c ----------------------------------------------------------------------- */

struct made *make_initramfs(struct planner *p, const struct made *kernel,
			    const struct made *guest);
struct made *make_rootfs(struct planner *p, const struct made *kernel);
/* `image` is what boots; `guest`, if that has not our init. */
struct made *make_run(struct planner *p, const struct made *kernel,
		      const struct made *image, const struct made *guest);
struct made *make_gdb(struct planner *p, const struct made *kernel,
		      const struct made *run, const struct kernel_source *src);

/* --- steps.c, custom.c ---------------------------------------------------------- */

/* The steps every kernel recipe has. */
int steps_make(struct planner *p);
/* Those of the section `steps` that are not made yet. */
int custom_make(struct planner *p);
/* The one that the reference `from` means, if it is one of those, and what it needs. */
int custom_needed(struct planner *p, const struct node *from);
/* An output that the reference `from` means becomes the input `name`. */
int custom_input(struct planner *p, struct spec *s, const char *name,
		 const struct node *from);
/* The step that a reference at `from` means; NULL after a finding. */
const struct made *planner_referred(struct planner *p, const struct node *from,
				    const struct output_ref *ref);

/* --- exports.c ------------------------------------------------------------------ */

/* After all steps; NULL if the recipe exports nothing. */
struct plan_exports *exports_make(struct planner *p);
