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

enum origin_kind {
	ORIGIN_TREE, /* local file or tree: `physical`, filtered as tree_hash did */
	ORIGIN_TEXT, /* a file whose bytes are `text` */
	ORIGIN_PIN,  /* remote: what the lock says, in `pin` */
};

struct origin_fact {
	const char *key, *value;
};

struct origin {
	const char *path; /* store path it must become */
	const char *name; /* of the input, for people: "kernel.source" */
	enum origin_kind kind;
	const char *physical; /* ORIGIN_TREE: absolute */
	const char *include,
		*exclude; /* ORIGIN_TREE: newline-joined patterns, NULL: none */
	const char *text; /* ORIGIN_TEXT */
	size_t text_len;
	bool executable; /* ORIGIN_TEXT: mode 0555 */
	struct origin_fact
		*pin; /* ORIGIN_PIN: the lock entry, as kbuild-fetch wants it */
	size_t npin;
	struct span at; /* in the recipe */
};
