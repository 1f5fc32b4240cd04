/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The ways to mend one object, each tried under the lock of its path; see store/repair.h.
 * Each returns 1 when it changed something (whether it is whole now is for verify to
 * say), 0 when it is no way, -1.
 */
#include "store/links.h"
#include "store/repair.h"

struct mend {
	struct store *st;
	const char *path;
	struct argv *valid;      /* every path of the store: what may be referred to */
	struct inodes *replaced; /* shared files of trees that were replaced */
};

/* The tree proves to be the path, the row says otherwise: the row is written anew. */
int mend_row(const struct mend *m, struct error *err);
/* The right bytes: modes, times, owner, attributes. */
int mend_metadata(const struct mend *m, struct error *err);
/* A realisation: link and references are made of each other. */
int mend_link(const struct mend *m, struct error *err);
/* Good bytes from elsewhere. */
int mend_contents(const struct mend *m, const struct repair_source *source,
		  struct error *err);
