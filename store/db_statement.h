/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The statements of the database, prepared when they are first used. Their texts are in
 * db.c, beside the schema; db_rows.c and db_graph.c are what is done with them.
 */
#include <sqlite3.h>

#include "store/db.h"

enum query {
	Q_BEGIN,
	Q_BEGIN_READ,
	Q_COMMIT,
	Q_ROLLBACK,
	Q_QUICK_CHECK,
	Q_CHECK,
	Q_FIND,
	Q_INFO,
	Q_REFS,
	Q_REFERRERS,
	Q_MAKERS,
	Q_SINCE,
	Q_PREFIX,
	Q_DANGLING,
	Q_DERIVERS,
	Q_ROWS,
	Q_EDGES,
	Q_SIZE,
	Q_ORPHANED,
	Q_ADD,
	Q_ADD_REF,
	Q_ADD_OUTPUT,
	Q_SET_SIGS,
	Q_SET_ULTIMATE,
	Q_AMEND,
	Q_REMOVE_REFS,
	Q_REMOVE_ORPHANS,
	Q_REMOVE,
	Q_GOING_MAKE,
	Q_GOING_CLEAR,
	Q_GOING_ADD,
	Q_GOING_USED,
	Q_GOING_REFS,
	Q_GOING_ROWS,
	NQUERIES,
};

struct db {
	sqlite3 *sql;
	sqlite3_stmt *st[NQUERIES];
	char *file;
	bool write;
};

/* What SQLite says went wrong. Returns -1. */
int db_failed(struct db *db, struct error *err);
/* A prepared statement with its first parameter, ready to step. NULL on failure. */
sqlite3_stmt *db_prepare(struct db *db, enum query q, const char *first,
			 struct error *err);
void db_done(sqlite3_stmt **st);
#define autostep __attribute__((cleanup(db_done)))
/* Runs a statement that gives no rows. */
int db_run(struct db *db, sqlite3_stmt *st, struct error *err);
/* One with at most one parameter. */
int db_run_on(struct db *db, enum query q, const char *path, struct error *err);
