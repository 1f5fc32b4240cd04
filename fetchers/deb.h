/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Debian packages as trees: the files of all given packages in one tree, as dpkg would
 * have unpacked them, but without root, without maintainer scripts, nothing setuid. The
 * result does not depend on how the work was shared out: where two packages bring the
 * same file, the later one of the list has it.
 */
#include <archive.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/argv.h"
#include "base/error.h"
#include "fetchers/progress.h"

struct deb_tree {
	struct argv debs; /* files */
	const char *dest; /* does not exist yet */
	bool merge_usr;   /* bin, sbin, lib* go to usr/; links lead there */
	/* Newline-joined lines, NULL: none. See deb_fixups for their form. */
	const char *prune, *links, *files, *dirs;
	unsigned threads;        /* 0: as many as make sense */
	uint64_t nfiles, nbytes; /* out */
	struct progress *progress;
};

int deb_unpack(struct deb_tree *d, struct error *err);

/*
 * What maintainer scripts would have done, as data:
 *	dirs	PATH			made with their parents
 *	files	PATH<tab>CONTENT	written, \n \t \\ stand for what they say
 *	links	PATH TARGET		made if the target exists in the tree and PATH
 *does not
 */
int deb_fixups(const struct deb_tree *d, struct error *err);

/*
 * The current member of *data is `path` of the package on fd afterwards; *outer and *data
 * are the caller's to free (data first).
 */
int deb_member(int fd, const char *path, struct archive **outer, struct archive **data,
	       struct error *err);
