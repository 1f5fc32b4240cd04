/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The garbage collector. What no root leads to is deleted; a root is
 *
 *   - a link below gcroots/ or profiles/ to a store path, or to a user's link to one, or
 *     a file there that is named as one;
 *   - what a process that works on the store has asked to keep (temproots/);
 *   - what a running process has open, mapped, or mentions in its command line or
 *     environment, as far as we may look.
 *
 * A live path keeps what it refers to, and nothing else: not its deriver.
 *
 * Locks and sockets are Nix's, so that its programs and ours can work on one store:
 *builds start and finish while a collector deletes, and tell it what they need. Rows go
 *first, on disk, then the trees: after a crash there may be trees without a row, which
 *the next run removes, and nothing else.
 *
 *	struct gc_options opt = {.dry_run = true, .report = print_path};
 *	struct gc_result res;
 *	if (store_gc(st, &opt, &res, err) < 0)
 *		return -1;
 */
#include "store/store.h"

enum gc_root_kind {
	GC_ROOT_RECIPE,   /* what `kbuild realize` made; place is the result directory */
	GC_ROOT_USER,     /* `kbuild store add-root`; place is the user's link */
	GC_ROOT_LINK,     /* another link straight to a store path */
	GC_ROOT_INDIRECT, /* a link to the link `place` */
	GC_ROOT_FILE,     /* a file named as a store path */
	GC_ROOT_TEMP,     /* a process that works on the store */
	GC_ROOT_PROCESS,  /* a process that uses a path */
};

struct gc_root {
	enum gc_root_kind kind;
	const char *path;  /* logical, valid */
	const char *from;  /* physical link or file; "process 12 (qemu), open file" */
	const char *place; /* or NULL */
	bool lost; /* the folder of the place is missing too: kept, in case it comes back
		    */
};

struct gc_roots {
	struct gc_root *v;
	size_t n;
};

/* Every root of a valid path, in the arena. Changes nothing. */
int store_gc_roots(struct store *st, struct arena *a, struct gc_roots *out,
		   struct error *err);

typedef void gc_report(void *ctx, const char *path, uint64_t bytes);

struct gc_options {
	bool dry_run;         /* the store may be open for reading only */
	bool no_wait;         /* when another collector runs, leave it to that one */
	uint64_t keep_bytes;  /* delete only until the sum of NAR sizes fits; 0: all */
	int64_t older_than_s; /* only what was registered earlier; old logs too; 0: all */
	gc_report *report;    /* every path that goes, or NULL */
	void *ctx;
};

struct gc_result {
	size_t paths;   /* valid paths that went */
	size_t strays;  /* trees without a row */
	size_t links;   /* entries of .links that nothing used */
	size_t logs;    /* of builds that nobody has any more */
	uint64_t freed; /* bytes on disk, hard-linked files counted once */
	size_t stay;    /* valid paths that stay */
	uint64_t kept;  /* their NAR sizes */
	bool busy;      /* with no_wait: another collector runs, nothing was done */
};

int store_gc(struct store *st, const struct gc_options *opt, struct gc_result *res,
	     struct error *err);
/*
 * Deletes these valid paths, and the records of builds that lead to them. All or nothing:
 * what is alive, or referred to by another path, is refused with the reason.
 */
int store_delete(struct store *st, const char *const *paths, size_t n,
		 const struct gc_options *opt, struct gc_result *res, struct error *err);
/* The sum of all NAR sizes: what keep_bytes is compared with. */
int store_size(struct store *st, uint64_t *bytes, struct error *err);
