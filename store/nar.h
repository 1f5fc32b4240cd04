/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Nix archives: the one serialisation of a file tree that is hashed, sent and stored.
 *
 * Writing walks a tree relative to descriptors and follows no link, the root included.
 * The bytes go to a sink, file contents read straight into its buffer; a visitor sees
 * every node on the way and can copy it, or bring it into canonical form.
 *
 *	struct nar_sink s = {.buf = buf, .cap = sizeof(buf), .flush = to_stdout};
 *	struct nar_dump d = {.dir = AT_FDCWD, .path = "tree"};
 *	if (nar_dump(&d, &s, err) < 0)
 *		return -1;
 *
 * Memory: the sink's buffer, and the names of the directories on the way down.
 * Source of the format: Dolstra, "The Purely Functional Software Deployment Model",
 * section 5.2.1; limits and verdicts as in current Nix, checked against vectors.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/error.h"

enum {
	NAR_DEPTH_MAX = 64, /* levels below the root are fewer than that */
	NAR_NAME_MAX = 255,
	NAR_TARGET_MAX = 4095,
	NAR_SINK_MIN = 16 * 1024, /* smallest buffer a sink may have */
};

struct nar_sink {
	char *buf;
	size_t len, cap;
	/* Takes buf[0..len); sets len to 0 and may put another buffer of cap bytes in
	 * place. */
	int (*flush)(struct nar_sink *s, struct error *err);
	uint64_t total; /* what went through, flushed or not */
};

struct nar_node {
	int dir;          /* descriptor of the directory the node is in */
	const char *name; /* its name there */
	const char *path; /* from the root of the tree, for messages; "" is the root */
	size_t depth;     /* 0 is the root */
	struct stat st;   /* lstat */
};

/* Every member may be NULL. `enter` may change the inode, not its type, size or bytes. */
struct nar_visitor {
	int (*enter)(void *ctx, const struct nar_node *n, struct error *err);
	int (*bytes)(void *ctx, const void *bytes, size_t n, struct error *err);
	int (*link)(void *ctx, const struct nar_node *n, const char *target,
		    struct error *err);
	/* After the contents of a file or the children of a directory; fd is that. */
	int (*leave)(void *ctx, const struct nar_node *n, int fd, struct error *err);
	void *ctx;
};

/* Leave a node out; the root is never asked about. */
typedef bool nar_skip(void *ctx, const char *path, bool is_dir);

struct nar_dump {
	int dir;          /* or AT_FDCWD */
	const char *path; /* in it */
	nar_skip *skip;   /* NULL: everything */
	void *skip_ctx;
	const struct nar_visitor *visitor; /* NULL: only write */
	bool sizes_only; /* contents are counted, not read: only sink->total says
			    something */
};

/* Writes the archive of a tree and flushes the sink. A changing size is an error. */
int nar_dump(const struct nar_dump *dump, struct nar_sink *sink, struct error *err);

/* Archive of a single regular, not executable file that is in memory; flushes. */
int nar_dump_text(const void *bytes, size_t n, struct nar_sink *sink, struct error *err);

/* Archive of a symbolic link that need not exist; flushes. */
int nar_dump_link(const char *target, struct nar_sink *sink, struct error *err);

/* Fills exactly n bytes or fails: the end of the stream is a failure. */
typedef int nar_read(void *ctx, void *bytes, size_t n, struct error *err);

/*
 * Reads one archive and creates what it holds as `name` in `dir`, which must not exist.
 * Strict: nothing is accepted that nar_dump would not have written. Reads not a byte
 * beyond the archive. On failure what was created is removed again. Modes are 0666, 0777
 * less the umask.
 */
int nar_restore(nar_read *read, void *ctx, int dir, const char *name, struct error *err);
