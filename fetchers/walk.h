/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Which files of a local directory make up the tree that enters the store, and everything
 * that this answer depends on. See fetchers/treecache.h for the rules.
 *
 * A directory is left out when all it holds was left out; one that is really empty stays.
 */
#include <stdbool.h>

#include "base/error.h"
#include "base/map.h"
#include "base/str.h"
#include "fetchers/treefile.h"

struct walk {
	const char *physical;          /* absolute, no link */
	const char *include, *exclude; /* newline-joined globs or NULL */

	struct treefile_entry *entries; /* out; parents before children */
	size_t n, cap;
	struct strbuf names;
	struct map members; /* paths, relative */
	bool untrusted;     /* times in the future */
};

/* Waits, if it must, until a later change of any file is sure to show in its times. */
int walk_run(struct walk *w, struct error *err);
/* Is everything still as it was? */
bool walk_unchanged(const struct walk *w);
void walk_finish(struct walk *w);
