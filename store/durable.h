/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Trees must be on disk before their rows can be believed. A crash of ours cannot part them,
 * for the kernel keeps what was written; a power cut can: a file system may bring back a
 * row of the database whose files it never wrote. Syncing each object would cost every small
 * build some milliseconds, so:
 *
 * - A large object is synced before its row; next to writing it that costs little.
 * - For small ones a note on disk says "rows since TIME were written in boot BOOT and are
 *   not synced". It is written once, not per object. Whoever opens the store for writing in
 *   another boot finds it, compares these rows with their trees, and drops what is damaged.
 *   The note is renewed, with a sync, when it is old, which bounds that work.
 */
#include <stdint.h>

#include "base/error.h"

struct store;

/* When the store is opened for writing. */
int durable_recover(struct store *st, struct error *err);
/* Before the first row of this process. */
int durable_before(struct store *st, struct error *err);
/* Before the row of the object `base` in the store directory. */
int durable_object(struct store *st, const char *base, uint64_t size, struct error *err);
