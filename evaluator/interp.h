/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * ${section.key}: a value read from elsewhere in the recipe, defaults included. $${ is a
 * literal ${. Whatever is wrong with a reference is reported at exactly its characters.
 *
 * A reference to something that only a build knows, such as ${kernel.release}, is no
 * text: it may stand as a whole value in `steps.NAME.inputs` and `rootfs.base`, where it
 * makes an edge to that step's output. interp_output() reads it there. In `exports.files`
 * it may stand anywhere in a key or a value, and stays there for exports.c to read.
 */
#include "base/arena.h"
#include "base/error.h"
#include "evaluator/artifacts.h"
#include "evaluator/node.h"
#include "evaluator/schema.h"

enum { INTERP_MAX = 1 << 20, INTERP_MAX_DEPTH = 64 };

/* Expands every scalar of the tree in place. */
int interp_apply(struct node *root, const struct schema *schema, struct arena *a,
		 struct error *err);

/* Whether a whole value `${...}` or `${...}/sub/path` names one: 1, 0. */
int interp_output(const struct node *root, const char *text, struct arena *a,
		  struct output_ref *out);
