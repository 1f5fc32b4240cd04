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

enum { COPY_SIZE = 1 << 20 };

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

/* The cache is on another file system. */
static int copy_in(const char *file, const char *path, const char *temp,
		   atomic_bool *stop, struct error *err)
{
	autoclose int from = open(file, O_RDONLY | O_CLOEXEC);
	autoclose int to =
		open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);

	if (from < 0)
		return error_errno(err, "cannot open %s", file);
	if (to < 0)
		return error_errno(err, "cannot create %s", temp);
	int failed = copy(from, to, path, stop, err);
	if (!failed && rename(temp, path) < 0)
		failed = error_errno(err, "cannot create %s", path);
	if (failed)
		unlink(temp);
	return failed;
}

int uplink_dir_put(const struct cache_url *u, const struct uplink_file *f,
		   atomic_bool *stop, struct error *err)
{
	autofree char *path = path_join(u->dir, f->name);
	autofree char *dir = xstrndup(path, (size_t)(strrchr(path, '/') - path));

	if (dir_make(AT_FDCWD, dir, 0755, err) < 0)
		return -1;
	if (!f->file)
		return dir_write(AT_FDCWD, path, f->text.ptr, f->text.len, 0644, false,
				 err);
	if (rename(f->file, path) == 0)
		return 0;
	if (errno != EXDEV)
		return error_errno(err, "cannot create %s", path);
	autofree char *temp =
		xasprintf("%s/.%s.tmp-%d", dir, path + strlen(dir) + 1, (int)getpid());
	return copy_in(f->file, path, temp, stop, err);
}

int uplink_dir_has(const struct cache_url *u, const char *name, struct error *err)
{
	autofree char *path = path_join(u->dir, name);

	if (access(path, F_OK) == 0)
		return 1;
	return errno == ENOENT ? 0 : error_errno(err, "cannot look for %s", path);
}
