// SPDX-License-Identifier: MIT
#include "store/trash.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/crew.h"
#include "base/dir.h"
#include "store/internal.h"
#include "store/path.h"

enum { FEW_DIRS = 4 };

int trash_open(struct store *st, struct trash *t, struct error *err)
{
	*t = (struct trash){.st = st, .fd = -1};
	return store_scratch_trash(st, &t->name, &t->fd, err);
}

void trash_close(struct trash *t)
{
	store_scratch_end(t->st, t->name);
	free(t->name);
	if (t->fd >= 0)
		close(t->fd);
}

int trash_move(struct trash *t, struct piece *p, struct error *err)
{
	const char *base = path_base(p->path);
	int dir = t->st->dirfd;
	struct stat st;

	if (fstatat(dir, base, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : error_errno(err, "cannot examine %s", base);
	if (!S_ISDIR(st.st_mode)) {
		if (unlinkat(dir, base, 0) < 0)
			return error_errno(err, "cannot remove %s", p->path);
		p->bytes = st.st_nlink == 1 ? (uint64_t)st.st_blocks * 512 : 0;
		return 0;
	}
	p->in_trash = true;
	/* Most file systems count subdirectories; those that do not say 1. */
	p->wide = st.st_nlink == 1 || st.st_nlink > 2 + FEW_DIRS;
	if (renameat(dir, base, t->fd, base) == 0)
		return 0;
	/* Only root may move a directory that is read-only. */
	if (errno == EACCES && fchmodat(dir, base, 0755, 0) == 0 &&
	    renameat(dir, base, t->fd, base) == 0)
		return 0;
	return error_errno(err, "cannot remove %s", p->path);
}

/* --- emptying --------------------------------------------------------------------- */

/* One directory for one thread. */
struct part {
	char *name; /* in the trash */
	struct piece *of;
};

struct emptying {
	struct trash *t;
	struct part *parts;
	size_t n, cap;
	pthread_mutex_t lock; /* of all below, and of pieces */
	struct error *err;
	bool failed;
};

static void add_part(struct emptying *e, struct piece *of, const char *name)
{
	if (e->n == e->cap) {
		e->cap = e->cap ? 2 * e->cap : 64;
		e->parts = xreallocarray(e->parts, e->cap, sizeof(*e->parts));
	}
	e->parts[e->n++] = (struct part){xstrdup(name), of};
}

/* The directories so many levels below; a large tree is made of many of these. */
static void add_below(struct emptying *e, struct piece *of, const char *name, int levels)
{
	int fd = openat(e->t->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	autodir DIR *d = fd < 0 ? NULL : fdopendir(fd);

	/* What cannot be opened now is said when the whole is removed. */
	if (!d || fchmod(fd, 0700) < 0)
		return;
	for (struct dirent *de; (de = readdir(d));) {
		if (de->d_type != DT_DIR || strcmp(de->d_name, ".") == 0 ||
		    strcmp(de->d_name, "..") == 0)
			continue;
		autofree char *deeper = xasprintf("%s/%s", name, de->d_name);
		if (levels > 1)
			add_below(e, of, deeper, levels - 1);
		else
			add_part(e, of, deeper);
	}
}

static void remove_part(void *ctx, size_t i)
{
	struct emptying *e = ctx;
	struct part *part = &e->parts[i];
	autoerror struct error err = {0};
	uint64_t bytes = 0;

	int rc = dir_remove_count(e->t->fd, part->name, &bytes, &err);
	pthread_mutex_lock(&e->lock);
	part->of->bytes += bytes;
	if (rc < 0 && !e->failed) {
		e->failed = true;
		error_wrap(&err, "cannot remove %s", part->of->path);
		error_join(e->err, &err);
	}
	pthread_mutex_unlock(&e->lock);
}

static void remove_parts(struct emptying *e)
{
	crew_run(e->n, remove_part, e);
	while (e->n)
		free(e->parts[--e->n].name);
}

int trash_empty(struct trash *t, struct piece *pieces, size_t n, struct error *err)
{
	struct emptying e = {.t = t, .lock = PTHREAD_MUTEX_INITIALIZER, .err = err};

	for (size_t i = 0; i < n; i++)
		if (pieces[i].in_trash && pieces[i].wide)
			add_below(&e, &pieces[i], path_base(pieces[i].path), 2);
	remove_parts(&e);
	for (size_t i = 0; i < n; i++)
		if (pieces[i].in_trash)
			add_part(&e, &pieces[i], path_base(pieces[i].path));
	remove_parts(&e);
	free(e.parts);
	return e.failed ? -1 : 0;
}
