/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * ${section.key}: a value read from elsewhere in the recipe, defaults included. $${ is a
 * literal ${. Whatever is wrong with a reference is reported at exactly its characters.
 *
 * A reference to something that only a build knows, such as ${kernel.release}, is no
 * text: it may stand as a whole value in `steps.NAME.inputs`, where it makes an edge to
 * that step's output. interp_output() reads it there.
 */
#include "base/arena.h"
#include "base/error.h"
#include "evaluator/node.h"
#include "evaluator/schema.h"

enum { INTERP_MAX = 1 << 20, INTERP_MAX_DEPTH = 64 };

/* Expands every scalar of the tree in place. */
int interp_apply(struct node *root, const struct schema *schema, struct arena *a,
		 struct error *err);

/* An output of a step of this recipe. */
struct output_ref {
	const char *step;    /* "kernel", "modules.hello", "kernel.source" */
	const char *output;  /* "out", "dev" */
	const char *subpath; /* below it, "" or "/System.map" */
};

/* Whether a whole value `${...}` or `${...}/sub/path` names one: 1, 0. */
int interp_output(const struct node *root, const char *text, struct arena *a,
		  struct output_ref *out);
