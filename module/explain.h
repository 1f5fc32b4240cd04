/* SPDX-License-Identifier: MIT */
#pragma once
/* What the kernel and its tools say when a module does not load, or nothing boots. */
#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

enum { EXPLAIN_HOLES = 3 };

struct message {
	const char *code;
	/*
	 * What the line contains: texts with a hole * between them. The first hole is a
	 * word, the last one goes to the end of the line if nothing follows it.
	 */
	const char *pattern;
	const char *meaning;
	const char *change; /* what to do; $1 and so on are what was in the holes */
	const char *symbol; /* the configuration symbol it is about, NULL: none */
};

struct explanation {
	const struct message *message;
	struct str hole[EXPLAIN_HOLES];
};

/* False: no line we know. */
bool explain_line(struct str line, struct explanation *out);
/* A text of the message with what was in the holes put in. */
void explain_fill(const struct explanation *e, const char *text, struct strbuf *out);
