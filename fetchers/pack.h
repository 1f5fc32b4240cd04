/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A compressed file that is being written, in one pass and constant memory; its digest
 * and length are taken on the way.
 *
 *	autopack struct pack *p = pack_new(fd, &how, err);
 *	if (!p || pack_add(p, bytes, n, err) < 0 || pack_end(p, &packed, err) < 0)
 *		return -1;
 */
#include <stdint.h>

#include "base/error.h"
#include "base/sha256.h"

struct pack_how {
	const char *compression; /* none, xz, zstd */
	long level;              /* 0: the usual one */
	unsigned threads;        /* of one file; 0: in ours */
};

struct packed {
	struct sha256 hash; /* of the file */
	uint64_t size;
};

struct pack;

/* Of a file that is there already. */
int packed_of(const char *file, struct packed *out, struct error *err);
/* What such files end with, ".zst"; NULL if we cannot write that. */
const char *pack_suffix(const char *compression);
/* fd stays the caller's. */
struct pack *pack_new(int fd, const struct pack_how *how, struct error *err);
int pack_add(struct pack *p, const void *bytes, size_t n, struct error *err);
/* The last bytes; once. */
int pack_end(struct pack *p, struct packed *out, struct error *err);
void pack_free(struct pack *p);

static inline void cleanup_pack(struct pack **p)
{
	pack_free(*p);
}
#define autopack __attribute__((cleanup(cleanup_pack)))
