// SPDX-License-Identifier: MIT
#include "store/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/dir.h"

int lock_open(int dir, const char *name, struct error *err)
{
	int fd = openat(dir, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	return fd < 0 ? error_errno(err, "cannot open the lock file %s", name) : fd;
}

int lock_take(int fd, bool exclusive, bool wait, struct error *err)
{
	int how = (exclusive ? LOCK_EX : LOCK_SH) | (wait ? 0 : LOCK_NB);

	while (flock(fd, how) < 0) {
		if (errno == EWOULDBLOCK && !wait)
			return 0;
		if (errno != EINTR)
			return error_errno(err, "cannot lock");
	}
	return 1;
}

void lock_drop(int fd)
{
	flock(fd, LOCK_UN);
}

int lock_path(int dir, const char *name, bool wait, int *out, struct error *err)
{
	for (;;) {
		autoclose int fd = lock_open(dir, name, err);
		struct stat st;

		if (fd < 0)
			return -1;
		int got = lock_take(fd, true, wait, err);
		if (got <= 0)
			return got < 0 ? error_wrap(err, "while locking %s", name) : 0;
		if (fstat(fd, &st) < 0)
			return error_errno(err, "cannot examine the lock file %s", name);
		if (st.st_size == 0 && st.st_nlink > 0) {
			*out = take_fd(&fd);
			return 1;
		}
		/*
		 * Given up while we waited: there may be a new one. Its holder may have
		 * been unable to unlink it, and then nobody else will.
		 */
		if (st.st_nlink > 0 && unlinkat(dir, name, 0) < 0 && errno != ENOENT)
			return error_errno(err, "cannot remove the stale lock file %s",
					   name);
	}
}

void unlock_path(int dir, const char *name, int fd)
{
	if (fd < 0)
		return;
	/* Otherwise it stays what it is, the lock file of whoever comes next. */
	if (unlinkat(dir, name, 0) == 0 && write_all(fd, "d", 1) < 0) {
		/* The link count says the same to us; Nix looks at the size only. */
	}
	close(fd);
}
