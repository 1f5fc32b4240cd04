/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * libarchive, as far as it is used: readers that know only the wanted formats and start
 * no programs, an archive inside another one as a stream, and members written to a tree
 * within bounds. Every error names the member.
 */
#include <archive.h>
#include <archive_entry.h>
#include <stdint.h>

#include "base/error.h"
#include "fetchers/tree.h"

enum reader_kind {
	READER_SOURCE, /* tar in any compression, zip */
	READER_TAR,    /* tar in any compression */
	READER_AR,     /* the outside of a .deb */
};

struct archive *reader_open(enum reader_kind kind, int fd, struct error *err);
/* Reads the data of `outer`'s current member; close it before going on with outer. */
struct archive *reader_inside(enum reader_kind kind, struct archive *outer,
			      struct error *err);
static inline void cleanup_reader(struct archive **a)
{
	if (*a)
		archive_read_free(*a);
}
#define autoreader __attribute__((cleanup(cleanup_reader)))

/* The next member: 1, 0 at the end, -1. `what` is the archive's name, for messages. */
int reader_next(struct archive *a, const char *what, struct archive_entry **entry,
		struct error *err);

/* How much an archive of `size` bytes may become; against bombs. */
struct bounds {
	uint64_t bytes_left, members_left;
	uint64_t bytes, members; /* so far */
};

struct bounds bounds_of(uint64_t size);
/* Counts one more member. */
int bounds_member(struct bounds *b, const char *path, struct error *err);

/* The current member's data becomes the file `path`. */
int member_file(struct archive *a, struct archive_entry *entry, struct tree *t,
		const char *path, struct bounds *b, struct error *err);
/* "device node", "FIFO": what may not be in a tree. NULL for what may. */
const char *member_refused(struct archive_entry *entry);
