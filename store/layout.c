// SPDX-License-Identifier: MIT
/*
 * The database of a store as a file: its layout's number, making it, putting a broken one
 * aside, and the space that is kept so that a full disk can be cleared.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "store/internal.h"
#include "store/lock.h"

static const char schema_version[] = "10";
static const char reserve_name[] = "db/reserved"; /* Nix has the same, of this size */

enum { RESERVE_BYTES = 8 << 20 };

void store_give_reserve(const struct store *st)
{
	autofree char *reserve = path_join(st->state, reserve_name);

	unlink(reserve);
}

/* The number of the layout, "" if none is written down. */
static int read_schema(struct store *st, struct strbuf *out, struct error *err)
{
	strbuf_adds(out, "");
	if (st->statefd < 0 ||
	    (faccessat(st->statefd, "db/schema", F_OK, 0) < 0 && errno == ENOENT))
		return 0;
	if (dir_read(st->statefd, "db/schema", out, err) < 0)
		return -1;
	while (out->len && out->ptr[out->len - 1] == '\n')
		out->ptr[--out->len] = '\0';
	return 0;
}

/* 1 if it is there and ours, 0 if there is none. Another layout is not to be touched. */
static int check_schema(struct store *st, struct error *err)
{
	autobuf struct strbuf text = STRBUF_INIT;

	if (read_schema(st, &text, err) < 0)
		return -1;
	if (strcmp(text.ptr, schema_version) == 0)
		return 1;
	size_t digits = strspn(text.ptr, "0123456789");
	if (digits && !text.ptr[digits]) {
		bool newer = atoi(text.ptr) > atoi(schema_version);

		error_class(err, ERROR_INFRA,
			    "the store at %s has schema %s, expected %s", st->root,
			    text.ptr, schema_version);
		return error_hint(err, newer ? "a newer program made it; use that one"
					     : "nix-store --store ROOT --verify "
					       "brings it up to date");
	}
	if (!*text.ptr || st->mode == STORE_RECOVER)
		return 0;
	error_class(err, ERROR_INFRA, "the store at %s has no readable schema number",
		    st->root);
	return error_hint(err, "kbuild store recover");
}

/* The schema's number comes last: then all is there. */
static int make_db(struct store *st, const char *db, struct error *err)
{
	struct db *fresh = NULL;

	if (db_open(db, DB_CREATE, &fresh, err) < 0)
		return -1;
	db_close(fresh);
	return dir_write(st->statefd, "db/schema", schema_version, strlen(schema_version),
			 0644, false, err);
}

void store_reserve(struct store *st)
{
	struct stat s;

	if (fstatat(st->statefd, reserve_name, &s, 0) == 0 && s.st_size == RESERVE_BYTES)
		return;
	autoclose int fd = openat(st->statefd, reserve_name,
				  O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || posix_fallocate(fd, 0, RESERVE_BYTES) != 0)
		unlinkat(st->statefd, reserve_name, 0);
}

/* Alone with it, as Nix would be. */
static int create_db(struct store *st, const char *db, struct error *err)
{
	if (lock_take(st->big_lock, true, true, err) < 0)
		return -1;
	int there = check_schema(st, err);
	return there ? there < 0 ? -1 : 0 : make_db(st, db, err);
}

/* The file and its log, under a name that is free; whoever knows more may look at it. */
static int set_aside(struct store *st, const char *db, struct error *err)
{
	static const char *const tails[] = {"-shm", "-wal", ""};
	autofree char *to = NULL;

	for (int n = 1; n == 1 || access(to, F_OK) == 0; n++) {
		free(to);
		to = n == 1 ? xasprintf("%s/db.sqlite.broken", db)
			    : xasprintf("%s/db.sqlite.broken-%d", db, n);
	}
	for (size_t i = 0; i < ARRAY_LEN(tails); i++) {
		autofree char *from = xasprintf("%s/db.sqlite%s", db, tails[i]);
		autofree char *kept = xasprintf("%s%s", to, tails[i]);

		if (rename(from, kept) == 0)
			st->broken_db = *tails[i] ? st->broken_db : xstrdup(to);
		else if (errno != ENOENT)
			return error_errno(err, "cannot put %s aside", from);
	}
	return 0;
}

/*
 * 1, 0 when it is the file that is broken or missing, -1 when it cannot be told now: what
 * may be whole is not put aside.
 */
static int is_sound(const char *db, struct error *err)
{
	autoerror struct error why = {0};
	struct db *old = NULL;
	bool sound =
		db_open(db, DB_WRITE, &old, &why) == 0 && db_check(old, true, &why) == 0;

	db_close(old);
	if (sound || db_is_broken(&why))
		return sound;
	return error_join(err, &why);
}

/* A database that can be used, with whatever rows it has; the lock is ours alone. */
static int renew_db(struct store *st, const char *db, struct error *err)
{
	int there = check_schema(st, err);
	int sound = there < 0 ? -1 : is_sound(db, err);

	if (sound < 0)
		return -1;
	if (!sound)
		return set_aside(st, db, err) < 0 ? -1 : make_db(st, db, err);
	if (!there)
		return dir_write(st->statefd, "db/schema", schema_version,
				 strlen(schema_version), 0644, false, err);
	dir_clear_temps(st->statefd, "db/schema");
	return 0;
}

/* Held by everybody who writes, taken alone by whoever changes more than rows. */
static int lock_db(struct store *st, struct error *err)
{
	bool alone = st->mode == STORE_RECOVER;

	st->big_lock = lock_open(st->statefd, "db/big-lock", err);
	if (st->big_lock < 0)
		return -1;
	int got = lock_take(st->big_lock, alone, !alone, err);
	if (got == 0)
		return error_class(err, ERROR_INFRA, "somebody else uses the store at %s",
				   st->root);
	if (got < 0 || !alone)
		return got;
	/* Nobody collects now. Nobody may until all trees have their rows again. */
	st->no_gc = lock_open(st->statefd, "gc.lock", err);
	return st->no_gc < 0 ? -1 : lock_take(st->no_gc, false, true, err);
}

/* Trees without a database look like garbage, all of them. */
static int refuse_lost_db(struct store *st, struct error *err)
{
	autoargv struct argv names = {0};

	if (dir_names(st->dirfd, &names, err) < 0)
		return -1;
	if (!names.n)
		return 0;
	error_class(err, ERROR_INFRA,
		    "there are objects, but no database that says which are needed");
	return error_hint(err, "kbuild store recover");
}

int store_open_db(struct store *st, struct error *err)
{
	autofree char *db = path_join(st->state, "db");

	if (st->mode == STORE_READ) {
		int there = check_schema(st, err);

		return there <= 0 ? there : db_open(db, DB_READ, &st->db, err);
	}
	if (lock_db(st, err) < 0)
		return -1;
	bool recover = st->mode == STORE_RECOVER;
	int there = recover ? renew_db(st, db, err) < 0 ? -1 : 0 : check_schema(st, err);
	st->mode = STORE_WRITE;
	if (there < 0 || (!there && st->collects && refuse_lost_db(st, err) < 0) ||
	    (!there && !recover && create_db(st, db, err) < 0) ||
	    (!there && lock_take(st->big_lock, false, true, err) < 0))
		return -1;
	return db_open(db, DB_WRITE, &st->db, err);
}
