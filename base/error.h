/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What went wrong, as data. A function that can fail takes `struct error *err` last,
 * never NULL, and returns -1 (or NULL) after filling it; every maker here returns -1, so
 * that `return error_at(...)` is one statement. Nothing here prints: cli/ does.
 *
 *	if (n->kind != NODE_MAP)
 *		return error_at(err, n->at, "expected a map, found %s", node_kind(n));
 *	...
 *	if (fetch(in, err) < 0)
 *		return error_wrap(err, "while fetching %s", in->name);
 *
 * A maker called on an error that already holds a finding adds another one, so that one
 * pass can report many. Text is lower case, without full stop, expected before found.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/source.h"

/* Whose fault; cli/ makes the exit code of it. A wrap keeps the class of its cause. */
enum error_class {
	ERROR_OTHER,
	ERROR_RECIPE,      /* the recipe, or the command line */
	ERROR_LOCK,        /* lock missing an entry, or stale */
	ERROR_CONFIG,      /* a config request was not granted */
	ERROR_BUILD,       /* a builder failed */
	ERROR_VERDICT,     /* a module that its kernel would not load */
	ERROR_INFRA,       /* space, memory, network, sandbox, permissions */
	ERROR_INTERRUPTED, /* the user said stop */
};

struct error {
	char *msg;              /* NULL: nothing happened */
	char *hint;             /* what to do about it, may be NULL */
	struct span at;         /* at.src NULL: no place in a text */
	enum error_class class; /* of this finding */
	struct error *cause;    /* what happened underneath */
	struct error *next;     /* another finding of the same pass */
};

#define autoerror __attribute__((cleanup(error_finish)))

static inline bool error_is_set(const struct error *err)
{
	return err->msg != NULL;
}

PRINTF(2, 3) int error_make(struct error *err, const char *fmt, ...);
PRINTF(3, 4)
int error_class(struct error *err, enum error_class class, const char *fmt, ...);
/* A finding at a place of a recipe: class ERROR_RECIPE. */
PRINTF(3, 4) int error_at(struct error *err, struct span at, const char *fmt, ...);
/* Appends ": " and errno's text; class ERROR_INFRA. */
PRINTF(2, 3) int error_errno(struct error *err, const char *fmt, ...);
/* Puts context in front of the newest finding. */
PRINTF(2, 3) int error_wrap(struct error *err, const char *fmt, ...);
/* Gives the newest finding a place, if it has none. */
int error_place(struct error *err, struct span at);
/* Gives the newest finding its hint; replaces nothing. */
PRINTF(2, 3) int error_hint(struct error *err, const char *fmt, ...);
/* Moves all findings of `more` to the end of `err`. */
int error_join(struct error *err, struct error *more);
/* The first finding and what was underneath, in one line; freed by the caller. */
char *error_words(const struct error *err);
/* How many findings. */
size_t error_count(const struct error *err);
/* Back to empty; frees everything. */
void error_finish(struct error *err);
