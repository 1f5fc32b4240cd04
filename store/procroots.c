// SPDX-License-Identifier: MIT
/*
 * What running processes use. A process is asked for everything /proc tells of it; what
 * may not be read, or is gone meanwhile, tells nothing.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "store/internal.h"
#include "store/liveroots.h"
#include "store/path.h"

struct process {
	struct live *l;
	int dir; /* /proc/PID */
	const char *pid;
	size_t first;       /* of its roots in l->v */
	struct strbuf text; /* of one file */
};

static void add_root(struct process *p, const char *digest, const char *what)
{
	char path[PATH_PREFIX_LEN + PATH_DIGEST_LEN + 1];
	autobuf struct strbuf comm = STRBUF_INIT, name = STRBUF_INIT;
	autoerror struct error ignored = {0};
	int32_t node = reach_find(p->l->reach, digest);

	if (node < 0)
		return;
	for (size_t i = p->first; i < p->l->n; i++)
		if (p->l->v[i].path == p->l->reach->v[node].path)
			return;
	snprintf(path, sizeof(path), STORE_DIR "/%.*s", PATH_DIGEST_LEN, digest);
	if (dir_read(p->dir, "comm", &comm, &ignored) == 0)
		strbuf_add_masked(&name, comm.ptr, strcspn(comm.ptr, "\n"));
	live_add(p->l,
		 &(struct gc_root){
			 .kind = GC_ROOT_PROCESS,
			 .path = path,
			 .from = arena_printf(p->l->a, "process %s (%s), %s", p->pid,
					      name.ptr ? name.ptr : "", what),
		 });
}

static void scan(struct process *p, const char *text, size_t len, const char *what)
{
	const char *end = text + len;

	while ((text = store_path_in(text, (size_t)(end - text)))) {
		add_root(p, text, what);
		text += PATH_DIGEST_LEN;
	}
}

/*
 * What cannot be told is no root. But a failure of ours must not pass for that: what is
 * in use would be deleted.
 */
static int unreadable(const struct process *p, const char *what, struct error *err)
{
	switch (errno) {
	case EACCES:
	case EPERM:
	case ENOENT:
	case ESRCH:
	case ENAMETOOLONG: /* deeper than /proc can say */
		return 0;
	default:
		return error_errno(err, "cannot see the %s of process %s", what, p->pid);
	}
}

static int scan_link(struct process *p, int dir, const char *name, const char *what,
		     struct error *err)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(dir, name, target, sizeof(target));

	if (n < 0)
		return unreadable(p, what, err);
	scan(p, target, (size_t)n, what);
	return 0;
}

static int scan_file(struct process *p, const char *name, const char *what,
		     struct error *err)
{
	autoclose int fd = openat(p->dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return unreadable(p, what, err);
	strbuf_reset(&p->text);
	do {
		strbuf_reserve(&p->text, 32 * 1024);
		n = read(fd, p->text.ptr + p->text.len, p->text.cap - p->text.len - 1);
		if (n < 0)
			return unreadable(p, what, err);
		p->text.len += (size_t)n;
	} while (n > 0);
	scan(p, p->text.ptr, p->text.len, what);
	return 0;
}

static int scan_open_files(struct process *p, struct error *err)
{
	int fd = openat(p->dir, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autodir DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d)
		return unreadable(p, "open files", err);
	errno = 0;
	for (struct dirent *e; (e = readdir(d)); errno = 0)
		if (*e->d_name != '.' &&
		    scan_link(p, fd, e->d_name, "open file", err) < 0)
			return -1;
	return errno ? unreadable(p, "open files", err) : 0;
}

/* One of our callers: its command line may be the one that names what to delete. */
static bool calls_us(const char *pid)
{
	long want = atol(pid);

	for (long at = getppid(); at > 1;) {
		autobuf struct strbuf stat = STRBUF_INIT;
		autoerror struct error ignored = {0};
		autofree char *file = xasprintf("/proc/%ld/stat", at);
		const char *after;

		if (at == want)
			return true;
		/* "PID (any text) STATE PARENT ..." */
		if (dir_read(AT_FDCWD, file, &stat, &ignored) < 0 ||
		    !(after = strrchr(stat.ptr, ')')) ||
		    sscanf(after, ") %*c %ld", &at) != 1)
			return false;
	}
	return false;
}

static int scan_all(struct process *p, struct error *err)
{
	if (scan_link(p, p->dir, "exe", "program", err) < 0 ||
	    scan_link(p, p->dir, "cwd", "working directory", err) < 0 ||
	    scan_link(p, p->dir, "root", "root directory", err) < 0 ||
	    scan_open_files(p, err) < 0 || scan_file(p, "maps", "mapped file", err) < 0 ||
	    scan_file(p, "environ", "environment", err) < 0)
		return -1;
	if (p->l->by_name && calls_us(p->pid))
		return 0;
	return scan_file(p, "cmdline", "command line", err);
}

static int scan_process(struct live *l, int proc, const char *pid, struct strbuf *text,
			struct error *err)
{
	autoclose int dir = openat(proc, pid, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct process p = {.l = l, .dir = dir, .pid = pid, .first = l->n, .text = *text};

	int rc = dir < 0 ? unreadable(&p, "files", err) : scan_all(&p, err);
	*text = p.text;
	return rc;
}

int live_processes(struct live *l, struct error *err)
{
	autodir DIR *d = opendir("/proc");
	autobuf struct strbuf text = STRBUF_INIT;

	if (!d)
		return error_errno(err, "cannot see what runs");
	errno = 0;
	for (struct dirent *e; (e = readdir(d)); errno = 0)
		if (isdigit((unsigned char)*e->d_name) &&
		    atol(e->d_name) != (long)getpid() &&
		    scan_process(l, dirfd(d), e->d_name, &text, err) < 0)
			return -1;
	return errno ? error_errno(err, "cannot see what runs") : 0;
}
