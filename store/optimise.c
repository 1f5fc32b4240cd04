// SPDX-License-Identifier: MIT
#include "store/optimise.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/crew.h"
#include "base/dir.h"
#include "store/ingest.h"
#include "store/internal.h"
#include "store/links.h"
#include "store/nar.h"

struct work {
	struct store *st;
	struct optimise *o;
	int links, scratch; /* directories */
	uid_t owner;
	struct argv paths;
	uint64_t *sizes; /* of their archives */
	uint64_t total;

	pthread_mutex_t lock; /* of all below, of `o`, the store's database and locks */
	struct inodes shared; /* what is in .links */
	uint64_t done;
	size_t ntemps;
	struct error *err;
	bool failed;
};

/* One object, in one thread. */
struct object {
	struct work *w;
	const char *path;
	bool skip; /* something in it is not canonical */
};

static void count(struct work *w, uint64_t *counter, uint64_t n)
{
	pthread_mutex_lock(&w->lock);
	*counter += n;
	pthread_mutex_unlock(&w->lock);
}

/* --- one file --------------------------------------------------------------------- */

static int same_link(int dir, const char *name, int links, const char *key)
{
	char one[NAR_TARGET_MAX + 1], other[NAR_TARGET_MAX + 1];
	ssize_t n = readlinkat(dir, name, one, sizeof(one));
	ssize_t m = readlinkat(links, key, other, sizeof(other));

	return n >= 0 && n == m && memcmp(one, other, (size_t)n) == 0;
}

static int same_file(int dir, const char *name, int links, const char *key)
{
	autoclose int one = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	autoclose int other = openat(links, key, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char a[16 * 1024], b[16 * 1024];

	if (one < 0 || other < 0)
		return 0;
	for (;;) {
		ssize_t n = read_full(one, a, sizeof(a));
		ssize_t m = read_full(other, b, sizeof(b));

		if (n < 0 || n != m || memcmp(a, b, (size_t)n) != 0)
			return 0;
		if (n == 0)
			return 1;
	}
}

/* Equal in all that would be seen if one stood for the other. */
static bool interchangeable(struct object *o, const struct nar_node *n, const char *key,
			    const struct stat *entry)
{
	struct nar_node other = {
		.dir = o->w->links, .name = key, .path = key, .st = *entry};
	autofree char *blemish = ingest_blemish(&other, o->w->owner);

	if (blemish || (entry->st_mode & S_IFMT) != (n->st.st_mode & S_IFMT) ||
	    entry->st_size != n->st.st_size ||
	    (S_ISREG(entry->st_mode) && entry->st_mode != n->st.st_mode))
		return false;
	return S_ISLNK(entry->st_mode) ? same_link(n->dir, n->name, o->w->links, key)
				       : same_file(n->dir, n->name, o->w->links, key);
}

static int drop_entry(struct work *w, const char *key, struct error *err)
{
	if (unlinkat(w->links, key, 0) < 0 && errno != ENOENT)
		return error_errno(err, "cannot remove the corrupt .links/%s", key);
	pthread_mutex_lock(&w->lock);
	argv_push(&w->o->corrupt, key);
	pthread_mutex_unlock(&w->lock);
	return 0;
}

/* The file's name becomes one of the entry's. 1 done, 0 it cannot have more names, -1 */
static int replace(struct object *o, const struct nar_node *n, const char *key,
		   struct error *err)
{
	struct work *w = o->w;

	pthread_mutex_lock(&w->lock);
	autofree char *temp = xasprintf("%zu", w->ntemps++);
	pthread_mutex_unlock(&w->lock);
	if (linkat(w->links, key, w->scratch, temp, 0) < 0)
		return errno == EMLINK ? 0
				       : error_errno(err, "cannot link .links/%s", key);
	int moved = renameat(w->scratch, temp, n->dir, n->name);
	/* optimise_dir takes the write bit away again. */
	if (moved < 0 && errno == EACCES && n->depth && fchmod(n->dir, 0755) == 0)
		moved = renameat(w->scratch, temp, n->dir, n->name);
	if (moved == 0)
		return 1;
	int failed =
		error_errno(err, "cannot replace %s of %s by a link", n->path, o->path);
	unlinkat(w->scratch, temp, 0);
	return failed;
}

/* 1 the inode is in .links now, 0 it is not and will not be. */
static int share(struct object *o, const struct nar_node *n, const char *key,
		 struct error *err)
{
	struct work *w = o->w;
	struct stat entry;

	for (;;) {
		if (linkat(n->dir, n->name, w->links, key, 0) == 0)
			return 1;
		/* No room in the directory's index, or no more links to this inode. */
		if (errno == ENOSPC || errno == EMLINK) {
			count(w, &w->o->not_linked, 1);
			return 0;
		}
		if (errno != EEXIST)
			return error_errno(err, "cannot create .links/%s", key);
		if (fstatat(w->links, key, &entry, AT_SYMLINK_NOFOLLOW) < 0) {
			if (errno == ENOENT)
				continue; /* a collector took it */
			return error_errno(err, "cannot examine .links/%s", key);
		}
		if (entry.st_ino == n->st.st_ino)
			return 1;
		if (interchangeable(o, n, key, &entry))
			break;
		if (drop_entry(w, key, err) < 0)
			return -1;
	}
	int done = replace(o, n, key, err);
	if (done == 0)
		count(w, &w->o->not_linked, 1);
	if (done == 1) {
		count(w, &w->o->files, 1);
		if (n->st.st_nlink == 1)
			count(w, &w->o->bytes, (uint64_t)n->st.st_blocks * 512);
	}
	return done < 0 ? -1 : 0;
}

static int optimise_file(struct object *o, const struct nar_node *n, struct error *err)
{
	autofree char *blemish = ingest_blemish(n, o->w->owner);
	char key[NIX32_SHA256_SIZE];

	if (blemish) {
		o->skip = true;
		return 0;
	}
	pthread_mutex_lock(&o->w->lock);
	bool known = inodes_has(&o->w->shared, n->st.st_ino);
	pthread_mutex_unlock(&o->w->lock);
	if (known)
		return 0;
	if (links_key(n->dir, n->name, key, err) < 0)
		return error_wrap(err, "while reading %s of %s", n->path, o->path);
	int in = share(o, n, key, err);
	if (in == 1) {
		pthread_mutex_lock(&o->w->lock);
		inodes_add(&o->w->shared, n->st.st_ino);
		pthread_mutex_unlock(&o->w->lock);
	}
	return in < 0 ? -1 : 0;
}

/* --- one object ------------------------------------------------------------------- */

static int optimise_node(struct object *o, const struct nar_node *n, struct error *err);

static int optimise_children(struct object *o, const struct nar_node *n, int fd,
			     struct error *err)
{
	autoargv struct argv names = {0};

	if (dir_names(fd, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		autofree char *path = path_join(n->path, names.v[i]);
		struct nar_node child = {.dir = fd,
					 .name = names.v[i],
					 .path = path,
					 .depth = n->depth + 1};

		if (fstatat(fd, child.name, &child.st, AT_SYMLINK_NOFOLLOW) < 0)
			return error_errno(err, "cannot examine %s", path);
		if (optimise_node(o, &child, err) < 0)
			return -1;
	}
	return 0;
}

/*
 * A write bit or time that somebody who died here left behind is mended on the way: of a
 * directory they are no part of what is hashed.
 */
static int optimise_dir(struct object *o, const struct nar_node *n, struct error *err)
{
	autoerror struct error unsealed = {0};
	struct stat after;

	if (n->st.st_uid != o->w->owner || n->depth >= NAR_DEPTH_MAX) {
		o->skip = true;
		return 0;
	}
	autoclose int fd =
		openat(n->dir, n->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, "cannot open %s", n->path);
	int failed = optimise_children(o, n, fd, err);
	/* Whatever became of the children, the directory is canonical again. */
	if (fstat(fd, &after) == 0 && (after.st_mode & 07777) == 0555 &&
	    after.st_mtim.tv_sec == 1 && after.st_mtim.tv_nsec == 0)
		return failed;
	if (ingest_seal_dir(fd, o->path, &unsealed) < 0)
		return failed ? failed : error_join(err, &unsealed);
	return failed;
}

static int optimise_node(struct object *o, const struct nar_node *n, struct error *err)
{
	if (S_ISDIR(n->st.st_mode))
		return optimise_dir(o, n, err);
	if (S_ISREG(n->st.st_mode) || S_ISLNK(n->st.st_mode))
		return optimise_file(o, n, err);
	o->skip = true;
	return 0;
}

/* --- all objects ------------------------------------------------------------------ */

/* 1 and the lock if it is valid and nobody else is at work on it. */
static int begin(struct work *w, const char *path, int *lock, struct error *err)
{
	if (store_temp_root(w->st, path, err) < 0)
		return -1;
	int got = store_lock(w->st, path, false, lock, err);
	if (got == 0)
		argv_push(&w->o->skipped, path);
	return got == 1 ? db_find(w->st->db, path, err) : got;
}

static void optimise_object(void *ctx, size_t i)
{
	struct work *w = ctx;
	struct object o = {.w = w, .path = w->paths.v[i]};
	struct nar_node root = {
		.dir = w->st->dirfd, .name = path_base(o.path), .path = ""};
	autoerror struct error err = {0};
	int lock = -1;

	pthread_mutex_lock(&w->lock);
	int rc = w->failed ? 0 : begin(w, o.path, &lock, &err);
	pthread_mutex_unlock(&w->lock);
	if (rc == 1 && fstatat(root.dir, root.name, &root.st, AT_SYMLINK_NOFOLLOW) == 0)
		rc = optimise_node(&o, &root, &err);

	pthread_mutex_lock(&w->lock);
	store_unlock(w->st, o.path, lock);
	if (o.skip)
		argv_push(&w->o->skipped, o.path);
	w->done += w->sizes[i];
	if (w->o->progress)
		w->o->progress(w->o->ctx, w->done, w->total);
	if (rc < 0 && !w->failed) {
		w->failed = true;
		error_join(w->err, &err);
	}
	pthread_mutex_unlock(&w->lock);
}

static int list_paths(struct work *w, struct error *err)
{
	struct arena a = {0};
	int failed = db_list(w->st->db, DB_SINCE, "0", &w->paths, err);

	w->sizes = xcalloc(w->paths.n, sizeof(*w->sizes));
	for (size_t i = 0; i < w->paths.n && failed == 0; i++) {
		struct path_info info;

		failed = db_info(w->st->db, w->paths.v[i], &a, &info, err) < 0 ? -1 : 0;
		w->sizes[i] = info.nar_size;
		w->total += info.nar_size;
	}
	arena_finish(&a);
	return failed;
}

/* What is shared already needs no look; a directory's own inode in the set harms nobody.
 */
static int list_shared(struct work *w, struct error *err)
{
	int fd = openat(w->links, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autodir DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d)
		return error_errno(err, "cannot list %s/.links", w->st->dir);
	errno = 0;
	for (struct dirent *e; (e = readdir(d)); errno = 0)
		inodes_add(&w->shared, e->d_ino);
	return errno ? error_errno(err, "cannot list %s/.links", w->st->dir) : 0;
}

static int run(struct work *w, struct error *err)
{
	struct stat store;

	if (fstat(w->st->dirfd, &store) < 0)
		return error_errno(err, "cannot examine %s", w->st->dir);
	w->owner = store.st_uid;
	w->links = links_open(w->st, true, err);
	if (w->links < 0 || list_shared(w, err) < 0 || list_paths(w, err) < 0)
		return -1;
	crew_run(w->paths.n, optimise_object, w);
	return w->failed ? -1 : 0;
}

int store_optimise(struct store *st, struct optimise *o, struct error *err)
{
	autofree char *scratch = NULL;
	struct work w = {
		.st = st,
		.o = o,
		.links = -1,
		.scratch = -1,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.err = err,
	};

	if (store_need_write(st, err) < 0)
		return -1;
	int failed = store_scratch_begin(st, &scratch, &w.scratch, err) < 0 ||
		     run(&w, err) < 0;
	cleanup_close(&w.links);
	cleanup_close(&w.scratch);
	store_scratch_end(st, scratch);
	inodes_finish(&w.shared);
	argv_finish(&w.paths);
	free(w.sizes);
	argv_sort(&o->corrupt);
	argv_sort(&o->skipped);
	return failed ? error_wrap(err, "cannot share equal files") : 0;
}
