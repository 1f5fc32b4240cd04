/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What a tree of nodes must look like, as const data. schema_apply() checks a tree
 *against it and makes a new one: every scalar in its canonical text, short forms written
 *out, keys in the order of the schema, defaults filled in. The same tables describe the
 * sections of a recipe and, made from builder.yaml, the options of a builder.
 *
 *	static const struct schema_key run_keys[] = {
 *		{.key = "smp", .schema = {.type = TYPE_INT, .def = "2"}},
 *	};
 *	static const struct schema run = SECTION(run_keys);
 *	struct node *typed = schema_apply(&run, node, "run", a, err);
 */
#include "base/arena.h"
#include "base/error.h"
#include "evaluator/node.h"

enum schema_type {
	TYPE_TEXT,
	TYPE_BOOL,     /* y n yes no true false; canonical y, n */
	TYPE_INT,      /* decimal or 0x */
	TYPE_SIZE,     /* 4096, 64K, 1G */
	TYPE_DURATION, /* 500ms, 60s, 10m, 2h */
	TYPE_ENUM,     /* one of .words */
	TYPE_LIST,     /* of .of */
	TYPE_MAP,      /* any key, values are .of */
	TYPE_SECTION,  /* .keys, nothing else */
	TYPE_ANY,      /* left alone: another table checks it */
};

struct schema_key;

struct schema {
	enum schema_type type;
	const char *def;   /* text of the default, NULL: none */
	const char *about; /* for people */
	const char *const *words;
	size_t nwords;
	const struct schema *of;
	const struct schema_key *keys;
	size_t nkeys;
	const char *shorthand; /* section: a scalar means {shorthand: scalar} */
	bool always;           /* section, list, map: there even if not written */
	/* More checks of a scalar's text, a map's key, a whole section. 0 or -1. */
	int (*check)(const struct node *n, struct error *err);
	int (*check_key)(const struct member *m, struct error *err);
};

struct schema_key {
	const char *key;
	bool required;
	struct schema schema;
};

#define WORDS(list) .words = (list), .nwords = ARRAY_LEN(list)
#define KEYS(table) .keys = (table), .nkeys = ARRAY_LEN(table)
#define SECTION(table)                                                                   \
	{                                                                                \
		.type = TYPE_SECTION, KEYS(table)                                        \
	}

/* `path` is where n stands: "run.timeout". NULL if n had a finding; there may be more. */
struct node *schema_apply(const struct schema *s, const struct node *n, const char *path,
			  struct arena *a, struct error *err);

/* The schema of a member; NULL if there can be none of that name. */
const struct schema *schema_member(const struct schema *s, const char *key);

/* Bytes of a size, milliseconds of a duration. 0, or -1 if it is none. */
int schema_size(const char *text, uint64_t *out);
int schema_duration(const char *text, uint64_t *out);
