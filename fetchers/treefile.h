/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The stat cache of one local tree, as it is on disk: a head, the entries, their names.
 * It never leaves the machine that wrote it, so numbers are as the machine has them; a
 * file of another layout has another magic or entry size and counts as absent.
 */
#include <stdint.h>
#include <sys/stat.h>

#define TREEFILE_MAGIC "kbtree1"

enum treefile_kind {
	TREEFILE_MEMBER, /* of the tree; the path is relative to it, "." is the root */
	TREEFILE_WATCH,  /* not of the tree, but what is of it depends on this */
	TREEFILE_GUARD,  /* the same outside the tree, absolute; mode 0: must be absent */
};

struct treefile_head {
	char magic[8];
	uint32_t entry_size, nentries;
	uint32_t names_len;
	uint32_t untrusted; /* times lie in the future: never believe it */
	uint64_t nar_size;
	uint8_t nar[32];
};

struct treefile_entry {
	uint64_t dev, ino, size;
	int64_t mtime_ns, ctime_ns;
	uint32_t mode;
	uint32_t name; /* offset */
	uint32_t kind;
	uint32_t pad;
};

static inline void treefile_fill(struct treefile_entry *e, const struct stat *st)
{
	e->dev = st->st_dev;
	e->ino = st->st_ino;
	e->size = (uint64_t)st->st_size;
	e->mtime_ns = st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
	e->ctime_ns = st->st_ctim.tv_sec * 1000000000 + st->st_ctim.tv_nsec;
	e->mode = st->st_mode;
}

static inline int treefile_same(const struct treefile_entry *e, const struct stat *st)
{
	struct treefile_entry now = {0};

	treefile_fill(&now, st);
	return now.dev == e->dev && now.ino == e->ino && now.size == e->size &&
	       now.mtime_ns == e->mtime_ns && now.ctime_ns == e->ctime_ns &&
	       now.mode == e->mode;
}
