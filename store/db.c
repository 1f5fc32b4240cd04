// SPDX-License-Identifier: MIT
#include "store/db.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "store/db_statement.h"

static const char schema_sql[] =
	"begin immediate;"
	"create table if not exists ValidPaths ("
	" id integer primary key autoincrement not null,"
	" path text unique not null,"
	" hash text not null,"
	" registrationTime integer not null,"
	" deriver text,"
	" narSize integer,"
	" ultimate integer,"
	" sigs text,"
	" ca text);"
	"create table if not exists Refs ("
	" referrer integer not null,"
	" reference integer not null,"
	" primary key (referrer, reference),"
	" foreign key (referrer) references ValidPaths(id) on delete cascade,"
	" foreign key (reference) references ValidPaths(id) on delete restrict);"
	"create index if not exists IndexReferrer on Refs(referrer);"
	"create index if not exists IndexReference on Refs(reference);"
	"create trigger if not exists DeleteSelfRefs before delete on ValidPaths"
	" begin"
	"  delete from Refs where referrer = old.id and reference = old.id;"
	" end;"
	"create table if not exists DerivationOutputs ("
	" drv integer not null,"
	" id text not null,"
	" path text not null,"
	" primary key (drv, id),"
	" foreign key (drv) references ValidPaths(id) on delete cascade);"
	"create index if not exists IndexDerivationOutputs on DerivationOutputs(path);"
	"commit;";

static const char *const queries[NQUERIES] = {
	[Q_BEGIN] = "begin immediate",
	[Q_BEGIN_READ] = "begin",
	[Q_COMMIT] = "commit",
	[Q_ROLLBACK] = "rollback",
	[Q_QUICK_CHECK] = "pragma quick_check(1)",
	[Q_CHECK] = "pragma integrity_check(1)",
	[Q_FIND] = "select 1 from ValidPaths where path = ?1",
	[Q_INFO] = "select hash, registrationTime, deriver, narSize, ultimate, sigs, ca"
		   " from ValidPaths where path = ?1",
	[Q_REFS] = "select v.path from Refs r join ValidPaths v on v.id = r.reference"
		   " where r.referrer = (select id from ValidPaths where path = ?1)"
		   " order by v.path",
	[Q_REFERRERS] = "select v.path from Refs r join ValidPaths v on v.id = r.referrer"
			" where r.reference = (select id from ValidPaths where path = ?1)"
			" order by v.path",
	[Q_MAKERS] = "select v.path from DerivationOutputs d"
		     " join ValidPaths v on v.id = d.drv"
		     " where d.path = ?1 order by v.path",
	[Q_SINCE] = "select path from ValidPaths"
		    " where registrationTime >= cast(?1 as integer) order by path",
	/* '~' sorts after every character of a path. */
	[Q_PREFIX] = "select path from ValidPaths"
		     " where path >= ?1 and path < ?1 || '~' order by path limit 2",
	[Q_DANGLING] = "select distinct v.path"
		       " from Refs r join ValidPaths v on v.id = r.referrer"
		       " left join ValidPaths t on t.id = r.reference"
		       " where t.id is null order by v.path",
	[Q_ORPHANED] = "select distinct v.path"
		       " from Refs r join ValidPaths v on v.id = r.reference"
		       " left join ValidPaths t on t.id = r.referrer"
		       " where t.id is null order by v.path",
	[Q_DERIVERS] = "select distinct deriver from ValidPaths"
		       " where deriver is not null order by deriver",
	[Q_ROWS] = "select id, path, narSize, registrationTime from ValidPaths"
		   " order by id",
	[Q_EDGES] = "select referrer, reference from Refs order by referrer",
	[Q_SIZE] = "select sum(narSize) from ValidPaths",
	[Q_ADD] = "insert into ValidPaths"
		  " (path, hash, registrationTime, deriver, narSize, ultimate, sigs, ca)"
		  " values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
	[Q_ADD_REF] = "insert or ignore into Refs (referrer, reference)"
		      " select a.id, b.id from ValidPaths a, ValidPaths b"
		      " where a.path = ?1 and b.path = ?2",
	[Q_ADD_OUTPUT] = "insert or replace into DerivationOutputs (drv, id, path)"
			 " select v.id, ?2, ?3 from ValidPaths v where v.path = ?1",
	[Q_SET_SIGS] = "update ValidPaths set sigs = ?2 where path = ?1",
	[Q_SET_ULTIMATE] = "update ValidPaths set ultimate = 1 where path = ?1",
	[Q_AMEND] = "update ValidPaths set hash = ?2, narSize = ?3, ca = ?4"
		    " where path = ?1",
	[Q_REMOVE_REFS] = "delete from Refs where referrer ="
			  " (select id from ValidPaths where path = ?1)",
	[Q_REMOVE_ORPHANS] = "delete from Refs where referrer not in"
			     " (select id from ValidPaths)",
	[Q_REMOVE] = "delete from ValidPaths where path = ?1",
	/* One statement for many rows: each statement that may fail keeps a journal. */
	[Q_GOING_MAKE] = "create temp table if not exists Going (id integer primary key)",
	[Q_GOING_CLEAR] = "delete from Going",
	[Q_GOING_ADD] = "insert into Going values (?1)",
	[Q_GOING_USED] = "select distinct reference from Refs"
			 " where reference in (select id from Going)"
			 " and referrer not in (select id from Going)",
	[Q_GOING_REFS] = "delete from Refs where referrer in (select id from Going)",
	[Q_GOING_ROWS] = "delete from ValidPaths where id in (select id from Going)",
};

enum {
	BUSY_MS = 60 * 60 * 1000, /* as Nix */
	/* What the next process has to read before its first answer stays below this. */
	WAL_KEEP = 256 * 1024,
};

/* The hint is also the mark: nothing else helps, and nothing else is helped by it. */
static const char broken_hint[] = "kbuild store recover";

int db_failed(struct db *db, struct error *err)
{
	int code = sqlite3_errcode(db->sql) & 0xff, why = 0;

	/* Its own words do not say what the system said. */
	if (code == SQLITE_IOERR || code == SQLITE_CANTOPEN)
		why = sqlite3_system_errno(db->sql);
	error_class(err, ERROR_INFRA, "database %s: %s%s%s", db->file,
		    sqlite3_errmsg(db->sql), why ? ": " : "", why ? strerror(why) : "");
	if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB ||
	    (code == SQLITE_CANTOPEN && access(db->file, F_OK) < 0 && errno == ENOENT))
		error_hint(err, "%s", broken_hint);
	return -1;
}

static int exec(struct db *db, const char *sql, struct error *err)
{
	return sqlite3_exec(db->sql, sql, NULL, NULL, NULL) == SQLITE_OK
		       ? 0
		       : db_failed(db, err);
}

sqlite3_stmt *db_prepare(struct db *db, enum query q, const char *first,
			 struct error *err)
{
	sqlite3_stmt **st = &db->st[q];

	if (!*st && sqlite3_prepare_v3(db->sql, queries[q], -1, SQLITE_PREPARE_PERSISTENT,
				       st, NULL) != SQLITE_OK) {
		db_failed(db, err);
		return NULL;
	}
	if (first)
		sqlite3_bind_text(*st, 1, first, -1, SQLITE_STATIC);
	return *st;
}

void db_done(sqlite3_stmt **st)
{
	if (*st) {
		sqlite3_reset(*st);
		sqlite3_clear_bindings(*st);
	}
}

int db_run(struct db *db, sqlite3_stmt *st, struct error *err)
{
	return sqlite3_step(st) == SQLITE_DONE ? 0 : db_failed(db, err);
}

/* --- opening ---------------------------------------------------------------------- */

static int connect(struct db *db, int flags, const char *uri, struct error *err)
{
	if (sqlite3_open_v2(uri, &db->sql, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI,
			    NULL) != SQLITE_OK)
		return db_failed(db, err);
	/*
	 * Before anything can fail: the end of a connection that could not read the log
	 * would take it for empty and remove it, with all that is only there. Besides,
	 * closing would sync the disk; see db_close.
	 */
	sqlite3_db_config(db->sql, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_busy_timeout(db->sql, BUSY_MS);
	return 0;
}

/* A name fit for a URI: '%', '?' and '#' mean something there. */
static char *uri_of(const char *file, const char *query)
{
	struct strbuf uri = STRBUF_INIT;

	strbuf_adds(&uri, "file:");
	for (const char *p = file; *p; p++) {
		if (strchr("%?#", *p))
			strbuf_printf(&uri, "%%%02X", (unsigned char)*p);
		else
			strbuf_addc(&uri, *p);
	}
	strbuf_adds(&uri, query);
	return strbuf_take(&uri);
}

static int open_write(struct db *db, bool create, struct error *err)
{
	static const char setup[] = "pragma synchronous = normal;"
				    "pragma foreign_keys = 1;"
				    "pragma main.journal_mode = wal;";
	autofree char *uri = uri_of(db->file, "");

	db->write = true;
	if (connect(db, SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0), uri,
		    err) < 0 ||
	    exec(db, setup, err) < 0)
		return -1;
	return create ? exec(db, schema_sql, err) : 0;
}

static off_t log_size(const struct db *db)
{
	autofree char *wal = xasprintf("%s-wal", db->file);
	struct stat st;

	return stat(wal, &st) == 0 ? st.st_size : 0;
}

static int open_read(struct db *db, struct error *err)
{
	autofree char *uri = uri_of(db->file, "?mode=ro");
	autofree char *frozen = uri_of(db->file, "?mode=ro&immutable=1");
	autoerror struct error why = {0};

	if (connect(db, SQLITE_OPEN_READONLY, uri, err) < 0)
		return -1;
	if (db_find(db, "", &why) >= 0)
		return 0;
	/*
	 * The log's index needs a writable directory. On a read-only medium there is no
	 * writer either: without a log the file alone is the truth, with one it is not.
	 */
	if (log_size(db) > 0)
		return error_join(err, &why);
	for (size_t i = 0; i < NQUERIES; i++)
		sqlite3_finalize(take_ptr(&db->st[i]));
	sqlite3_close(take_ptr(&db->sql));
	return connect(db, SQLITE_OPEN_READONLY, frozen, err);
}

int db_open(const char *dir, enum db_mode mode, struct db **out, struct error *err)
{
	struct db *db = xcalloc(1, sizeof(*db));

	*out = NULL;
	db->file = xasprintf("%s/db.sqlite", dir);
	int failure = mode == DB_READ ? open_read(db, err)
				      : open_write(db, mode == DB_CREATE, err);
	if (failure < 0)
		db_close(db);
	else
		*out = db;
	return failure;
}

/*
 * The last connection would copy the log into the database and sync both, some
 * milliseconds that every small command would pay. Left alone the log is read once by the
 * next process to open it; so it is only copied when it has grown.
 */
void db_close(struct db *db)
{
	if (!db)
		return;
	for (size_t i = 0; i < NQUERIES; i++)
		sqlite3_finalize(db->st[i]);
	if (db->write && db->sql && log_size(db) > WAL_KEEP) {
		sqlite3_busy_timeout(db->sql, 0);
		sqlite3_wal_checkpoint_v2(db->sql, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL,
					  NULL);
	}
	sqlite3_close(db->sql);
	free(db->file);
	free(db);
}

int db_check(struct db *db, bool thorough, struct error *err)
{
	/* A table of this connection, which some of them are about. */
	if (db_run_on(db, Q_GOING_MAKE, NULL, err) < 0)
		return -1;
	for (size_t q = 0; q < NQUERIES; q++)
		if (!db_prepare(db, (enum query)q, NULL, err))
			return sqlite3_errcode(db->sql) == SQLITE_ERROR
				       ? error_hint(err, "%s", broken_hint)
				       : -1;
	autostep sqlite3_stmt *st =
		db_prepare(db, thorough ? Q_CHECK : Q_QUICK_CHECK, NULL, err);
	if (sqlite3_step(st) != SQLITE_ROW)
		return db_failed(db, err);
	const char *words = (const char *)sqlite3_column_text(st, 0);
	if (strcmp(words, "ok") == 0)
		return 0;
	error_class(err, ERROR_INFRA, "database %s: %s", db->file, words);
	return error_hint(err, "%s", broken_hint);
}

bool db_is_broken(const struct error *err)
{
	return err->hint && strcmp(err->hint, broken_hint) == 0;
}

/* --- transactions ----------------------------------------------------------------- */

int db_run_on(struct db *db, enum query q, const char *path, struct error *err)
{
	autostep sqlite3_stmt *st = db_prepare(db, q, path, err);

	return st ? db_run(db, st, err) : -1;
}

int db_begin(struct db *db, struct error *err)
{
	return db_run_on(db, Q_BEGIN, NULL, err);
}

int db_commit(struct db *db, struct error *err)
{
	return db_run_on(db, Q_COMMIT, NULL, err);
}

void db_rollback(struct db *db)
{
	autoerror struct error ignored = {0};

	db_run_on(db, Q_ROLLBACK, NULL, &ignored);
}

int db_sync_commits(struct db *db, struct error *err)
{
	return exec(db, "pragma synchronous = full; pragma temp_store = memory", err);
}
