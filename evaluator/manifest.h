/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * builder.yaml: what a builder wants, as data. It is the schema of a step's `options:`,
 * says which inputs a step must or may have, and which outputs it makes. A builder is a
 * folder: NAME means DATA/builders/NAME, ./x a folder beside the recipe.
 */
#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/map.h"
#include "evaluator/node.h"
#include "evaluator/recipe.h"
#include "evaluator/schema.h"

struct manifest_input {
	const char *name; /* without the `*` of a family */
	bool family;      /* "module_*": any number of names that begin so */
	bool optional;
};

struct manifest {
	const char *name; /* last part of the folder */
	const char *dir;  /* absolute */
	struct manifest_input *inputs;
	size_t ninputs;
	struct schema options; /* a section */
	const char **outputs;
	size_t noutputs;
	const char *tools; /* programs the toolchain must have, separated by blanks */
};

/* Manifests read so far, by folder. */
struct manifests {
	const char *data_dir;
	struct map by_dir;
};

/* NULL after a finding. `builder` is the text of the recipe. */
const struct manifest *manifest_find(struct manifests *all, const struct recipe *r,
				     const struct node *builder, struct arena *a,
				     struct error *err);
/* One of ours. */
const struct manifest *manifest_named(struct manifests *all, const char *name,
				      struct arena *a, struct error *err);
void manifests_finish(struct manifests *all);

/* Unknown and missing inputs of a step are findings. */
int manifest_check_inputs(const struct manifest *m, const struct node *step,
			  const char *path, struct error *err);
/* The step's options, typed, with defaults; NULL after a finding. */
struct node *manifest_options(const struct manifest *m, const struct node *step,
			      const char *path, struct arena *a, struct error *err);
bool manifest_has_output(const struct manifest *m, const char *output);
