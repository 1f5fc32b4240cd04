/* SPDX-License-Identifier: MIT */
#pragma once
/* What the files of store/ share and nobody else sees. */
#include "base/map.h"
#include "store/db.h"
#include "store/store.h"

struct store {
	enum store_mode mode;
	char *root;                    /* absolute, physical */
	char *dir;                     /* ROOT/nix/store */
	char *state;                   /* ROOT/nix/var/nix */
	char *own;                     /* ROOT/nix/var/kbuild */
	char *scratch;                 /* ROOT/nix/var/kbuild/tmp */
	struct db *db;                 /* NULL: nothing there, opened for reading */
	int dirfd, statefd, scratchfd; /* -1 when absent */
	int big_lock;
	int no_gc; /* STORE_RECOVER: gc.lock, so that nobody deletes what has no row */
	bool collects;   /* STORE_COLLECT */
	char *broken_db; /* STORE_RECOVER: where the old database went, or NULL */

	int temproots, gc_lock; /* -1 until the first temporary root */
	char *temproots_name;
	struct map rooted;    /* temporary roots already written */
	struct map locked;    /* paths this handle holds the lock of */
	long long durable_at; /* when durable_before did its work last */
};

/* Fails unless the store was opened for writing. */
int store_need_write(const struct store *st, struct error *err);

/* Sets space aside for STORE_COLLECT, if there is that much. */
void store_reserve(struct store *st);
/* Gives it up; nothing of the store needs to be open. */
void store_give_reserve(const struct store *st);
/*
 * The locks and the database, as st->mode says, once st->statefd is open. An absent
 * database that is only to be read leaves st->db NULL.
 */
int store_open_db(struct store *st, struct error *err);

/*
 * A private directory below the scratch directory, for newcomers; *dir is open, the name
 * is to be freed. store_scratch_end removes it and what is in it; a NULL name is fine.
 */
int store_scratch_begin(struct store *st, char **name, int *dir, struct error *err);
/* The same for what leaves: it works on a full disk, too. */
int store_scratch_trash(struct store *st, char **name, int *dir, struct error *err);
void store_scratch_end(struct store *st, const char *name);

/*
 * The last steps of everything that is added. `name` in the directory `dir` is a
 * canonical object for info->path: under the path's lock it replaces whatever garbage is
 * there, and its row is written. When the path is valid already, the newcomer is removed
 * instead.
 */
int store_publish(struct store *st, int dir, const char *name, struct path_info *info,
		  struct error *err);
/* Only the row; the object is in its place, and canonical. Sets info->registered. */
int store_register(struct store *st, struct path_info *info, struct error *err);
/* The same without row: inside the caller's lock and transaction. */
int store_move_in(struct store *st, int dir, const char *name, const char *path,
		  struct error *err);
