/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * How a store path that is no build's output can be obtained. The evaluator makes these
 * from recipe and lock, realise uses them when the path is missing. Nothing here enters
 * any hash: the store path alone is the identity.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/source.h"

enum source_kind {
	SOURCE_TREE, /* local file or tree: `physical`, filtered as tree_hash did */
	SOURCE_TEXT, /* a file whose bytes are `text` */
	SOURCE_PIN,  /* remote: what the lock says, in `pin` */
};

struct source_pair {
	const char *key, *value;
};

struct source {
	const char *path; /* store path it must become */
	const char *name; /* of the input, for people: "kernel.source" */
	enum source_kind kind;
	const char *physical;	   /* SOURCE_TREE: absolute */
	const char *include, *exclude; /* SOURCE_TREE: newline-joined patterns, NULL: none */
	const char *text;	   /* SOURCE_TEXT */
	size_t text_len;
	bool executable;	   /* SOURCE_TEXT: mode 0555 */
	struct source_pair *pin;   /* SOURCE_PIN: the lock entry, as kbuild-fetch wants it */
	size_t npin;
	struct span at; /* in the recipe */
};
