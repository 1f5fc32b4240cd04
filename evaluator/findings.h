/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A pass over a recipe goes on after a bad field and reports all it found, in the order
 * of the file, at most FINDINGS_MAX: the reader mends a file once, not ten times.
 *
 *	walk(node, err);                 // checks findings_full() before it goes deeper
 *	return findings_close(err);      // -1 if there is any
 */
#include <stdbool.h>

#include "base/error.h"

enum { FINDINGS_MAX = 20 };

/* Enough found; further checking is a waste. */
bool findings_full(const struct error *err);
/* Sorts the findings by file (in the order met) and place. 0 without any, else -1. */
int findings_close(struct error *err);
/* hint "did you mean 'x'?" if there is a near word, else "known: a, b, c" when few. */
int findings_suggest(struct error *err, const char *word, const char *const *words,
		     size_t n);
