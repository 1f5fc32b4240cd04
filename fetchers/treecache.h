/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The NAR hash of a local file or tree as it enters the store: .git is never part of it,
 * .gitignore files are respected (those in the tree and above it, up to the repository's
 * top; the user's own excludes are not, they differ between machines).
 *
 * A stat cache (device, inode, size, mtime, ctime of every file and directory seen, like
 * git's index) answers without reading anything when nothing changed. Only when something
 * did, kbuild-fetch walks and hashes the tree. A file changed in the same tick as the
 * cache was written is never believed.
 */
#include <stdint.h>

#include "base/argv.h"
#include "base/error.h"
#include "base/sha256.h"
#include "fetchers/request.h"

struct tree_request {
	const char *physical; /* absolute; a symbolic link is followed only here */
	const char *include, *exclude; /* newline-joined globs or NULL */
	const char *cache_dir;         /* e.g. ~/.cache/kbuild/trees */
	const struct fetch_client *fetch;
};

struct tree_answer {
	struct sha256 nar;
	uint64_t nar_size;
};

int tree_hash(const struct tree_request *req, struct tree_answer *out, struct error *err);
/*
 * The members of the tree as hashed, relative to its root, sorted, "." first: what may be
 * copied. Comes from the same cache entry.
 */
int tree_members(const struct tree_request *req, struct argv *out, struct error *err);
