/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The last failure of a step, ROOT/nix/var/kbuild/failures/<base name of its resolved
 * derivation>, for `kbuild log` and for people. It is a note, never a reason not to
 * build: the next realize tries again, and a success takes it away.
 */
#include <stdint.h>

#include "base/arena.h"

struct graph;
struct node;

struct failure_note {
	int64_t when; /* seconds since the epoch */
	const char *step, *kind, *what, *first_error, *kept;
};

void failure_record(const char *root, struct graph *g, struct node *node);
void failure_forget(const char *root, struct graph *g, struct node *node);
/* 1 and the note, 0 if there is none. */
int failure_read(const char *root, const char *drv_path, struct arena *a,
		 struct failure_note *out);
