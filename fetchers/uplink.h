/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Files into a binary cache: a directory, a web server that takes PUT, S3. Whoever reads
 * the cache meanwhile sees a file whole or not at all. Errors that pass are tried again
 * with growing pauses; a refusal of the server is final.
 *
 * A set serves several threads, each of which borrows a connection for as long as it has
 * something to say:
 *
 *	struct uplink *l = uplink_take(set);
 *	int rc = uplink_put(l, &file, err);
 *	uplink_give(set, l);
 */
#include <stdatomic.h>
#include <stdbool.h>

#include "base/str.h"
#include "fetchers/cacheurl.h"
#include "fetchers/pack.h"

struct uplink_set;
struct uplink;

struct uplink_file {
	const char *name; /* in the cache: "nar/x.nar.zst" */
	const char *type; /* "application/x-nix-nar" */
	/* The bytes: those of a file of ours, which a directory may take away, or a text.
	 */
	const char *file;
	struct str text;
	struct packed packed; /* of the file */
	/* Told how much of a file has gone; may be NULL. */
	void (*sent)(void *ctx, uint64_t bytes);
	void *ctx;
};

/*
 * The cache must outlive it. A server that says and takes nothing for stall_s seconds (0:
 * half a minute) has failed. Once *stop is set, calls fail at their next breath.
 */
struct uplink_set *uplink_set_new(const struct cache_url *cache, unsigned stall_s,
				  atomic_bool *stop);
void uplink_set_free(struct uplink_set *set);
/*
 * An open, empty file that is to become one of the cache: in a directory's own folder, so
 * that nothing is copied, else in `scratch`. *path is yours to free, and to unlink unless
 * the cache took the file.
 */
int uplink_new_file(struct uplink_set *set, const char *scratch, char **path,
		    struct error *err);
struct uplink *uplink_take(struct uplink_set *set);
void uplink_give(struct uplink_set *set, struct uplink *l);

/* 1 it is there, 0 it is not (or the cache does not say), -1. */
int uplink_has(struct uplink *l, const char *name, struct error *err);
int uplink_put(struct uplink *l, const struct uplink_file *file, struct error *err);
