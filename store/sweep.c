// SPDX-License-Identifier: MIT
/* The deleting half of the collector. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "store/collect.h"
#include "store/internal.h"
#include "store/lock.h"
#include "store/path.h"
#include "store/trash.h"

enum { BATCH = 16384 };

static int empty(struct gc *gc, struct trash *t, struct piece *pieces, size_t n,
		 struct error *err)
{
	int rc = trash_empty(t, pieces, n, err);

	for (size_t i = 0; i < n; i++) {
		gc->res->freed += pieces[i].bytes;
		if (gc->opt->report)
			gc->opt->report(gc->opt->ctx, pieces[i].path, pieces[i].bytes);
	}
	return rc;
}

/* --- valid paths ------------------------------------------------------------------ */

/* The nodes of a batch whose rows can go; afterwards those that did. */
struct batch {
	uint32_t node[BATCH];
	int64_t id[BATCH], used[BATCH];
	struct piece piece[BATCH];
	uint32_t n;
};

static void take_dead(struct gc *gc, const uint32_t *order, uint32_t n, struct batch *b)
{
	b->n = 0;
	for (uint32_t i = 0; i < n; i++) {
		if (gc->reach.v[order[i]].alive)
			continue;
		b->node[b->n] = order[i];
		b->id[b->n++] = gc->reach.v[order[i]].id;
	}
}

/* Somebody has registered a referrer without telling us. */
static void spare(struct gc *gc, const struct batch *b, size_t nused)
{
	for (size_t i = 0; i < nused; i++)
		for (uint32_t k = 0; k < b->n; k++)
			if (b->id[k] == b->used[i])
				reach_mark(&gc->reach, (int32_t)b->node[k]);
}

/* In one transaction. */
static int remove_rows(struct gc *gc, const uint32_t *order, uint32_t n, struct batch *b,
		       struct error *err)
{
	struct db *db = gc->st->db;
	size_t nused = 0;
	int rc;

	if (db_begin(db, err) < 0)
		return -1;
	do {
		spare(gc, b, nused);
		take_dead(gc, order, n, b);
		rc = db_remove_ids(db, b->id, b->n, b->used, &nused, err);
	} while (rc == 0);
	if (rc < 0 || db_commit(db, err) < 0) {
		db_rollback(db);
		b->n = 0;
		return -1;
	}
	for (uint32_t i = 0; i < b->n; i++) {
		gc->reach.v[b->node[i]].gone = true;
		gc->reach.size -= gc->reach.v[b->node[i]].size;
	}
	gc->res->paths += b->n;
	return 0;
}

/* Rows, then names; the lock is held. What did leave is in piece[] also on failure. */
static int delete_batch(struct gc *gc, struct trash *t, const uint32_t *order, uint32_t n,
			struct batch *b, uint32_t *npieces, struct error *err)
{
	*npieces = 0;
	if (remove_rows(gc, order, n, b, err) < 0)
		return -1;
	for (; *npieces < b->n; (*npieces)++) {
		struct piece *p = &b->piece[*npieces];

		*p = (struct piece){.path = gc->reach.v[b->node[*npieces]].path};
		if (trash_move(t, p, err) < 0)
			return -1;
	}
	return 0;
}

int sweep_paths(struct gc *gc, struct error *err)
{
	autofree struct batch *batch = NULL;
	struct trash trash;
	int rc = 0;

	if (!gc->norder)
		return 0;
	/* A row that comes back after a power cut would miss its tree. */
	if (db_sync_commits(gc->st->db, err) < 0 || trash_open(gc->st, &trash, err) < 0)
		return -1;
	batch = xcalloc(1, sizeof(*batch));
	for (uint32_t at = 0; at < gc->norder && rc == 0; at += BATCH) {
		uint32_t n = gc->norder - at < BATCH ? gc->norder - at : BATCH;
		uint32_t npieces;

		pthread_mutex_lock(&gc->lock);
		rc = delete_batch(gc, &trash, gc->order + at, n, batch, &npieces, err);
		pthread_mutex_unlock(&gc->lock);
		autoerror struct error second = {0};
		if (empty(gc, &trash, batch->piece, npieces, rc ? &second : err) < 0)
			rc = -1;
	}
	trash_close(&trash);
	return rc;
}

/* --- what has no row -------------------------------------------------------------- */

bool is_lock_file(const char *name)
{
	return str_ends(name, ".lock");
}

int stray(struct gc *gc, const char *name, struct error *err)
{
	autofree char *path = xasprintf(STORE_DIR "/%s", name);
	char digest[PATH_DIGEST_LEN + 1] = {0};

	/* Temporary directories and links of Nix; what else is called so strangely, is
	 * not ours to judge. */
	if (str_starts(name, "tmp-") || str_starts(name, ".tmp-"))
		return 1;
	if (!path_ok(path))
		return 0;
	memcpy(digest, name, PATH_DIGEST_LEN);
	/* The digest alone counts: what belongs to a build may have another tail. */
	if (map_find(&gc->rooted, digest))
		return 0;
	int32_t node = reach_find(&gc->reach, name);
	if (node >= 0 && !gc->reach.v[node].gone &&
	    strcmp(gc->reach.v[node].path, path) == 0)
		return 0;
	int valid = db_find(gc->st->db, path, err);
	return valid < 0 ? -1 : !valid;
}

/* Somebody holds a lock on a directory that is being filled. */
static bool in_use(int dir, const char *name)
{
	autoclose int fd =
		openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0;
}

static void remove_lock_file(struct gc *gc, const char *name)
{
	int fd = openat(gc->st->dirfd, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		unlock_path(gc->st->dirfd, name, fd);
	else
		close(fd);
}

static int remove_stray(struct gc *gc, struct trash *t, const char *name,
			struct error *err)
{
	autofree char *path = xasprintf(STORE_DIR "/%s", name);
	struct piece p = {.path = path};

	pthread_mutex_lock(&gc->lock);
	int rc = stray(gc, name, err);
	if (rc == 1 && is_lock_file(name))
		remove_lock_file(gc, name);
	else if (rc == 1 && !in_use(gc->st->dirfd, name))
		rc = trash_move(t, &p, err) < 0 ? -1 : 2;
	pthread_mutex_unlock(&gc->lock);
	if (rc != 2)
		return rc < 0 ? -1 : 0;
	gc->res->strays++;
	return empty(gc, t, &p, 1, err);
}

int sweep_strays(struct gc *gc, struct error *err)
{
	autoargv struct argv names = {0};
	struct trash trash;
	int rc = 0;

	store_clear_scratch(gc->st->scratch);
	if (dir_names(gc->st->dirfd, &names, err) < 0 ||
	    trash_open(gc->st, &trash, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n && rc == 0; i++)
		rc = remove_stray(gc, &trash, names.v[i], err);
	trash_close(&trash);
	return rc;
}

int sweep_links(struct gc *gc, struct error *err)
{
	int dir = openat(gc->st->dirfd, ".links",
			 O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	autodir DIR *d = dir < 0 ? NULL : fdopendir(dir);
	struct stat st;

	if (dir < 0)
		return errno == ENOENT ? 0 : error_errno(err, "cannot open .links");
	for (struct dirent *e; d && (e = readdir(d));) {
		if (fstatat(dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    S_ISDIR(st.st_mode) || st.st_nlink != 1)
			continue;
		if (unlinkat(dir, e->d_name, 0) < 0 && errno != ENOENT)
			return error_errno(err, "cannot remove .links/%s", e->d_name);
		gc->res->links++;
		gc->res->freed += (uint64_t)st.st_blocks * 512;
	}
	return 0;
}
