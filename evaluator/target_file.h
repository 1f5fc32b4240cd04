/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * board.yaml: a machine that already runs, as `kbuild probe` or a person writes it down:
 * its release and what else is known of its kernel. Paths in it are relative to the file.
 *
 *	target: 1
 *	release: 5.4.20-sunxi
 *	arch: armhf
 *	config: board.config
 *
 * docs/recipe.md has all keys. Errors are those of a recipe: place, caret, hint.
 */
#include "base/arena.h"
#include "base/error.h"
#include "evaluator/arch.h"
#include "evaluator/node.h"
#include "module/release.h"

struct target_file {
	const struct source *src;
	const char *dir;            /* absolute, of the file */
	const struct node *checked; /* its keys, for their places */
	const char *release;        /* `uname -r` */
	struct release parts;       /* of it */
	const struct arch *arch;
	/* NULL: not known, as all that follows. Files are absolute, and exist. */
	const char *vermagic, *uname, *compiler;
	const char *config; /* plain or packed with gzip */
	const char *symvers, *exports, *btf;
	const char *sig_enforce; /* "y", "n" */
};

/* `shown` is the file's name in messages. NULL after a finding; there may be more. */
struct target_file *target_file_read(const char *path, const char *shown, struct arena *a,
				     struct error *err);
/* Where a key's value stands; the file's beginning if it has no such key. */
struct span target_file_at(const struct target_file *t, const char *key);
