/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What is packed, by its first bytes. The libraries are loaded when they are needed,
 * since most runs need none.
 */
#include "base/error.h"
#include "base/str.h"

struct packed {
	struct str magic;
	const char *name;
	const char *hint; /* how a user unpacks it */
	/*
	 * Appends to out, at most `max` bytes. What follows the stream and is no other
	 * one is ignored: kernels carry such streams inside. NULL: we cannot.
	 */
	int (*unpack)(struct str packed, size_t max, struct strbuf *out,
		      struct error *err);
};

/* NULL: it is not packed, as far as we know. */
const struct packed *packed_as(struct str file);
/*
 * The bytes of a file that may be packed (gzip, xz, zstd, lzma, lz4) are appended to out,
 * at most `max`. Other packings are an error that says how to unpack.
 */
int unpack(struct str file, size_t max, struct strbuf *out, struct error *err);
