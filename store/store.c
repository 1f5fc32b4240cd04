// SPDX-License-Identifier: MIT
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "base/xdg.h"
#include "store/durable.h"
#include "store/internal.h"
#include "store/lock.h"
#include "store/path.h"

static const char schema_version[] = "10";
static const char reserve_name[] = "db/reserved"; /* Nix has the same, of this size */

enum { RESERVE_BYTES = 8 << 20 };

char *store_default_root(void)
{
	const char *root = getenv("KBUILD_ROOT");

	if (root && *root)
		return xstrdup(root);
	char *dir = xdg_dir("XDG_DATA_HOME", ".local/share");
	return dir ? dir : xstrdup("/var/lib/kbuild");
}

/* --- opening ---------------------------------------------------------------------- */

static char *absolute(const char *root)
{
	char cwd[PATH_MAX];
	char *real = path_absolute(root);

	if (real)
		return real;
	if (*root == '/' || !getcwd(cwd, sizeof(cwd)))
		return xstrdup(root);
	return path_join(cwd, root);
}

static int make_dirs(struct store *st, struct error *err)
{
	static const char *const below_state[] = {"db", "temproots", "gcroots",
						  "profiles"};

	if (dir_make(AT_FDCWD, st->dir, 0755, err) < 0 ||
	    dir_make(AT_FDCWD, st->state, 0755, err) < 0 ||
	    dir_make(AT_FDCWD, st->scratch, 0755, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(below_state); i++) {
		autofree char *dir = path_join(st->state, below_state[i]);

		if (mkdir(dir, 0755) < 0 && errno != EEXIST)
			return error_errno(err, "cannot create directory %s", dir);
	}
	return 0;
}

static int open_dir(const char *path, bool must, int *out, struct error *err)
{
	*out = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*out < 0 && (must || errno != ENOENT))
		return error_errno(err, "cannot open %s", path);
	return 0;
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
	store_reserve(st);
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

static bool is_sound(const char *db)
{
	autoerror struct error ignored = {0};
	struct db *old = NULL;
	bool sound = db_open(db, DB_WRITE, &old, &ignored) == 0 &&
		     db_check(old, true, &ignored) == 0;

	db_close(old);
	return sound;
}

/* A database that can be used, with whatever rows it has; the lock is ours alone. */
static int renew_db(struct store *st, const char *db, struct error *err)
{
	int there = check_schema(st, err);

	if (there < 0)
		return -1;
	if (is_sound(db))
		return there ? 0
			     : dir_write(st->statefd, "db/schema", schema_version,
					 strlen(schema_version), 0644, false, err);
	return set_aside(st, db, err) < 0 ? -1 : make_db(st, db, err);
}

/* Held by everybody who writes, taken alone by whoever changes more than rows. */
static int lock_db(struct store *st, struct error *err)
{
	bool alone = st->mode == STORE_RECOVER;

	st->big_lock = lock_open(st->statefd, "db/big-lock", err);
	if (st->big_lock < 0)
		return -1;
	int got = lock_take(st->big_lock, alone, !alone, err);
	return got ? got
		   : error_class(err, ERROR_INFRA, "somebody else uses the store at %s",
				 st->root);
}

static int open_db(struct store *st, struct error *err)
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
	if (there < 0 || (!there && !recover && create_db(st, db, err) < 0) ||
	    (!there && lock_take(st->big_lock, false, true, err) < 0))
		return -1;
	return db_open(db, DB_WRITE, &st->db, err);
}

static int open_files(struct store *st, struct error *err)
{
	bool write = st->mode != STORE_READ;

	if (write && make_dirs(st, err) < 0)
		return -1;
	if (open_dir(st->dir, write, &st->dirfd, err) < 0 ||
	    open_dir(st->state, write, &st->statefd, err) < 0 ||
	    (write && open_dir(st->scratch, write, &st->scratchfd, err) < 0) ||
	    open_db(st, err) < 0)
		return -1;
	return write ? durable_recover(st, err) : 0;
}

int store_open(const char *root, enum store_mode mode, struct store **out,
	       struct error *err)
{
	struct store *st = xcalloc(1, sizeof(*st));

	*out = NULL;
	st->dirfd = st->statefd = st->scratchfd = -1;
	st->big_lock = st->temproots = st->gc_lock = -1;
	st->mode = mode == STORE_COLLECT ? STORE_WRITE : mode;
	if (st->mode != STORE_READ && dir_make(AT_FDCWD, root, 0755, err) < 0) {
		store_close(st);
		return error_wrap(err, "cannot open the store at %s", root);
	}
	st->root = absolute(root);
	if (strcmp(st->root, "/") == 0)
		*st->root = '\0';
	st->dir = xasprintf("%s%s", st->root, STORE_DIR);
	st->state = xasprintf("%s/nix/var/nix", st->root);
	st->own = xasprintf("%s/nix/var/kbuild", st->root);
	st->scratch = path_join(st->own, "tmp");
	if (mode == STORE_COLLECT) {
		autofree char *reserve = path_join(st->state, reserve_name);

		unlink(reserve);
	}
	if (open_files(st, err) < 0) {
		store_close(st);
		return error_wrap(err, "cannot open the store at %s", root);
	}
	*out = st;
	return 0;
}

void store_close(struct store *st)
{
	if (!st)
		return;
	db_close(st->db);
	if (st->temproots_name)
		unlinkat(st->statefd, st->temproots_name, 0);
	int fds[] = {st->dirfd,    st->statefd,   st->scratchfd,
		     st->big_lock, st->temproots, st->gc_lock};
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	map_finish(&st->rooted);
	map_finish(&st->locked);
	free(st->broken_db);
	free(st->temproots_name);
	free(st->scratch);
	free(st->own);
	free(st->state);
	free(st->dir);
	free(st->root);
	free(st);
}

void store_suspend(struct store *st)
{
	db_close(take_ptr(&st->db));
}

int store_resume(struct store *st, struct error *err)
{
	autofree char *db = path_join(st->state, "db");

	return db_open(db, st->mode == STORE_WRITE ? DB_WRITE : DB_READ, &st->db, err);
}

int store_need_write(const struct store *st, struct error *err)
{
	if (st->mode == STORE_WRITE)
		return 0;
	return error_make(err, "the store at %s is open for reading only", st->root);
}

/* --- places ----------------------------------------------------------------------- */

const char *store_root(const struct store *st)
{
	return *st->root ? st->root : "/";
}

const char *store_physical_dir(const struct store *st)
{
	return st->dir;
}

char *store_physical(const struct store *st, const char *path)
{
	if (!str_starts(path, STORE_DIR "/"))
		BUG("'%s' is not a logical store path", path);
	return xasprintf("%s%s", st->root, path);
}

const char *store_scratch_dir(const struct store *st)
{
	return st->scratch;
}

char *store_log_path(const struct store *st, const char *drv_path)
{
	const char *base = path_base(drv_path);
	char *dir = xasprintf("%s/nix/var/log/nix/drvs/%.2s", st->root, base);

	if (st->mode == STORE_WRITE) {
		autoerror struct error ignored = {0}; /* writing the log will say it */

		dir_make(AT_FDCWD, dir, 0755, &ignored);
	}
	char *file = xasprintf("%s/%s.zst", dir, base + 2);
	free(dir);
	return file;
}

/* --- asking ----------------------------------------------------------------------- */

int store_find(struct store *st, const char *path, struct error *err)
{
	return st->db ? db_find(st->db, path, err) : 0;
}

int store_info(struct store *st, const char *path, struct arena *a, struct path_info *out,
	       struct error *err)
{
	*out = (struct path_info){0};
	return st->db ? db_info(st->db, path, a, out, err) : 0;
}

int store_find_digest(struct store *st, const char *digest, struct arena *a,
		      const char **path, struct error *err)
{
	autoargv struct argv hits = {0};
	autofree char *prefix = xasprintf(STORE_DIR "/%s", digest);
	size_t len = strlen(digest);

	if (len < 4 || len > PATH_DIGEST_LEN || !st->db)
		return 0;
	if (db_list(st->db, DB_PREFIX, prefix, &hits, err) < 0)
		return -1;
	if (hits.n > 1)
		return error_make(
			err, "'%s' is the beginning of more than one path: %s, %s ...",
			digest, path_base(hits.v[0]), path_base(hits.v[1]));
	if (hits.n == 1)
		*path = arena_strdup(a, hits.v[0]);
	return hits.n == 1;
}

int store_closure(struct store *st, const char *const *paths, size_t n, struct argv *out,
		  struct error *err)
{
	struct map seen = {0};
	int failed = 0;

	for (size_t i = 0; i < n && !failed; i++) {
		int found = store_find(st, paths[i], err);

		if (found == 0)
			error_make(err, "%s is not valid", paths[i]);
		failed = found != 1;
		map_set(&seen, paths[i], st);
	}
	/* The map keeps its order and grows at the end: it is the queue as well. */
	for (size_t i = 0; i < seen.n && !failed; i++) {
		autoargv struct argv refs = {0};

		failed = db_list(st->db, DB_REFS, seen.entries[i].key, &refs, err) < 0;
		for (size_t r = 0; r < refs.n; r++)
			map_set(&seen, refs.v[r], st);
	}
	for (size_t i = 0; i < seen.n && !failed; i++)
		argv_push(out, seen.entries[i].key);
	map_finish(&seen);
	argv_sort(out);
	return failed ? -1 : 0;
}

/* --- locks ------------------------------------------------------------------------ */

int store_lock(struct store *st, const char *path, bool wait, int *fd, struct error *err)
{
	autofree char *name = xasprintf("%s.lock", path_base(path));

	*fd = -1;
	if (store_need_write(st, err) < 0)
		return -1;
	if (map_get(&st->locked, path))
		return 1; /* we would wait for ourselves */
	int got = lock_path(st->dirfd, name, wait, fd, err);
	if (got == 1)
		map_set(&st->locked, path, st);
	return got;
}

void store_unlock(struct store *st, const char *path, int fd)
{
	autofree char *name = xasprintf("%s.lock", path_base(path));

	if (fd < 0)
		return;
	map_set(&st->locked, path, NULL);
	unlock_path(st->dirfd, name, fd);
}
