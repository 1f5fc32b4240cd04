/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * ROOT/nix/store/.links: equal files of all objects as one inode. An entry's name is the
 * nix32 SHA-256 of the NAR of a single file or link, so the execute bit is part of it;
 * the entry is a hard link to that file. Whoever no object shares any more has one link
 * left, and goes with the garbage.
 * Source of the layout: Nix manual, "nix-store --optimise".
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/argv.h"
#include "base/error.h"
#include "store/path.h"

/* A set of inodes of one file system. Zero-initialised is empty. */
struct inodes {
	ino_t *slots; /* 0 is free */
	size_t n, nslots;
};

/* True if it was not there. */
bool inodes_add(struct inodes *s, ino_t ino);
bool inodes_has(const struct inodes *s, ino_t ino);
void inodes_finish(struct inodes *s);

struct store;

/* The directory, or -1; without `create` that may just mean that there is none. */
int links_open(const struct store *st, bool create, struct error *err);
/* The name that the file or link dir/name has there. */
int links_key(int dir, const char *name, char key[NIX32_SHA256_SIZE], struct error *err);
/* Is the entry what its name says, canonical too? 1, 0, -1. */
int links_good(const struct store *st, int links, const char *key, struct error *err);
/*
 * Appends the entries that are not what their name says. `only` limits the search to
 * these inodes; NULL: to entries that no object shares, since the others are proven with
 * their object.
 */
int links_check(const struct store *st, const struct inodes *only, struct argv *bad,
		struct error *err);
