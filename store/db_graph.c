// SPDX-License-Identifier: MIT
/* The rows as a graph: read at once, removed in large parts. */
#include "base/alloc.h"
#include "store/db_statement.h"

/* --- reading ---------------------------------------------------------------------- */

static int get_rows(struct db *db, struct arena *a, struct db_all *out, struct error *err)
{
	autostep sqlite3_stmt *st = db_prepare(db, Q_ROWS, NULL, err);
	size_t cap = 0;
	int step;

	if (!st)
		return -1;
	while ((step = sqlite3_step(st)) == SQLITE_ROW) {
		struct db_row *r = &ARENA_PUSH(a, out->rows, out->nrows, cap);

		r->id = sqlite3_column_int64(st, 0);
		r->path = arena_strdup(a, (const char *)sqlite3_column_text(st, 1));
		r->nar_size = (uint64_t)sqlite3_column_int64(st, 2);
		r->registered = sqlite3_column_int64(st, 3);
	}
	return step == SQLITE_DONE ? 0 : db_failed(db, err);
}

static int get_edges(struct db *db, struct arena *a, struct db_all *out,
		     struct error *err)
{
	autostep sqlite3_stmt *st = db_prepare(db, Q_EDGES, NULL, err);
	size_t cap = 0;
	int step;

	if (!st)
		return -1;
	while ((step = sqlite3_step(st)) == SQLITE_ROW)
		ARENA_PUSH(a, out->edges, out->nedges, cap) = (struct db_edge){
			sqlite3_column_int64(st, 0), sqlite3_column_int64(st, 1)};
	return step == SQLITE_DONE ? 0 : db_failed(db, err);
}

int db_all(struct db *db, struct arena *a, struct db_all *out, struct error *err)
{
	*out = (struct db_all){0};
	/* Both lists of one moment. */
	if (db_run_on(db, Q_BEGIN_READ, NULL, err) < 0)
		return -1;
	int rc = get_rows(db, a, out, err);
	if (rc == 0)
		rc = get_edges(db, a, out, err);
	db_rollback(db);
	return rc;
}

int db_size(struct db *db, uint64_t *bytes, struct error *err)
{
	autostep sqlite3_stmt *st = db_prepare(db, Q_SIZE, NULL, err);

	if (!st)
		return -1;
	if (sqlite3_step(st) != SQLITE_ROW)
		return db_failed(db, err);
	*bytes = (uint64_t)sqlite3_column_int64(st, 0);
	return 0;
}

/* --- removing --------------------------------------------------------------------- */

/* The rows that are to go, in a table of this connection. */
static int name_rows(struct db *db, const int64_t *ids, size_t n, struct error *err)
{
	if (db_run_on(db, Q_GOING_MAKE, NULL, err) < 0 ||
	    db_run_on(db, Q_GOING_CLEAR, NULL, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		autostep sqlite3_stmt *st = db_prepare(db, Q_GOING_ADD, NULL, err);

		if (!st)
			return -1;
		sqlite3_bind_int64(st, 1, ids[i]);
		if (db_run(db, st, err) < 0)
			return -1;
	}
	return 0;
}

static int used_rows(struct db *db, int64_t *used, size_t *nused, struct error *err)
{
	autostep sqlite3_stmt *st = db_prepare(db, Q_GOING_USED, NULL, err);
	int step;

	if (!st)
		return -1;
	while ((step = sqlite3_step(st)) == SQLITE_ROW)
		used[(*nused)++] = sqlite3_column_int64(st, 0);
	return step == SQLITE_DONE ? 0 : db_failed(db, err);
}

int db_remove_ids(struct db *db, const int64_t *ids, size_t n, int64_t *used,
		  size_t *nused, struct error *err)
{
	*nused = 0;
	if (name_rows(db, ids, n, err) < 0 || used_rows(db, used, nused, err) < 0)
		return -1;
	if (*nused)
		return 0;
	if (db_run_on(db, Q_GOING_REFS, NULL, err) < 0 ||
	    db_run_on(db, Q_GOING_ROWS, NULL, err) < 0)
		return -1;
	return 1;
}
