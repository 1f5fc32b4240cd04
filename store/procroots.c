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

static void scan_link(struct process *p, int dir, const char *name, const char *what)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(dir, name, target, sizeof(target));

	if (n > 0)
		scan(p, target, (size_t)n, what);
}

static void scan_file(struct process *p, const char *name, const char *what)
{
	autoerror struct error ignored = {0};

	strbuf_reset(&p->text);
	if (dir_read(p->dir, name, &p->text, &ignored) == 0)
		scan(p, p->text.ptr, p->text.len, what);
}

static void scan_files(struct process *p)
{
	int fd = openat(p->dir, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autodir DIR *d = fd < 0 ? NULL : fdopendir(fd);

	for (struct dirent *e; d && (e = readdir(d));)
		scan_link(p, fd, e->d_name, "open file");
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

static void scan_process(struct live *l, int proc, const char *pid, struct strbuf *text)
{
	autoclose int dir = openat(proc, pid, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct process p = {.l = l, .dir = dir, .pid = pid, .first = l->n, .text = *text};

	if (dir < 0)
		return;
	scan_link(&p, dir, "exe", "program");
	scan_link(&p, dir, "cwd", "working directory");
	scan_link(&p, dir, "root", "root directory");
	scan_files(&p);
	scan_file(&p, "maps", "mapped file");
	scan_file(&p, "environ", "environment");
	if (!l->by_name || !calls_us(pid))
		scan_file(&p, "cmdline", "command line");
	*text = p.text;
}

void live_processes(struct live *l)
{
	autodir DIR *d = opendir("/proc");
	autobuf struct strbuf text = STRBUF_INIT;

	for (struct dirent *e; d && (e = readdir(d));)
		if (isdigit((unsigned char)*e->d_name) &&
		    atol(e->d_name) != (long)getpid())
			scan_process(l, dirfd(d), e->d_name, &text);
}
