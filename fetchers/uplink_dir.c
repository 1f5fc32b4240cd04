// SPDX-License-Identifier: MIT
/* A cache that is a directory. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "fetchers/uplink_dir.h"

enum { COPY_SIZE = 1 << 20, TRIES = 10 };

static int copy(int from, int to, const char *path, atomic_bool *stop, struct error *err)
{
	autofree char *buf = xmalloc(COPY_SIZE);
	ssize_t n;

	while ((n = read(from, buf, COPY_SIZE)) != 0) {
		if (n < 0)
			return error_errno(err, "cannot read a compressed file");
		if (write_all(to, buf, (size_t)n) < 0)
			return error_errno(err, "cannot write %s", path);
		if (atomic_load(stop))
			return error_class(err, ERROR_INTERRUPTED, "stopped");
	}
	return 0;
}

/* Files that are being written have a folder of their own, which is small to look
 * through. */
static char *temp_stem(const struct cache_url *u)
{
	return xasprintf("%s/.tmp/push", u->dir);
}

void uplink_dir_begin(const struct cache_url *u)
{
	autofree char *stem = temp_stem(u);

	dir_clear_temps(AT_FDCWD, stem);
}

void uplink_dir_end(const struct cache_url *u)
{
	autofree char *dir = xasprintf("%s/.tmp", u->dir);

	rmdir(dir); /* unless somebody else is at work */
}

int uplink_dir_new_file(const struct cache_url *u, char **path, struct error *err)
{
	autofree char *stem = temp_stem(u);
	autofree char *dir = xstrndup(stem, (size_t)(strrchr(stem, '/') - stem));

	for (unsigned tries = 0;; tries++) {
		free(*path);
		*path = xasprintf("%s.tmp-XXXXXX", stem);
		if (dir_make(AT_FDCWD, dir, 0755, err) < 0)
			return -1;
		int fd = mkostemp(*path, O_CLOEXEC);
		/* Another push may just have taken the empty folder away. */
		if (fd < 0 && errno == ENOENT && tries < TRIES)
			continue;
		if (fd < 0)
			return error_errno(err, "cannot create a file in %s", u->dir);
		if (fchmod(fd, 0644) == 0)
			return fd;
		error_errno(err, "cannot set the mode of a file in %s", u->dir);
		close(fd);
		unlink(*path);
		return -1;
	}
}

static int fill(int to, const struct uplink_file *f, const char *path, atomic_bool *stop,
		struct error *err)
{
	if (!f->file)
		return write_all(to, f->text.ptr, f->text.len) < 0
			       ? error_errno(err, "cannot write %s", path)
			       : 0;
	autoclose int from = open(f->file, O_RDONLY | O_CLOEXEC);
	if (from < 0)
		return error_errno(err, "cannot open %s", f->file);
	return copy(from, to, path, stop, err);
}

int uplink_dir_put(const struct cache_url *u, const struct uplink_file *f,
		   atomic_bool *stop, struct error *err)
{
	autofree char *path = path_join(u->dir, f->name);
	autofree char *dir = xstrndup(path, (size_t)(strrchr(path, '/') - path));
	autofree char *temp = NULL;

	if (dir_make(AT_FDCWD, dir, 0755, err) < 0)
		return -1;
	if (f->file && rename(f->file, path) == 0)
		return 0;
	if (f->file && errno != EXDEV)
		return error_errno(err, "cannot create %s", path);
	autoclose int to = uplink_dir_new_file(u, &temp, err);
	if (to < 0)
		return -1;
	int failed = fill(to, f, path, stop, err);
	if (!failed && rename(temp, path) < 0)
		failed = error_errno(err, "cannot create %s", path);
	if (failed)
		unlink(temp);
	return failed;
}

int uplink_dir_has(const struct cache_url *u, const char *name, struct error *err)
{
	autofree char *path = path_join(u->dir, name);

	if (access(path, F_OK) == 0)
		return 1;
	return errno == ENOENT ? 0 : error_errno(err, "cannot look for %s", path);
}
