/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The canonical form of store objects on disk, reached in the same pass that hashes them:
 * files 0444 or 0555, directories 0555, time stamp 1, ours, no extended attributes, no
 * set-id bits. Two ways in:
 *
 * ingest_take works on a tree of ours where it stands. ingest_copy makes a canonical copy
 * of any tree, read once and hashed while it is written.
 *
 * The root directory keeps its write bit, without which it could not be renamed by anyone
 * but root; ingest_seal takes it away once the object is in place.
 */
#include <sys/types.h>

#include "base/error.h"
#include "base/sha256.h"
#include "store/nar.h"
#include "store/refs.h"

struct ingest {
	struct refs *refs; /* in: look for these, or NULL */
	nar_skip *skip;    /* in, ingest_copy only */
	void *skip_ctx;
	uid_t owner;         /* in, ingest_take only: (uid_t)-1 is anyone */
	bool flat;           /* in: a single, not executable file; hash its bytes too */
	struct sha256 nar;   /* out */
	uint64_t size;       /* out: of the archive */
	struct sha256 bytes; /* out, if flat */
};

/*
 * With an owner given, the tree is what a builder left behind: every inode must belong to
 * the owner, none may be set-id, and the root must not be writable for group or others.
 */
int ingest_take(struct ingest *in, int dir, const char *name, struct error *err);
/* `to` must not exist in todir. On failure a part of the copy may be left. */
int ingest_copy(struct ingest *in, const char *from, int todir, const char *to,
		struct error *err);
/*
 * What of an inode in the store keeps it from being canonical, in words to be freed; NULL
 * if nothing does. `owner` is whose the store is.
 */
char *ingest_blemish(const struct nar_node *n, uid_t owner);
/* The last step for the root of an object; nothing else is touched. */
int ingest_seal(int dir, const char *name, struct error *err);
/* The same for any directory of an object that is open. */
int ingest_seal_dir(int fd, const char *what, struct error *err);
