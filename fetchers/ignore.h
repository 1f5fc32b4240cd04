/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The rules of .gitignore files, as gitignore(5) has them: the last matching line of the
 * deepest file decides. Rules are pushed directory by directory on the way down and
 *popped on the way up. A path below an ignored directory is never asked about.
 *
 *	size_t mark = ignore_push(&rules, text, "drivers/net");
 *	if (ignore_match(&rules, "drivers/net/x.o", false))
 *		...
 *	ignore_pop(&rules, mark);
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct ignore_rule {
	char *pattern;
	size_t base; /* length of the directory's path in the paths asked about, with
			slash */
	bool negated, dir_only, anchored;
};

struct ignore {
	struct ignore_rule *rules;
	size_t n, cap;
	/* Drop rules that take everything: a star, with or without a slash before it. */
	bool no_catch_all;
};

/* The text of a .gitignore in directory `dir` ("" is the top). Returns what to pop to. */
size_t ignore_push(struct ignore *ig, struct str text, const char *dir);
void ignore_pop(struct ignore *ig, size_t mark);
bool ignore_match(const struct ignore *ig, const char *path, bool is_dir);
void ignore_finish(struct ignore *ig);
