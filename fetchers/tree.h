/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Writes a tree that somebody else describes: an archive, a git tree. Paths come from
 * outside and are never trusted: nothing is created above the root or through a symbolic
 * link, whatever order the members come in. Files are 0644 or 0755, directories 0755,
 * owned by us; nothing is ever setuid.
 *
 *	autotree struct tree *t = NULL;
 *	if (tree_create("/abs/new", 0, &t, err) < 0)
 *		return -1;
 *	int fd = tree_file(t, "usr/bin/x", true, err);
 *
 * A later member replaces an earlier one of the same path, unless one of the two is a
 * directory. One struct tree belongs to one thread; several may write below one root.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/str.h"

struct tree;

enum tree_flags {
	TREE_EXISTS = 1 << 0, /* the root is there already */
};

int tree_create(const char *root, enum tree_flags flags, struct tree **out,
		struct error *err);
void tree_close(struct tree *t);
static inline void cleanup_tree(struct tree **t)
{
	tree_close(*t);
}
#define autotree __attribute__((cleanup(cleanup_tree)))

/*
 * A member's path as it is written below the root: without "./", doubled and trailing
 * slashes; "" is the root itself. Refuses absolute paths and "..". With `strip`, so many
 * leading components are dropped; 0 when nothing is left of it, else 1; -1 refused.
 */
int tree_member(const char *raw, unsigned strip, struct strbuf *out, struct error *err);

/* All paths below are what tree_member gave. Parents are made as needed. */
int tree_dir(struct tree *t, const char *path, struct error *err);
/* A new file to write to; the caller closes it. -1 failed. */
int tree_file(struct tree *t, const char *path, bool executable, struct error *err);
int tree_symlink(struct tree *t, const char *path, const char *target, struct error *err);
/* `old`, a regular file of this tree, gets a second name. */
int tree_hardlink(struct tree *t, const char *path, const char *old, struct error *err);
/* What is at path, not following it: an st_mode, 0 for nothing, -1 failed. */
int tree_mode(struct tree *t, const char *path, struct error *err);
