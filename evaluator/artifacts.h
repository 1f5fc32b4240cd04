/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What steps make, under the names the language has for it: kernel.image, modules.hello,
 * steps.report.log. Which name is which output is a table in artifacts.c.
 */
#include "base/arena.h"
#include "evaluator/node.h"

/* What the words of a small file are, where text is wanted rather than a file. */
enum artifact_text {
	TEXT_NONE,    /* it is no text */
	TEXT_LINE,    /* its only line */
	TEXT_VERSION, /* and of that x.y.z: "6.12.1" of "6.12.1-board" */
};

/* An output of a step of this recipe. */
struct output_ref {
	const char *step;    /* "kernel", "modules.hello", "kernel.source" */
	const char *output;  /* "out", "dev" */
	const char *subpath; /* below it, "" or "/System.map" */
	/* What the bare name means where a file is wanted: a pattern below the tree,
	 * which exactly one file matches; NULL: the output itself. */
	const char *file;
	enum artifact_text text;
};

/* Whether the recipe `root` calls something a build makes `path`: 1, 0. */
int artifact_find(const struct node *root, const char *path, struct arena *a,
		  struct output_ref *out);
/* Where else that is when the recipe's kernel has no step `ref->step`: 1, 0. */
int artifact_instead(struct output_ref *ref);
