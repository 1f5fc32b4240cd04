/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Where something stands in a text that a person wrote. A struct source keeps a file's
 * name and bytes; a struct span is an offset and a length in it. Line and column are
 * worked out only when a message is printed. A span outlives nothing: its source must.
 */
#include <stddef.h>

struct source {
	const char *name; /* as the user would write it */
	const char *text;
	size_t len;
};

struct span {
	const struct source *src; /* NULL: no place */
	size_t off, len;
};

struct place {
	size_t line, col; /* 1-based; columns count bytes */
	const char *text; /* the line, not terminated */
	size_t text_len;
	size_t mark_off, mark_len; /* what to underline, in bytes of the line */
};

/* The line a span begins in, with the part of the span that lies in it. */
struct place span_place(struct span at);
