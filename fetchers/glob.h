/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Lists of path patterns, newline-joined as they stand in a derivation or a recipe. `*`
 * and `?` stop at a slash, `**` does not; a pattern that matches a directory takes all
 * below it. A leading `!` gives back what an earlier pattern took: the last match
 * decides.
 */
#include <stdbool.h>

#include "base/argv.h"

struct globs {
	struct argv patterns;
	bool by_name; /* a pattern without slash matches a name at any depth */
};

/* NULL and empty lines are fine. */
void globs_add(struct globs *g, const char *lines);
bool globs_match(const struct globs *g, const char *path);
void globs_finish(struct globs *g);
