/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A compressed file as a stream of bytes: exactly one layer of exactly the compression it
 * is said to have. Memory is constant, but for what the format's window asks for.
 */
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

struct inflate;

/* Can it be read? none, xz, zstd, bzip2, gzip, lz4 and lzip can. */
int inflate_check(const char *compression, struct error *err);
/* Reads from fd, which stays. */
int inflate_open(const char *compression, int fd, struct inflate **out,
		 struct error *err);
/* At most n bytes; 0 at the end, -1. */
ssize_t inflate_read(struct inflate *f, void *bytes, size_t n, struct error *err);
void inflate_close(struct inflate *f);

static inline void cleanup_inflate(struct inflate **f)
{
	inflate_close(*f);
}
#define autoinflate __attribute__((cleanup(cleanup_inflate)))
