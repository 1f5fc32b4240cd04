/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Trees must be on disk before their rows can be believed. A crash of ours cannot part
 * them, for the kernel keeps what was written; a power cut can: a file system may bring
 * back a row of the database whose files it never wrote. Syncing every object would cost
 * a small build some milliseconds, and a large tree the whole time of the disk. So a note
 * on disk says "rows since TIME were written in boot BOOT and may not be synced". Whoever
 * opens the store for writing in another boot finds it, compares these rows with their
 * trees, and drops what is damaged. When the note is an hour old everything is synced and
 * it is renewed, which bounds that work.
 */
#include "base/error.h"

struct store;

/* When the store is opened for writing. */
int durable_recover(struct store *st, struct error *err);
/*
 * Before rows are written; best before the tree is, since a sync that is due would have
 * to wait for it. Free after the first call.
 */
int durable_before(struct store *st, struct error *err);
