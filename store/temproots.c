// SPDX-License-Identifier: MIT
/* What this process wants to keep: the side of the builder, not of the collector. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "store/internal.h"
#include "store/lock.h"
#include "store/path.h"

/*
 * Our file of temporary roots, locked for as long as we live. A file that carries our
 * process id and can be locked is left over from an earlier process.
 */
static int open_temproots(struct store *st, struct error *err)
{
	for (int again = 0;; again++) {
		autofree char *name =
			again ? xasprintf("temproots/%d-%d", getpid(), again)
			      : xasprintf("temproots/%d", getpid());
		autoclose int fd = lock_open(st->statefd, name, err);
		struct stat s;

		if (fd < 0)
			return -1;
		int got = lock_take(fd, true, false, err);
		if (got < 0)
			return -1;
		if (!got)
			continue; /* another handle of this process, or a collector's
				     glance */
		if (ftruncate(fd, 0) < 0 || fstat(fd, &s) < 0)
			return error_errno(err, "cannot clear %s", name);
		if (s.st_nlink == 0)
			continue;
		st->temproots = take_fd(&fd);
		st->temproots_name = take_ptr(&name);
		return 0;
	}
}

/* A collector is running: tell it, and wait until it knows. 1 told, 0 it is gone, -1. */
static int tell_collector(struct store *st, const char *path, struct error *err)
{
	autoclose int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	char ack;

	/* The name of the socket may be too long for its structure; this one is not. */
	snprintf(addr.sun_path, sizeof(addr.sun_path),
		 "/proc/self/fd/%d/gc-socket/socket", st->statefd);
	if (sock < 0)
		return error_errno(err, "cannot make a socket");
	if (connect(sock, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return errno == ECONNREFUSED || errno == ENOENT
			       ? 0
			       : error_errno(err, "cannot reach the garbage collector");
	autofree char *line = xasprintf("%s\n", path);
	if (send(sock, line, strlen(line), MSG_NOSIGNAL) != (ssize_t)strlen(line))
		return 0;
	return recv(sock, &ack, 1, 0) == 1 && ack == '1' ? 1 : 0;
}

/* Either no collector runs, or the one that does has answered. */
static int pass_collector(struct store *st, const char *path, struct error *err)
{
	int got;

	if (st->gc_lock < 0)
		st->gc_lock = lock_open(st->statefd, "gc.lock", err);
	if (st->gc_lock < 0)
		return -1;
	while ((got = lock_take(st->gc_lock, false, false, err)) == 0) {
		int told = tell_collector(st, path, err);

		if (told)
			return told < 0 ? -1 : 0;
		poll(NULL, 0, 100);
	}
	if (got > 0)
		lock_drop(st->gc_lock);
	return got < 0 ? -1 : 0;
}

int store_temp_root(struct store *st, const char *path, struct error *err)
{
	if (store_need_write(st, err) < 0)
		return -1;
	if (map_find(&st->rooted, path))
		return 0;
	if (st->temproots < 0 && open_temproots(st, err) < 0)
		return -1;
	/*
	 * Written first, with the ending NUL that parts the paths: a collector that
	 * starts after pass_collector must find it here.
	 */
	off_t end = lseek(st->temproots, 0, SEEK_CUR);
	if (write_all(st->temproots, path, strlen(path) + 1) < 0) {
		error_errno(err, "cannot write a temporary root");
		/* Half a path would make one of itself and the next. */
		if (ftruncate(st->temproots, end) == 0)
			lseek(st->temproots, end, SEEK_SET);
		return -1;
	}
	if (pass_collector(st, path, err) < 0)
		return -1;
	map_set(&st->rooted, path, st);
	return 0;
}
