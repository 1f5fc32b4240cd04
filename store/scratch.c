// SPDX-License-Identifier: MIT
/* Directories for what is not in the store yet, or not any more. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "store/durable.h"
#include "store/internal.h"

/* Process id and lock tell store_clear_scratch that it is in use. */
static int make(int scratch, const char *what, char **name, int *dir, struct error *err)
{
	autofree char *prefix = xasprintf("%d-%s-", (int)getpid(), what);

	if (dir_temp(scratch, prefix, name, err) < 0)
		return -1;
	*dir = openat(scratch, *name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*dir < 0 || flock(*dir, LOCK_EX | LOCK_NB) < 0)
		return error_errno(err, "cannot lock %s", *name);
	return 0;
}

int store_make_scratch(const char *scratch_dir, const char *what, char **path, int *lock,
		       struct error *err)
{
	autoclose int dir = open(scratch_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autofree char *name = NULL;

	*path = NULL;
	*lock = -1;
	if (dir < 0)
		return error_errno(err, "cannot open %s", scratch_dir);
	int rc = make(dir, what, &name, lock, err);
	if (name)
		*path = path_join(scratch_dir, name);
	return rc;
}

int store_scratch_begin(struct store *st, char **name, int *dir, struct error *err)
{
	return durable_before(st, err) < 0 ? -1
					   : make(st->scratchfd, "add", name, dir, err);
}

int store_scratch_trash(struct store *st, char **name, int *dir, struct error *err)
{
	return make(st->scratchfd, "trash", name, dir, err);
}

void store_scratch_end(struct store *st, const char *name)
{
	autoerror struct error ignored = {0};

	if (name)
		dir_remove(st->scratchfd, name, &ignored);
}

/* Gone, or only waiting for a parent that never asks. */
static bool is_gone(int pid)
{
	autofree char *file = xasprintf("/proc/%d/stat", pid);
	autobuf struct strbuf text = STRBUF_INIT;
	autoerror struct error ignored = {0};

	if (kill(pid, 0) < 0)
		return errno == ESRCH;
	if (dir_read(AT_FDCWD, file, &text, &ignored) < 0)
		return false;
	/* "PID (NAME) STATE ..." where NAME may hold anything. */
	const char *state = strrchr(text.ptr, ')');
	return state && str_starts(state, ") Z");
}

void store_clear_scratch(const char *scratch_dir)
{
	autoclose int dir = open(scratch_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoargv struct argv names = {0};
	autoerror struct error ignored = {0};
	int pid;

	if (dir < 0 || dir_names(dir, &names, &ignored) < 0)
		return;
	for (size_t i = 0; i < names.n; i++) {
		autoerror struct error err = {0};

		if (sscanf(names.v[i], "%d-", &pid) != 1 || pid <= 0 || !is_gone(pid))
			continue;
		autoclose int fd =
			openat(dir, names.v[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
			dir_remove(dir, names.v[i], &err);
	}
}
