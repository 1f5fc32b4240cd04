/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A recipe as the user means it: the file, what it extends, overrides of the command
 *line,
 * ${} read, everything checked, short forms written out, defaults filled in. Each value
 * keeps the file, line and column it came from.
 *
 *	struct recipe *r;
 *	if (recipe_load("proj.yaml", &opt, &arena, &r, err) < 0)
 *		return -1;
 *	node_print(r->checked, true, &out);
 */
#include "base/arena.h"
#include "base/error.h"
#include "evaluator/arch.h"
#include "evaluator/node.h"
#include "evaluator/target_file.h"

struct recipe_options {
	const char *data_dir;         /* holds builders/, recipes/, guest/ */
	const char *const *overrides; /* "kernel.source=SOURCE", from the command line */
	size_t noverrides;
};

/* Relative paths in a value are relative to the file the value stands in. */
struct recipe_file {
	const struct source *src;
	const char *dir; /* absolute */
};

struct recipe {
	const char *path; /* as given; for a directory, its kbuild.yaml */
	const char *dir;  /* absolute, of the recipe itself */
	const char *name;
	const char *lock_path;
	const struct arch *arch;
	const struct target_file *target; /* kernel.target, or NULL */
	const char *kernel_why;           /* why kernel.build is what it is, or NULL */
	const char **warnings;            /* what a user should know of it */
	size_t nwarnings, warnings_cap;
	struct recipe_file *files; /* the recipe first, then what it extends */
	size_t nfiles, files_cap;
	const struct node *parsed;  /* the recipe's file alone */
	const struct node *merged;  /* with extends, overrides and ${} */
	const struct node *checked; /* typed and complete */
};

/* Everything up to `checked`. With findings, *out keeps the stages that were reached. */
int recipe_load(const char *path, const struct recipe_options *opt, struct arena *a,
		struct recipe **out, struct error *err);

/* The absolute directory that relative paths at this place mean. */
const char *recipe_dir_of(const struct recipe *r, struct span at);
/* An absolute path of a path text of the recipe. */
const char *recipe_path(const struct recipe *r, const struct node *text, struct arena *a);
