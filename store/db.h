/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The database of a store: which paths are valid, what they refer to, which derivation
 * says what its outputs are called. Schema 10 of Nix; all SQL of kbuild's store is in
 * db.c.
 *
 * Durability is Nix's: write-ahead log, synchronous = normal. A commit is atomic and seen
 * by everybody at once, and survives any crash of a process; after a power cut the last
 * commits may be gone, never halves of them. store/durable.h sees to the trees behind the
 * rows.
 */
#include <stdbool.h>

#include "store/store.h"

struct db;

enum db_mode {
	DB_READ,
	DB_WRITE,
	DB_CREATE, /* nobody else has it open */
};

/* `dir` is ROOT/nix/var/nix/db. */
int db_open(const char *dir, enum db_mode mode, struct db **out, struct error *err);
void db_close(struct db *db);

/*
 * Is the file sound, and has all that we ask for? Without `thorough` indices are not
 * compared with what they index.
 */
int db_check(struct db *db, bool thorough, struct error *err);
/* Does the error say that there is no usable file, and not that it could not be read? */
bool db_is_broken(const struct error *err);

/* One writer at a time; waits for others. */
int db_begin(struct db *db, struct error *err);
int db_commit(struct db *db, struct error *err);
void db_rollback(struct db *db);

/* As the functions of store.h: 1, 0 or -1. */
int db_find(struct db *db, const char *path, struct error *err);
int db_info(struct db *db, const char *path, struct arena *a, struct path_info *out,
	    struct error *err);

enum db_list {
	DB_REFS,      /* what path refers to */
	DB_REFERRERS, /* what refers to it */
	DB_MAKERS,    /* derivations that say one of their outputs would be there */
	DB_SINCE,     /* all registered at or after a time, given as decimal text */
	DB_PREFIX,    /* whose path begins so; at most two */
	DB_DERIVERS,  /* every deriver that is named; the key is not used */
	DB_DANGLING,  /* what refers to something that has no row; the key is not used */
	DB_ORPHANED,  /* what something refers to that has no row; the key is not used */
};
/* Appends paths, sorted. */
int db_list(struct db *db, enum db_list what, const char *key, struct argv *out,
	    struct error *err);

/* The whole store as a graph, of one moment; in the arena. */
struct db_row {
	int64_t id;
	const char *path;
	uint64_t nar_size;
	int64_t registered;
};
struct db_edge {
	int64_t referrer, reference; /* ids */
};
struct db_all {
	struct db_row *rows; /* by id */
	size_t nrows;
	struct db_edge *edges; /* by referrer */
	size_t nedges;
};
int db_all(struct db *db, struct arena *a, struct db_all *out, struct error *err);
/* The sum of all NAR sizes. */
int db_size(struct db *db, uint64_t *bytes, struct error *err);

/* Only inside begin and commit. All references must be valid, or be the path itself. */
int db_add(struct db *db, const struct path_info *info, struct error *err);
int db_add_output(struct db *db, const char *drv, const char *id, const char *path,
		  struct error *err);
/* Instead of those it has. */
int db_set_sigs(struct db *db, const char *path, const char *const *sigs, size_t n,
		struct error *err);
/* It was built here, too. */
int db_set_ultimate(struct db *db, const char *path, struct error *err);
/* Writes hash, size, content address and references of a row anew. */
int db_amend(struct db *db, const struct path_info *info, struct error *err);
/* Removes the references of what has no row: they keep what they refer to. */
int db_remove_orphans(struct db *db, struct error *err);
/* Fails when something else refers to it. */
int db_remove(struct db *db, const char *path, struct error *err);
/*
 * Removes rows by id. 1 done; 0 nothing was done, for something else refers to those in
 * used[*nused], which has room for n; -1.
 */
int db_remove_ids(struct db *db, const int64_t *ids, size_t n, int64_t *used,
		  size_t *nused, struct error *err);
/*
 * From now on a commit of this handle is on disk when it returns: for whoever is about to
 * delete what the rows stood for.
 */
int db_sync_commits(struct db *db, struct error *err);
