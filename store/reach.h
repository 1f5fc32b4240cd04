/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * All valid paths of a store and what they refer to, in memory, and which of them the
 * roots reach. A path is found by its digest, which is what a root's text is sure to
 * have.
 *
 *	struct reach r;
 *	if (reach_load(st->db, &arena, &r, err) < 0)
 *		return -1;
 *	reach_mark(&r, reach_find(&r, "/nix/store/..." + PATH_PREFIX_LEN));
 */
#include <stdbool.h>

#include "store/db.h"

struct reach_node {
	int64_t id;
	const char *path;
	uint64_t size; /* NAR */
	int64_t registered;
	const uint32_t *refs; /* itself left out */
	uint32_t nrefs;
	uint32_t referrers; /* how many dead ones are left; see reach_order */
	int32_t via;        /* the live node that refers to it; -1: it is a root */
	bool alive, gone;   /* gone: its row is removed */
};

struct reach {
	struct reach_node *v;
	uint32_t n;
	uint32_t *slots, *queue;
	uint64_t mask;
	uint64_t size; /* of all that is not gone */
};

int reach_load(struct db *db, struct arena *a, struct reach *out, struct error *err);
/* By the 32 characters of the digest at `digest`, whatever follows; -1 if there is none.
 */
int32_t reach_find(const struct reach *r, const char *digest);
/* It and all it refers to stay; -1 is nothing. */
void reach_mark(struct reach *r, int32_t node);

/*
 * The order in which dead paths can go: referrers before references, otherwise oldest
 * first. Ends when `want` says no more. Indices into v go to order[r->n]; their number is
 * returned.
 */
enum reach_choice { REACH_TAKE, REACH_LEAVE, REACH_STOP };
typedef enum reach_choice reach_want(void *ctx, const struct reach_node *n);
uint32_t reach_order(struct reach *r, reach_want *want, void *ctx, uint32_t *order);
