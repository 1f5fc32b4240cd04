/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Does what the database claims stand in the store directory? The quick look reads no
 * file's contents, but everything else: every row, and name, type, size, mode, owner,
 * time and attributes of every inode. The thorough one hashes every byte too, several
 * objects at a time; its memory does not depend on what it reads.
 *
 *	struct verify_report found = {0};
 *	const struct verify_options opt = {.contents = true};
 *	if (store_verify(st, &opt, &a, &found, err) < 0)
 *		return -1;
 */
#include "store/store.h"

enum verify_kind {
	VERIFY_ROW,       /* path or hash of the row are unusable */
	VERIFY_ADDRESS,   /* the row's content address fits neither path nor contents */
	VERIFY_REFERENCE, /* row and something without row refer to one another */
	VERIFY_GONE,      /* there is no tree */
	VERIFY_CONTENTS,  /* other bytes, names or types than were recorded */
	VERIFY_SIZE,      /* the right bytes; the recorded size is wrong */
	VERIFY_LINK,      /* a link that leads elsewhere than the row's references */
	VERIFY_METADATA,  /* right so far, but not canonical */
	VERIFY_SIGNATURE, /* too few signatures; see store/sigs.h */
	VERIFY_SHARED,    /* a file of .links is not what its name says */
	VERIFY_GARBAGE,   /* something without a row: no damage */
};

struct verify_finding {
	enum verify_kind kind;
	const char *path; /* below /nix/store */
	const char *what; /* "its contents were modified" */
};

struct verify_report {
	struct verify_finding *v; /* sorted by path; at most one of each kind a path */
	size_t n, cap;
};

struct verify_options {
	bool contents;
	const char *const *paths; /* only these valid paths; NULL: the whole store */
	size_t npaths;
	/* Bytes (or objects, in the quick look) so far; from any thread, one at a time.
	 */
	void (*progress)(void *ctx, uint64_t done, uint64_t total);
	void *ctx;
};

/* Findings live in the arena. Something that changes hands meanwhile is waited for. */
int store_verify(struct store *st, const struct verify_options *opt, struct arena *a,
		 struct verify_report *out, struct error *err);

/* Another finding, at its place. */
void verify_add(struct verify_report *report, struct arena *a, enum verify_kind kind,
		const char *path, const char *what);
/* "contents", "metadata" ...: for machines. */
const char *verify_kind_name(enum verify_kind kind);
/* How many paths have damage. */
size_t verify_damaged(const struct verify_report *report);
