// SPDX-License-Identifier: MIT
/* What a run would free, without touching anything. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "store/collect.h"
#include "store/internal.h"
#include "store/path.h"

/* A file with several names: its bytes go when all of them do. */
struct inode {
	ino_t ino;
	nlink_t links;
	uint64_t bytes;
};

struct measure {
	struct gc *gc;
	struct inode *v;
	size_t n, cap;
};

static uint64_t measure_file(struct measure *m, const struct stat *st)
{
	uint64_t bytes = (uint64_t)st->st_blocks * 512;

	if (S_ISDIR(st->st_mode) || st->st_nlink == 1)
		return bytes;
	ARENA_PUSH(&m->gc->arena, m->v, m->n, m->cap) =
		(struct inode){st->st_ino, st->st_nlink, bytes};
	return 0;
}

static int measure_tree(struct measure *m, int dir, const char *name, uint64_t *bytes,
			struct error *err)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : error_errno(err, "cannot examine %s", name);
	*bytes += measure_file(m, &st);
	if (!S_ISDIR(st.st_mode))
		return 0;
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	autodir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (!d)
		return error_errno(err, "cannot open %s", name);
	for (struct dirent *e; (e = readdir(d));)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
		    measure_tree(m, fd, e->d_name, bytes, err) < 0)
			return -1;
	return 0;
}

static int measure_object(struct measure *m, const char *path, struct error *err)
{
	const struct gc_options *opt = m->gc->opt;
	uint64_t bytes = 0;

	if (measure_tree(m, m->gc->st->dirfd, path_base(path), &bytes, err) < 0)
		return -1;
	m->gc->res->freed += bytes;
	if (opt->report)
		opt->report(opt->ctx, path, bytes);
	return 0;
}

static int measure_strays(struct measure *m, struct error *err)
{
	autoargv struct argv names = {0};

	if (m->gc->st->dirfd < 0)
		return 0;
	if (dir_names(m->gc->st->dirfd, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		autofree char *path = xasprintf(STORE_DIR "/%s", names.v[i]);
		int rc = is_lock_file(names.v[i]) ? 0 : stray(m->gc, names.v[i], err);

		if (rc < 0 || (rc && measure_object(m, path, err) < 0))
			return -1;
		m->gc->res->strays += rc == 1;
	}
	return 0;
}

static int by_inode(const void *a, const void *b)
{
	const struct inode *x = a, *y = b;

	return (x->ino > y->ino) - (x->ino < y->ino);
}

/* How many of an inode's names were met among what would go. */
static size_t names_met(const struct measure *m, ino_t ino)
{
	size_t low = 0, high = m->n, end;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (m->v[mid].ino < ino)
			low = mid + 1;
		else
			high = mid;
	}
	for (end = low; end < m->n && m->v[end].ino == ino; end++)
		;
	return end - low;
}

/* An entry of .links goes when it is the last name. */
static int measure_links(struct measure *m, struct error *err)
{
	int dir = openat(m->gc->st->dirfd, ".links",
			 O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	autodir DIR *d = dir < 0 ? NULL : fdopendir(dir);
	struct stat st;

	if (dir < 0)
		return errno == ENOENT ? 0 : error_errno(err, "cannot open .links");
	for (struct dirent *e; d && (e = readdir(d));) {
		if (fstatat(dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    S_ISDIR(st.st_mode) || names_met(m, st.st_ino) + 1 != st.st_nlink)
			continue;
		m->gc->res->links++;
		m->gc->res->freed += (uint64_t)st.st_blocks * 512;
	}
	return 0;
}

int measure_all(struct gc *gc, struct error *err)
{
	struct measure m = {.gc = gc};

	for (uint32_t i = 0; i < gc->norder; i++) {
		struct reach_node *node = &gc->reach.v[gc->order[i]];

		node->gone = true;
		gc->reach.size -= node->size;
		gc->res->paths++;
		if (measure_object(&m, node->path, err) < 0)
			return -1;
	}
	if (measure_strays(&m, err) < 0)
		return -1;
	if (m.n)
		qsort(m.v, m.n, sizeof(*m.v), by_inode);
	for (size_t i = 0; i < m.n; i++)
		if ((!i || m.v[i - 1].ino != m.v[i].ino) &&
		    names_met(&m, m.v[i].ino) == m.v[i].links)
			gc->res->freed += m.v[i].bytes;
	return gc->st->dirfd < 0 ? 0 : measure_links(&m, err);
}
