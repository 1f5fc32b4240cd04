/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * YAML 1.2 text to nodes, with libyaml's event interface. What makes YAML dangerous or
 * ambiguous is refused with a place: duplicate keys, anchors, aliases, tags, several
 * documents, keys that are no text, invalid UTF-8, NUL, absurd size or depth. Reading
 * goes on after such a finding.
 *
 *	struct source *src = yaml_load(AT_FDCWD, path, path, a, err);
 *	struct node *root = src ? yaml_read(src, a, err) : NULL;
 */
#include "base/arena.h"
#include "base/error.h"
#include "evaluator/node.h"

enum {
	YAML_MAX_SIZE = 16 << 20, /* bytes of a file */
	YAML_MAX_DEPTH = 64,
};

/* The file's text, without a byte order mark. `shown` is its name in messages. */
struct source *yaml_load(int dir, const char *path, const char *shown, struct arena *a,
			 struct error *err);
/* The only document's root; NULL if there is any finding. An empty text is one. */
struct node *yaml_read(const struct source *src, struct arena *a, struct error *err);
