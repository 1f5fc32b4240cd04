/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * An archive becomes a tree. What would leave the tree (absolute names, "..", a path
 * through a symbolic link, a hard link to something outside) and what does not belong in
 * one (devices, FIFOs) is refused by name, never skipped; so is an archive that grows out
 * of all proportion. On failure nothing is left.
 */
#include "base/error.h"

enum { STRIP_AUTO = -1 }; /* 1 if there is exactly one top directory, else 0 */

struct unpack {
	const char *archive;
	const char *member; /* a tar inside a .deb to unpack instead, NULL: the archive
			       itself */
	const char *dest;   /* does not exist yet */
	int strip;          /* in and out: what was done */
};

int unpack_run(struct unpack *u, struct error *err);
