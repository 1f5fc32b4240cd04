/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A file that is being received: it grows in the cache, its digest is taken on the way,
 * and it moves to its place when it is whole. One named by its digest outlives us and is
 * gone on with; two processes that want the same file do not meet, the second fills one
 * of its own.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/sha256.h"

struct part {
	char *path; /* NULL: not open */
	int fd;
	struct sha256_ctx *digest;
	uint64_t have; /* bytes in it, all of them in the digest */
	bool private, published;
};

/* `expect` NULL: a fresh one that nobody continues. */
int part_open(struct part *p, const char *dir, const struct sha256 *expect,
	      struct error *err);
/* Adds bytes. 0, or -1 with errno set. */
int part_add(struct part *p, const void *bytes, size_t n);
/* Empties it. 0, or -1 with errno set. */
int part_restart(struct part *p);
/* The digest of all of it; restart or publish afterwards. */
struct sha256 part_digest(struct part *p);
/* To its place, which is replaced. */
int part_publish(struct part *p, const char *dest, struct error *err);
/* Without a place: the open file, read from its start, whose name is gone. Or -1. */
int part_take(struct part *p, struct error *err);
/* What may be continued stays. */
void part_close(struct part *p);
