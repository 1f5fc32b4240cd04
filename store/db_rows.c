// SPDX-License-Identifier: MIT
/* Rows of the database, read and written. */
#include "base/alloc.h"
#include "store/db_statement.h"
#include "store/path.h"

/* --- asking ----------------------------------------------------------------------- */

int db_find(struct db *db, const char *path, struct error *err)
{
	autostep sqlite3_stmt *st = db_prepare(db, Q_FIND, path, err);

	if (!st)
		return -1;
	switch (sqlite3_step(st)) {
	case SQLITE_ROW:
		return 1;
	case SQLITE_DONE:
		return 0;
	default:
		return db_failed(db, err);
	}
}

static const char *text(sqlite3_stmt *st, int column, struct arena *a)
{
	const char *s = (const char *)sqlite3_column_text(st, column);

	return s && *s ? arena_strdup(a, s) : NULL;
}

static void split_sigs(const char *sigs, struct arena *a, struct path_info *out)
{
	struct str rest = sigs ? str_of(sigs) : (struct str){0};
	size_t cap = 0;

	while (rest.ptr) {
		struct str one = str_cut(&rest, ' ');

		if (one.len)
			ARENA_PUSH(a, out->sigs, out->nsigs, cap) =
				arena_strndup(a, one.ptr, one.len);
	}
}

static int get_refs(struct db *db, const char *path, struct arena *a,
		    struct path_info *out, struct error *err)
{
	autoargv struct argv refs = {0};

	if (db_list(db, DB_REFS, path, &refs, err) < 0)
		return -1;
	out->nrefs = refs.n;
	out->refs = arena_array(a, refs.n, const char *);
	for (size_t i = 0; i < refs.n; i++)
		out->refs[i] = arena_strdup(a, refs.v[i]);
	return 0;
}

int db_info(struct db *db, const char *path, struct arena *a, struct path_info *out,
	    struct error *err)
{
	autostep sqlite3_stmt *st = db_prepare(db, Q_INFO, path, err);

	*out = (struct path_info){0};
	if (!st)
		return -1;
	int step = sqlite3_step(st);
	if (step == SQLITE_DONE)
		return 0;
	if (step != SQLITE_ROW)
		return db_failed(db, err);
	out->path = arena_strdup(a, path);
	const char *hash = text(st, 0, a);
	if (!hash || hash_parse(hash, &out->nar) < 0)
		return error_class(err, ERROR_INFRA,
				   "database %s: %s has an unusable hash", db->file,
				   path);
	out->registered = sqlite3_column_int64(st, 1);
	out->deriver = text(st, 2, a);
	out->nar_size = (uint64_t)sqlite3_column_int64(st, 3);
	out->ultimate = sqlite3_column_int(st, 4) == 1;
	split_sigs(text(st, 5, a), a, out);
	out->ca = text(st, 6, a);
	return get_refs(db, path, a, out, err) < 0 ? -1 : 1;
}

int db_list(struct db *db, enum db_list what, const char *key, struct argv *out,
	    struct error *err)
{
	static const enum query of[] = {
		[DB_REFS] = Q_REFS,         [DB_REFERRERS] = Q_REFERRERS,
		[DB_MAKERS] = Q_MAKERS,     [DB_SINCE] = Q_SINCE,
		[DB_PREFIX] = Q_PREFIX,     [DB_DERIVERS] = Q_DERIVERS,
		[DB_DANGLING] = Q_DANGLING, [DB_ORPHANED] = Q_ORPHANED,
	};
	autostep sqlite3_stmt *st = db_prepare(db, of[what], key, err);
	int step;

	if (!st)
		return -1;
	while ((step = sqlite3_step(st)) == SQLITE_ROW)
		argv_push(out, (const char *)sqlite3_column_text(st, 0));
	return step == SQLITE_DONE ? 0 : db_failed(db, err);
}

/* --- changing --------------------------------------------------------------------- */

static int add_ref(struct db *db, const char *path, const char *ref, struct error *err)
{
	int valid = db_find(db, ref, err);

	if (valid < 0)
		return -1;
	if (!valid)
		return error_make(err, "%s refers to %s, which is not valid", path, ref);
	autostep sqlite3_stmt *st = db_prepare(db, Q_ADD_REF, path, err);
	if (!st)
		return -1;
	sqlite3_bind_text(st, 2, ref, -1, SQLITE_STATIC);
	return db_run(db, st, err);
}

static void join_sigs(const char *const *sigs, size_t n, struct strbuf *out)
{
	for (size_t i = 0; i < n; i++)
		strbuf_printf(out, "%s%s", i ? " " : "", sigs[i]);
}

static int add_row(struct db *db, const struct path_info *info, struct error *err)
{
	char hex[SHA256_HEX_SIZE];
	autofree char *hash = xasprintf("sha256:%s", sha256_hex(&info->nar, hex));
	autobuf struct strbuf sigs = STRBUF_INIT;
	autostep sqlite3_stmt *st = db_prepare(db, Q_ADD, info->path, err);

	if (!st)
		return -1;
	join_sigs(info->sigs, info->nsigs, &sigs);
	sqlite3_bind_text(st, 2, hash, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 3, info->registered);
	sqlite3_bind_text(st, 4, info->deriver, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 5, (sqlite3_int64)info->nar_size);
	if (info->ultimate)
		sqlite3_bind_int(st, 6, 1);
	if (sigs.len)
		sqlite3_bind_text(st, 7, sigs.ptr, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 8, info->ca, -1, SQLITE_STATIC);
	return db_run(db, st, err);
}

static int add_refs(struct db *db, const struct path_info *info, struct error *err)
{
	for (size_t i = 0; i < info->nrefs; i++)
		if (add_ref(db, info->path, info->refs[i], err) < 0)
			return -1;
	return 0;
}

int db_add(struct db *db, const struct path_info *info, struct error *err)
{
	return add_row(db, info, err) < 0 ? -1 : add_refs(db, info, err);
}

static int amend_row(struct db *db, const struct path_info *info, struct error *err)
{
	char hex[SHA256_HEX_SIZE];
	autofree char *hash = xasprintf("sha256:%s", sha256_hex(&info->nar, hex));
	autostep sqlite3_stmt *st = db_prepare(db, Q_AMEND, info->path, err);

	if (!st)
		return -1;
	sqlite3_bind_text(st, 2, hash, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 3, (sqlite3_int64)info->nar_size);
	sqlite3_bind_text(st, 4, info->ca, -1, SQLITE_STATIC);
	return db_run(db, st, err);
}

int db_amend(struct db *db, const struct path_info *info, struct error *err)
{
	if (amend_row(db, info, err) < 0 ||
	    db_run_on(db, Q_REMOVE_REFS, info->path, err) < 0)
		return -1;
	return add_refs(db, info, err);
}

int db_add_output(struct db *db, const char *drv, const char *id, const char *path,
		  struct error *err)
{
	autostep sqlite3_stmt *st = db_prepare(db, Q_ADD_OUTPUT, drv, err);

	if (!st)
		return -1;
	sqlite3_bind_text(st, 2, id, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 3, path, -1, SQLITE_STATIC);
	return db_run(db, st, err);
}

int db_set_sigs(struct db *db, const char *path, const char *const *sigs, size_t n,
		struct error *err)
{
	autobuf struct strbuf all = STRBUF_INIT;
	autostep sqlite3_stmt *st = db_prepare(db, Q_SET_SIGS, path, err);

	if (!st)
		return -1;
	join_sigs(sigs, n, &all);
	if (all.len)
		sqlite3_bind_text(st, 2, all.ptr, -1, SQLITE_STATIC);
	return db_run(db, st, err);
}

int db_set_ultimate(struct db *db, const char *path, struct error *err)
{
	return db_run_on(db, Q_SET_ULTIMATE, path, err);
}

int db_remove_orphans(struct db *db, struct error *err)
{
	return db_run_on(db, Q_REMOVE_ORPHANS, NULL, err);
}

int db_remove(struct db *db, const char *path, struct error *err)
{
	return db_run_on(db, Q_REMOVE, path, err);
}
