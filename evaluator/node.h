/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What a recipe is made of: scalars, lists and maps, each with the place it came from.
 * Scalars are text; the schema, never YAML, says what they mean. Nodes live in an arena
 * and are not changed once they are part of a tree that somebody else looks at: passes
 * make new trees and share what they leave alone.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/source.h"
#include "base/str.h"

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

enum node_style { STYLE_PLAIN, STYLE_SINGLE, STYLE_DOUBLE, STYLE_LITERAL, STYLE_FOLDED };

struct node;

struct member {
	const char *key;    /* NULL in a list */
	struct span key_at; /* in a list: that of the value */
	struct node *value;
};

struct node {
	enum node_kind kind;
	enum node_style style;
	struct span at;         /* scalar: its bytes; else its first character */
	const char *text;       /* scalar; NUL-terminated, holds no NUL */
	struct member *members; /* list, map */
	size_t n, cap;
	uint32_t *slots; /* index of a big map, index + 1 into members; NULL: walk it */
	size_t nslots;
	bool expanded;   /* its ${} are done: see interp.h */
	bool is_default; /* not written by the user: filled in from the schema */
};

struct node *node_scalar(struct arena *a, const char *text, struct span at);
struct node *node_list(struct arena *a, struct span at);
struct node *node_map(struct arena *a, struct span at);
/* A copy that shares its members' values; adding to it leaves the original alone. */
struct node *node_copy(struct arena *a, const struct node *n);

/* Appends; a map's caller has looked for the key before. */
void node_add(struct arena *a, struct node *n, const char *key, struct span key_at,
	      struct node *value);
/* Replaces the value of a key, or appends it. */
void node_set(struct arena *a, struct node *map, const char *key, struct span key_at,
	      struct node *value);
void node_remove(struct node *map, const char *key);

/* NULL when absent, or when n is NULL or no map. */
struct member *node_member(const struct node *n, const char *key);
struct node *node_get(const struct node *n, const char *key);
/* Text of a scalar member, NULL when absent. */
const char *node_text(const struct node *n, const char *key);
/* "a map", "a list", "text" */
const char *node_kind_words(const struct node *n);
/* `~` or `null`, unquoted: nothing. */
bool node_is_null(const struct node *n);

/*
 * Appends a stable, readable form: block style, text quoted only where a reader could
 * misunderstand it. With `origin`, each scalar is followed by "  # file:line:col".
 */
void node_print(const struct node *n, bool origin, struct strbuf *out);
/* Appends a scalar's text, quoted where it must be. */
void node_print_text(const char *text, struct strbuf *out);
/* Appends a map's key with its colon; `indent` columns are before it already. */
void node_print_key(const char *key, int indent, struct strbuf *out);
