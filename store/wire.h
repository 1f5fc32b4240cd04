/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The primitive that archives and export streams are made of: numbers of eight bytes,
 * little-endian, and texts as their length, their bytes, and NUL bytes up to the next
 * multiple of eight.
 */
#include "store/nar.h"

/* --- writing to a sink ------------------------------------------------------------ */

int wire_put(struct nar_sink *s, const void *bytes, size_t n, struct error *err);
int wire_put_number(struct nar_sink *s, uint64_t v, struct error *err);
/* What follows n bytes. */
int wire_put_padding(struct nar_sink *s, uint64_t n, struct error *err);
int wire_put_text(struct nar_sink *s, const char *text, struct error *err);
int wire_flush(struct nar_sink *s, struct error *err);

/* --- reading, strictly ------------------------------------------------------------ */

struct wire {
	nar_read *read;
	void *ctx;
	const char *what; /* "the archive", for messages */
	struct error *err;
};

int wire_number(const struct wire *w, uint64_t *out);
int wire_padding(const struct wire *w, uint64_t n);
/* At most max bytes without NUL, NUL-terminated: buf holds max + 1. */
int wire_text(const struct wire *w, char *buf, size_t max, const char *name);
