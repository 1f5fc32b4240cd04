/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The verbs of `kbuild store`. All share one set of options; each is a function that gets
 * the words after its name and returns an exit code, or -1 with err.
 */
#include "cli/cmd.h"
#include "realise/substitute.h"
#include "store/sigs.h"

struct store_cmd {
	struct cli *cli;
	int argc;
	char **argv;      /* the words after the verb; their number was checked */
	const char *name; /* --name */
	const char *type; /* --type */
	bool recursive;   /* -R */
	bool contents;    /* --contents */
	bool repair;      /* --repair */
	bool unproven;    /* --unproven */
	bool closure;     /* --closure */
	long sigs;        /* --sigs */
	struct argv from; /* --from */
	long timeout_s;   /* --timeout */
	struct argv keys, trust;
	bool dry_run;  /* --dry-run */
	uint64_t keep; /* --keep */
	long older_s;  /* --older-than */
};

typedef int store_verb(struct store_cmd *c, struct error *err);

store_verb store_cmd_add, store_cmd_add_root, store_cmd_cat, store_cmd_delete,
	store_cmd_dump, store_cmd_export, store_cmd_gc, store_cmd_hash, store_cmd_import,
	store_cmd_ls, store_cmd_optimise, store_cmd_path_info, store_cmd_pull,
	store_cmd_recover, store_cmd_restore, store_cmd_roots, store_cmd_sign,
	store_cmd_verify;

/* The caches of --from with the keys of --trust; scratch_dir is left to the caller. */
int store_take_caches(struct store_cmd *c, struct caches *out, struct error *err);

/* Tells the paths that lack --sigs signatures of --trust keys. Their number, or -1. */
long store_cmd_verify_sigs(struct store_cmd *c, struct store *st, sigs_report *report,
			   void *ctx, struct error *err);

/* `<digest>-<name>` and what follows of anything that may stand for a path; no check. */
const char *store_ref_base(struct store_cmd *c, struct store *st, const char *text);

/* What a user wrote for something in the store. */
struct store_ref {
	const char *path; /* logical and valid */
	const char *sub;  /* below it, "" for the object itself */
};

/*
 * Takes a logical path, a physical path (or a link to one, such as result/kernel), a base
 * name or the beginning of a digest; any may go on below the object. Fails if it is not
 * valid. Lives in the command's arena.
 */
int store_ref_parse(struct store_cmd *c, struct store *st, const char *text,
		    struct store_ref *out, struct error *err);
/* All words of the command, each a valid path; NULL with a finding for each other one. */
const char **store_named_paths(struct store_cmd *c, struct store *st, struct error *err);
/*
 * Opens it for reading. Links are followed as if the store were at /nix/store, so never
 * out of it.
 */
int store_ref_open(struct store *st, const struct store_ref *ref, int flags,
		   struct error *err);
