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

static int open_files(struct store *st, struct error *err)
{
	bool write = st->mode != STORE_READ;

	if (write && make_dirs(st, err) < 0)
		return -1;
	if (open_dir(st->dir, write, &st->dirfd, err) < 0 ||
	    open_dir(st->state, write, &st->statefd, err) < 0 ||
	    (write && open_dir(st->scratch, write, &st->scratchfd, err) < 0) ||
	    store_open_db(st, err) < 0)
		return -1;
	return write ? durable_recover(st, err) : 0;
}

int store_open(const char *root, enum store_mode mode, struct store **out,
	       struct error *err)
{
	struct store *st = xcalloc(1, sizeof(*st));

	*out = NULL;
	st->dirfd = st->statefd = st->scratchfd = -1;
	st->big_lock = st->no_gc = st->temproots = st->gc_lock = -1;
	st->collects = mode == STORE_COLLECT;
	st->mode = st->collects ? STORE_WRITE : mode;
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
	if (st->collects)
		store_give_reserve(st);
	if (open_files(st, err) < 0) {
		store_close(st);
		return error_wrap(err, "cannot open the store at %s", root);
	}
	/* A full disk, or a killed collector, may have cost us the last one. */
	if (st->mode == STORE_WRITE && !st->collects)
		store_reserve(st);
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
	int fds[] = {st->dirfd, st->statefd,   st->scratchfd, st->big_lock,
		     st->no_gc, st->temproots, st->gc_lock};
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
