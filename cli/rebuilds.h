/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Objects whose bytes come from running their derivation's builder again: a source for
 * store/repair.h. A derivation is built once, whichever of its outputs is asked for
 *first.
 *
 *	struct rebuilds b;
 *	rebuilds_begin(&b, cli, st);
 *	const struct repair_source source = {"built again", true, rebuilds_obtain, &b};
 *	...
 *	rebuilds_end(&b);
 */
#include "base/map.h"
#include "cli/cmd.h"
#include "store/store.h"

struct rebuilds {
	struct cli *cli;
	struct store *st;
	struct map done; /* path of a derivation -> struct rebuild_result */
};

void rebuilds_begin(struct rebuilds *b, struct cli *cli, struct store *st);
/* A repair_source's function; ctx is the struct rebuilds. */
int rebuilds_obtain(void *ctx, const struct path_info *want, const char *dest,
		    struct error *err);
/* Removes what nobody wanted. */
void rebuilds_end(struct rebuilds *b);
