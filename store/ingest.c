// SPDX-License-Identifier: MIT
#include "store/ingest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#include "base/alloc.h"
#include "base/map.h"
#include "store/digest.h"

/* Index 0, access time, is left alone. */
static const struct timespec canonical_times[2] = {
	{.tv_nsec = UTIME_OMIT},
	{.tv_sec = 1},
};

static mode_t canonical_mode(const struct stat *st)
{
	return S_ISDIR(st->st_mode) || st->st_mode & S_IXUSR ? 0555 : 0444;
}

static const char *shown(const struct nar_node *n)
{
	return n->path[0] ? n->path : "the root";
}

/* --- taking ----------------------------------------------------------------------- */

struct take {
	struct ingest *in;
	struct sha256_ctx *bytes;
	struct map seen; /* inodes with several links that were made ours already */
};

static bool seen_before(struct take *t, const struct stat *st)
{
	char key[64];

	if (S_ISDIR(st->st_mode) || st->st_nlink < 2)
		return false;
	snprintf(key, sizeof(key), "%ju:%ju", (uintmax_t)st->st_dev,
		 (uintmax_t)st->st_ino);
	return map_set(&t->seen, key, t) != NULL;
}

static int check_builder_node(const struct take *t, const struct nar_node *n,
			      struct error *err)
{
	const struct stat *st = &n->st;

	if (st->st_uid != t->in->owner)
		return error_class(err, ERROR_BUILD,
				   "%s belongs to user %u, not to the builder", shown(n),
				   st->st_uid);
	if (S_ISREG(st->st_mode) && st->st_mode & (S_ISUID | S_ISGID))
		return error_class(err, ERROR_BUILD, "%s is set-user-id or set-group-id",
				   shown(n));
	if (n->depth == 0 && !S_ISLNK(st->st_mode) && st->st_mode & (S_IWGRP | S_IWOTH))
		return error_class(
			err, ERROR_BUILD,
			"the output is writable for group or others (mode %04o)",
			st->st_mode & 07777);
	return 0;
}

enum { ATTRIBUTES_MAX = 4096 };

/*
 * The names of an inode's extended attributes, each with its NUL. `path` leads to the
 * inode itself, freed by the caller.
 */
static ssize_t list_attributes(const struct nar_node *n, char names[ATTRIBUTES_MAX],
			       char **path)
{
	*path = n->dir == AT_FDCWD ? xstrdup(n->name)
				   : xasprintf("/proc/self/fd/%d/%s", n->dir, n->name);
	ssize_t len = llistxattr(*path, names, ATTRIBUTES_MAX);

	/* None here, or no /proc to reach them by. */
	return len < 0 && (errno == ENOTSUP || errno == ENOENT) ? 0 : len;
}

/* Labels of a security module are the host's business and stay. */
static bool is_foreign(const char *attribute)
{
	return strcmp(attribute, "security.selinux") != 0;
}

/* 1 if there were some: the mode may have been changed to get rid of them. */
static int drop_attributes(const struct nar_node *n, struct error *err)
{
	char names[ATTRIBUTES_MAX];
	int dropped = 0;
	autofree char *path = NULL;
	ssize_t len = list_attributes(n, names, &path);

	if (len < 0)
		return error_errno(err, "cannot list the attributes of %s", shown(n));
	for (const char *p = names; p < names + len; p += strlen(p) + 1) {
		if (!is_foreign(p))
			continue;
		if (!dropped && !S_ISLNK(n->st.st_mode) &&
		    fchmodat(n->dir, n->name, 0700, 0) < 0)
			return error_errno(err, "cannot set the mode of %s", shown(n));
		dropped = 1;
		if (lremovexattr(path, p) < 0)
			return error_errno(err, "cannot remove the attribute %s of %s", p,
					   shown(n));
	}
	return dropped;
}

static bool has_canonical_time(const struct stat *st)
{
	return st->st_mtim.tv_sec == 1 && st->st_mtim.tv_nsec == 0;
}

static int set_times(const struct nar_node *n, struct error *err)
{
	if (has_canonical_time(&n->st))
		return 0;
	if (utimensat(n->dir, n->name, canonical_times, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, "cannot set the time of %s", shown(n));
	return 0;
}

static int set_mode(const struct nar_node *n, mode_t mode, bool changed,
		    struct error *err)
{
	if ((changed || (n->st.st_mode & 07777) != mode) &&
	    fchmodat(n->dir, n->name, mode, 0) < 0)
		return error_errno(err, "cannot set the mode of %s", shown(n));
	return 0;
}

static int take_enter(void *ctx, const struct nar_node *n, struct error *err)
{
	struct take *t = ctx;
	const struct stat *st = &n->st;

	if (!S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode) && !S_ISLNK(st->st_mode))
		return error_class(err, ERROR_BUILD,
				   "%s is neither a file, a link nor a directory",
				   shown(n));
	if (t->in->flat && (n->depth || !S_ISREG(st->st_mode)))
		return error_make(err, "expected a single file");
	if (seen_before(t, st))
		return 0;
	if (t->in->owner != (uid_t)-1 && check_builder_node(t, n, err) < 0)
		return -1;
	if (st->st_uid != geteuid() &&
	    fchownat(n->dir, n->name, geteuid(), getegid(), AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, "cannot take over %s", shown(n));
	int dropped = drop_attributes(n, err);
	if (dropped < 0)
		return -1;
	if (S_ISLNK(st->st_mode))
		return set_times(n, err);
	/* A directory must be readable and writable until its children are done. */
	if (S_ISDIR(st->st_mode))
		return set_mode(n, 0755, dropped, err);
	if (set_mode(n, canonical_mode(st), dropped, err) < 0)
		return -1;
	return set_times(n, err);
}

static int take_bytes(void *ctx, const void *bytes, size_t n, struct error *err)
{
	struct take *t = ctx;

	(void)err;
	sha256_add(t->bytes, bytes, n);
	return 0;
}

static int take_leave(void *ctx, const struct nar_node *n, int fd, struct error *err)
{
	(void)ctx;
	if (!S_ISDIR(n->st.st_mode) || n->depth == 0)
		return 0;
	if (fchmod(fd, 0555) < 0 || futimens(fd, canonical_times) < 0)
		return error_errno(err, "cannot set the mode of %s", shown(n));
	return 0;
}

static int dump(struct ingest *in, const struct nar_dump *what, struct error *err)
{
	autodigest struct digest *d = digest_new(in->refs);

	if (nar_dump(what, digest_sink(d), err) < 0)
		return -1;
	in->nar = digest_end(d, &in->size);
	return 0;
}

int ingest_take(struct ingest *in, int dir, const char *name, struct error *err)
{
	struct take t = {.in = in, .bytes = in->flat ? sha256_new() : NULL};
	const struct nar_visitor v = {
		.enter = take_enter,
		.bytes = in->flat ? take_bytes : NULL,
		.leave = take_leave,
		.ctx = &t,
	};
	struct stat st;

	/* The execute bit is no part of a flat hash: it must not be in the object. */
	int failed = 0;
	if (in->flat && fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISREG(st.st_mode) && fchmodat(dir, name, 0444, 0) < 0)
		failed = error_errno(err, "cannot set the mode of %s", name);
	if (!failed)
		failed = dump(in,
			      &(struct nar_dump){.dir = dir, .path = name, .visitor = &v},
			      err);
	if (failed == 0 && in->flat)
		in->bytes = sha256_end(take_ptr(&t.bytes));
	sha256_drop(t.bytes);
	map_finish(&t.seen);
	return failed;
}

/* --- copying ---------------------------------------------------------------------- */

struct copy {
	int todir;
	const char *to;
	int dirs[NAR_DEPTH_MAX]; /* the open directories of the copy, by depth */
	int file;
};

static int copy_failed(const struct nar_node *n, struct error *err)
{
	return error_errno(err, "cannot write the copy of %s", shown(n));
}

static int copy_enter(void *ctx, const struct nar_node *n, struct error *err)
{
	struct copy *c = ctx;
	int dir = n->depth ? c->dirs[n->depth - 1] : c->todir;
	const char *name = n->depth ? n->name : c->to;

	if (S_ISREG(n->st.st_mode)) {
		/* The mode counts for the next open; this descriptor may write. */
		c->file = openat(dir, name,
				 O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
				 canonical_mode(&n->st));
		return c->file < 0 ? copy_failed(n, err) : 0;
	}
	if (!S_ISDIR(n->st.st_mode))
		return 0;
	if (mkdirat(dir, name, 0755) < 0)
		return copy_failed(n, err);
	c->dirs[n->depth] =
		openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return c->dirs[n->depth] < 0 ? copy_failed(n, err) : 0;
}

static int copy_bytes(void *ctx, const void *bytes, size_t n, struct error *err)
{
	struct copy *c = ctx;

	for (const char *p = bytes; n;) {
		ssize_t done = write(c->file, p, n);

		if (done < 0 && errno != EINTR)
			return error_errno(err, "cannot write a copy");
		if (done > 0) {
			p += done;
			n -= (size_t)done;
		}
	}
	return 0;
}

static int copy_link(void *ctx, const struct nar_node *n, const char *target,
		     struct error *err)
{
	struct copy *c = ctx;
	int dir = n->depth ? c->dirs[n->depth - 1] : c->todir;
	const char *name = n->depth ? n->name : c->to;

	if (symlinkat(target, dir, name) < 0 ||
	    utimensat(dir, name, canonical_times, AT_SYMLINK_NOFOLLOW) < 0)
		return copy_failed(n, err);
	return 0;
}

static int copy_leave(void *ctx, const struct nar_node *n, int fd, struct error *err)
{
	struct copy *c = ctx;
	bool dir = S_ISDIR(n->st.st_mode);
	int *own = dir ? &c->dirs[n->depth] : &c->file;
	bool root_dir = dir && n->depth == 0;

	(void)fd;
	/* The umask had its say at creation. */
	if (!root_dir && (fchmod(*own, canonical_mode(&n->st)) < 0 ||
			  futimens(*own, canonical_times) < 0))
		return copy_failed(n, err);
	int failed = close(*own);
	*own = -1;
	return failed < 0 ? copy_failed(n, err) : 0;
}

int ingest_copy(struct ingest *in, const char *from, int todir, const char *to,
		struct error *err)
{
	struct copy c = {.todir = todir, .to = to, .file = -1};
	const struct nar_visitor v = {
		.enter = copy_enter,
		.bytes = copy_bytes,
		.link = copy_link,
		.leave = copy_leave,
		.ctx = &c,
	};
	const struct nar_dump what = {
		.dir = AT_FDCWD,
		.path = from,
		.skip = in->skip,
		.skip_ctx = in->skip_ctx,
		.visitor = &v,
	};

	for (size_t i = 0; i < ARRAY_LEN(c.dirs); i++)
		c.dirs[i] = -1;
	int failed = dump(in, &what, err);
	cleanup_close(&c.file);
	for (size_t i = 0; i < ARRAY_LEN(c.dirs); i++)
		cleanup_close(&c.dirs[i]);
	return failed;
}

int ingest_seal_dir(int fd, const char *what, struct error *err)
{
	if (fchmod(fd, 0555) < 0 || futimens(fd, canonical_times) < 0)
		return error_errno(err, "cannot seal %s", what);
	return 0;
}

int ingest_seal(int dir, const char *name, struct error *err)
{
	autoclose int fd =
		openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
		return 0; /* a file or a link: canonical since it was made */
	if (fd < 0)
		return error_errno(err, "cannot seal %s", name);
	return ingest_seal_dir(fd, name, err);
}

/* --- judging ---------------------------------------------------------------------- */

static char *foreign_attribute(const struct nar_node *n)
{
	char names[ATTRIBUTES_MAX];
	autofree char *path = NULL;
	ssize_t len = list_attributes(n, names, &path);

	if (len < 0)
		return xasprintf("%s: cannot list its attributes: %s", shown(n),
				 strerror(errno));
	for (const char *p = names; p < names + len; p += strlen(p) + 1)
		if (is_foreign(p))
			return xasprintf("%s has the attribute %s", shown(n), p);
	return NULL;
}

char *ingest_blemish(const struct nar_node *n, uid_t owner)
{
	const struct stat *st = &n->st;
	mode_t mode = canonical_mode(st);

	if (st->st_uid != owner)
		return xasprintf("%s belongs to user %u, expected %u", shown(n),
				 st->st_uid, owner);
	if (!S_ISLNK(st->st_mode) && (st->st_mode & 07777) != mode)
		return xasprintf("%s has mode %04o, expected %04o", shown(n),
				 st->st_mode & 07777, mode);
	if (!has_canonical_time(st))
		return xasprintf("%s has the time stamp %lld.%09ld, expected 1", shown(n),
				 (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
	return foreign_attribute(n);
}
