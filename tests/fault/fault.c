// SPDX-License-Identifier: MIT
/*
 * Preloaded into kbuild and kbuild-fetch: numbers the calls that change the disk or can
 * fail for want of something, across the whole process tree. At one of them it ends the
 * tree at once, as losing the machine would, or lets the call fail. The environment says
 * what:
 *
 *	FAULT_PAGE=FILE   shared by the tree, see page.h
 *	FAULT=NAME        kill, or the name of an errno of the table below
 *	FAULT_AT=N        which point, from 1; 0 only counts them
 *	FAULT_STICKY=1    this one and all after it
 *
 * Only the points at which FAULT can happen are counted. Other programs of the tree
 * (bubblewrap, builders, gpgv) are left alone.
 */
#undef _FILE_OFFSET_BITS /* both names of open, pwrite and their like are defined here   \
			  */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/fault/page.h"

enum {
	F_KILL = 1,
	F_NOSPC = 2,
	F_DQUOT = 4,
	F_IO = 8,
	F_MFILE = 16,
	F_ROFS = 32,
	F_AGAIN = 64,
	F_RESET = 128,
	F_FULL = F_NOSPC | F_DQUOT,
};

static const struct {
	const char *name;
	unsigned fault;
	int error;
} faults[] = {
	{"kill", F_KILL, 0},         {"ENOSPC", F_NOSPC, ENOSPC},
	{"EDQUOT", F_DQUOT, EDQUOT}, {"EIO", F_IO, EIO},
	{"EMFILE", F_MFILE, EMFILE}, {"EROFS", F_ROFS, EROFS},
	{"EAGAIN", F_AGAIN, EAGAIN}, {"ECONNRESET", F_RESET, ECONNRESET},
};

enum call {
	CALL_WRITE,
	CALL_READ,
	CALL_CREATE,
	CALL_OPEN_WRITE,
	CALL_OPEN,
	CALL_DESCRIPTOR,
	CALL_NAME,
	CALL_REMOVE,
	CALL_INODE,
	CALL_SYNC,
	CALL_LOCK,
	CALL_SEND,
	CALL_FORK,
};

/* What can happen to a kind of call. */
static const struct {
	const char *name;
	unsigned faults;
} calls[] = {
	[CALL_WRITE] = {"write", F_KILL | F_FULL | F_IO},
	[CALL_READ] = {"read", F_IO},
	[CALL_CREATE] = {"create", F_KILL | F_FULL | F_IO | F_MFILE | F_ROFS},
	[CALL_OPEN_WRITE] = {"open for writing", F_IO | F_MFILE | F_ROFS},
	[CALL_OPEN] = {"open", F_IO | F_MFILE},
	[CALL_DESCRIPTOR] = {"make a descriptor", F_MFILE},
	[CALL_NAME] = {"name", F_KILL | F_FULL | F_IO | F_ROFS},
	[CALL_REMOVE] = {"remove", F_KILL | F_IO | F_ROFS},
	[CALL_INODE] = {"change", F_KILL | F_IO | F_ROFS},
	[CALL_SYNC] = {"sync", F_KILL | F_FULL | F_IO},
	[CALL_LOCK] = {"lock", F_IO},
	[CALL_SEND] = {"send", F_KILL | F_RESET},
	[CALL_FORK] = {"fork", F_AGAIN},
};

static struct page *page; /* NULL: this program is left alone */
static unsigned fault, at;
static int error;
static bool sticky;

/* The function that is hidden by ours. */
#define NEXT(name)                                                                       \
	({                                                                               \
		static __typeof__(&name) next_;                                          \
		if (!next_)                                                              \
			next_ = (__typeof__(&name))dlsym(RTLD_NEXT, #name);              \
		next_;                                                                   \
	})

/* --- the page --------------------------------------------------------------------- */

static void enlist(void)
{
	unsigned i = atomic_fetch_add(&page->npids, 1);

	if (i < PAGE_PIDS)
		page->pids[i] = getpid();
}

static bool concerns_us(void)
{
	char exe[4096];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	if (n < 0)
		return false;
	exe[n] = '\0';
	const char *base = strrchr(exe, '/') + 1;
	return strcmp(base, "kbuild") == 0 || strcmp(base, "kbuild-fetch") == 0;
}

__attribute__((constructor)) static void begin(void)
{
	const char *file = getenv("FAULT_PAGE"), *name = getenv("FAULT");
	const char *number = getenv("FAULT_AT");

	if (!file || !name || !concerns_us())
		return;
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
		if (strcmp(faults[i].name, name) == 0) {
			fault = faults[i].fault;
			error = faults[i].error;
		}
	}
	at = number ? (unsigned)atoi(number) : 0;
	sticky = getenv("FAULT_STICKY") != NULL;
	int fd = NEXT(open)(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (!fault || fd < 0 || NEXT(ftruncate)(fd, sizeof(*page)) < 0)
		abort();
	page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED)
		abort();
	close(fd);
	enlist();
	pthread_atfork(NULL, NULL, enlist);
}

static void end_all(void)
{
	if (!atomic_exchange(&page->dead, 1)) {
		for (unsigned i = 0; i < page->npids && i < PAGE_PIDS; i++)
			if (page->pids[i] != getpid())
				kill(page->pids[i], SIGKILL);
	}
	for (;;)
		kill(getpid(), SIGKILL);
}

static void describe(enum call call, int fd, const char *path, unsigned n)
{
	char link[64], dir[256] = "";

	if (fd >= 0) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		ssize_t len = readlink(link, dir, sizeof(dir) - 1);
		dir[len < 0 ? 0 : len] = '\0';
	}
	snprintf(page->text, sizeof(page->text), "%u: %s %s%s%s by %s\n", n,
		 calls[call].name, dir, *dir && path ? "/" : "", path ? path : "",
		 program_invocation_short_name);
}

/* Everything of the system's own that is no disk. */
static bool no_disk(const char *path)
{
	return path &&
	       (strncmp(path, "/proc/", 6) == 0 || strncmp(path, "/dev/", 5) == 0);
}

/* Of what is opened below /proc, which is thousands of files, every sixteenth counts. */
static bool passed_over(enum call call, int fd)
{
	static unsigned n;
	struct statfs fs;

	return (call == CALL_OPEN || call == CALL_READ) && fd >= 0 &&
	       fstatfs(fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC &&
	       !(sticky && at && page->points >= at) && ++n % 16;
}

/* True: the call at hand is hit, errno says how. For a kill the caller ends all. */
static bool hit(enum call call, int fd, const char *path)
{
	if (!page)
		return false;
	if (page->dead)
		end_all();
	if (!(calls[call].faults & fault) || (fault != F_MFILE && no_disk(path)) ||
	    passed_over(call, fd))
		return false;
	unsigned n = atomic_fetch_add(&page->points, 1) + 1;
	if (!at || (sticky ? n < at : n != at))
		return false;
	if (n == at)
		describe(call, fd, path, n);
	errno = error;
	return true;
}

/* The same for calls that happen wholly or not at all. */
static bool fails(enum call call, int fd, const char *path)
{
	if (!hit(call, fd, path))
		return false;
	if (fault == F_KILL)
		end_all();
	return true;
}

/* Files that have a name, and not what we say: its loss would hide the rest. */
static bool counts(int fd)
{
	struct stat st;

	return page && fd != STDERR_FILENO && fstat(fd, &st) == 0 &&
	       S_ISREG(st.st_mode) && st.st_nlink;
}

/*
 * How much of n bytes is still written: all, or half of them before the end; a full disk
 * takes what fits and says so the next time. -1: nothing, errno is set.
 */
static ssize_t share(int fd, size_t n)
{
	if (!counts(fd) || !hit(CALL_WRITE, fd, NULL))
		return (ssize_t)n;
	bool first = page->points == at;
	return fault == F_KILL || (sticky && first && n > 1) ? (ssize_t)(n / 2) : -1;
}

static void after_write(void)
{
	if (page && fault == F_KILL && at && page->points >= at)
		end_all();
}

/* --- bytes ------------------------------------------------------------------------ */

ssize_t write(int fd, const void *bytes, size_t n)
{
	ssize_t part = share(fd, n);

	if (part < 0)
		return -1;
	ssize_t done = NEXT(write)(fd, bytes, (size_t)part);
	after_write();
	return done;
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t offset)
{
	ssize_t part = share(fd, n);

	if (part < 0)
		return -1;
	ssize_t done = NEXT(pwrite64)(fd, bytes, (size_t)part, offset);
	after_write();
	return done;
}

/* Whole or not at all: nobody here gathers much. */
#define OF_FILE(call, fd) (counts(fd) && fails(call, fd, NULL))

ssize_t read(int fd, void *bytes, size_t n)
{
	return OF_FILE(CALL_READ, fd) ? -1 : NEXT(read)(fd, bytes, n);
}

ssize_t pread64(int fd, void *bytes, size_t n, off64_t offset)
{
	return OF_FILE(CALL_READ, fd) ? -1 : NEXT(pread64)(fd, bytes, n, offset);
}

ssize_t writev(int fd, const struct iovec *v, int n)
{
	return OF_FILE(CALL_WRITE, fd) ? -1 : NEXT(writev)(fd, v, n);
}

ssize_t copy_file_range(int in, off64_t *from, int out, off64_t *to, size_t n,
			unsigned flags)
{
	return OF_FILE(CALL_WRITE, out)
		       ? -1
		       : NEXT(copy_file_range)(in, from, out, to, n, flags);
}

ssize_t sendfile64(int out, int in, off64_t *from, size_t n)
{
	return OF_FILE(CALL_WRITE, out) ? -1 : NEXT(sendfile64)(out, in, from, n);
}

int ftruncate64(int fd, off64_t n)
{
	return OF_FILE(CALL_WRITE, fd) ? -1 : NEXT(ftruncate64)(fd, n);
}

int fallocate64(int fd, int mode, off64_t from, off64_t n)
{
	return OF_FILE(CALL_WRITE, fd) ? -1 : NEXT(fallocate64)(fd, mode, from, n);
}

/* stdio's own calls cannot be hidden: what it is about to write counts. */
static bool stream_fails(FILE *f, size_t more)
{
	if (!f || __fpending(f) + more == 0 ||
	    (more && __fpending(f) + more < __fbufsize(f)))
		return false;
	if (!counts(fileno(f)) || !fails(CALL_WRITE, fileno(f), NULL))
		return false;
	__fpurge(f);
	return true;
}

size_t fwrite(const void *bytes, size_t size, size_t n, FILE *f)
{
	return stream_fails(f, size * n) ? 0 : NEXT(fwrite)(bytes, size, n, f);
}

int fflush(FILE *f)
{
	return stream_fails(f, 0) ? EOF : NEXT(fflush)(f);
}

int fclose(FILE *f)
{
	bool failed = stream_fails(f, 0);
	int rc = NEXT(fclose)(f);

	errno = failed ? error : errno;
	return failed ? EOF : rc;
}

/* --- opening ---------------------------------------------------------------------- */

static bool there(int dir, const char *path)
{
	struct stat st;

	return page && fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static enum call open_kind(int dir, const char *path, int flags)
{
	if (flags & O_TRUNC || (flags & O_CREAT && !there(dir, path)))
		return CALL_CREATE;
	return (flags & O_ACCMODE) == O_RDONLY ? CALL_OPEN : CALL_OPEN_WRITE;
}

static int open_at(int dir, const char *path, int flags, mode_t mode)
{
	if (fails(open_kind(dir, path, flags), dir, path))
		return -1;
	return NEXT(openat64)(dir, path, flags, mode);
}

static mode_t mode_of(int flags, va_list *ap)
{
	return flags & (O_CREAT | __O_TMPFILE) ? va_arg(*ap, mode_t) : 0;
}

#define OPEN(name, dir, ...)                                                             \
	int name(__VA_ARGS__, int flags, ...)                                            \
	{                                                                                \
		va_list ap;                                                              \
                                                                                         \
		va_start(ap, flags);                                                     \
		mode_t mode = mode_of(flags, &ap);                                       \
		va_end(ap);                                                              \
		return open_at(dir, path, flags, mode);                                  \
	}
OPEN(open64, AT_FDCWD, const char *path)
OPEN(openat64, dir, int dir, const char *path)
OPEN(open, AT_FDCWD, const char *path)
OPEN(openat, dir, int dir, const char *path)

FILE *fopen64(const char *path, const char *mode)
{
	enum call call = *mode == 'w'          ? CALL_CREATE
			 : strpbrk(mode, "a+") ? CALL_OPEN_WRITE
					       : CALL_OPEN;

	return fails(call, AT_FDCWD, path) ? NULL : NEXT(fopen64)(path, mode);
}

FILE *fopen(const char *path, const char *mode)
{
	return fopen64(path, mode);
}

DIR *opendir(const char *path)
{
	return fails(CALL_OPEN, AT_FDCWD, path) ? NULL : NEXT(opendir)(path);
}

int mkstemp64(char *template)
{
	return fails(CALL_CREATE, AT_FDCWD, template) ? -1 : NEXT(mkstemp64)(template);
}

int mkostemp64(char *template, int flags)
{
	return fails(CALL_CREATE, AT_FDCWD, template) ? -1
						      : NEXT(mkostemp64)(template, flags);
}

int mkostemp(char *template, int flags)
{
	return mkostemp64(template, flags);
}

int mkstemp(char *template)
{
	return mkstemp64(template);
}

/* What checked builds of libraries call when there is no mode. */
int __open_2(const char *path, int flags);
int __open_2(const char *path, int flags)
{
	return open_at(AT_FDCWD, path, flags, 0);
}

int __openat_2(int dir, const char *path, int flags);
int __openat_2(int dir, const char *path, int flags)
{
	return open_at(dir, path, flags, 0);
}

/* --- the rest, which happens or does not ---------------------------------------------
 */

/* Names: what is there already is not made, and what is not there is not removed. */
#define NEW_NAME(fd, path)  (!there(fd, path) && fails(CALL_NAME, fd, path))
#define LOST_NAME(fd, path) (there(fd, path) && fails(CALL_REMOVE, fd, path))

#define WHEN(name, params, args, failed)                                                 \
	int name params                                                                  \
	{                                                                                \
		return failed ? -1 : NEXT(name) args;                                    \
	}
WHEN(mkdir, (const char *p, mode_t m), (p, m), NEW_NAME(AT_FDCWD, p))
WHEN(mkdirat, (int d, const char *p, mode_t m), (d, p, m), NEW_NAME(d, p))
WHEN(unlink, (const char *p), (p), LOST_NAME(AT_FDCWD, p))
WHEN(unlinkat, (int d, const char *p, int flags), (d, p, flags), LOST_NAME(d, p))
WHEN(rmdir, (const char *p), (p), LOST_NAME(AT_FDCWD, p))

#define CALL(type, name, params, args, call, fd, path)                                   \
	type name params                                                                 \
	{                                                                                \
		return fails(call, fd, path) ? -1 : NEXT(name) args;                     \
	}

CALL(int, rename, (const char *a, const char *b), (a, b), CALL_NAME, -1, b)
CALL(int, renameat, (int da, const char *a, int db, const char *b), (da, a, db, b),
     CALL_NAME, db, b)
CALL(int, renameat2, (int da, const char *a, int db, const char *b, unsigned flags),
     (da, a, db, b, flags), CALL_NAME, db, b)
CALL(int, link, (const char *a, const char *b), (a, b), CALL_NAME, -1, b)
CALL(int, linkat, (int da, const char *a, int db, const char *b, int flags),
     (da, a, db, b, flags), CALL_NAME, db, b)
CALL(int, symlink, (const char *a, const char *b), (a, b), CALL_NAME, -1, b)
CALL(int, symlinkat, (const char *a, int d, const char *b), (a, d, b), CALL_NAME, d, b)
CALL(int, mkfifo, (const char *p, mode_t m), (p, m), CALL_NAME, -1, p)

CALL(int, chmod, (const char *p, mode_t m), (p, m), CALL_INODE, -1, p)
CALL(int, fchmod, (int fd, mode_t m), (fd, m), CALL_INODE, fd, NULL)
CALL(int, fchmodat, (int d, const char *p, mode_t m, int flags), (d, p, m, flags),
     CALL_INODE, d, p)
CALL(int, fchown, (int fd, uid_t u, gid_t g), (fd, u, g), CALL_INODE, fd, NULL)
CALL(int, lchown, (const char *p, uid_t u, gid_t g), (p, u, g), CALL_INODE, -1, p)
CALL(int, fchownat, (int d, const char *p, uid_t u, gid_t g, int flags),
     (d, p, u, g, flags), CALL_INODE, d, p)
CALL(int, futimens, (int fd, const struct timespec t[2]), (fd, t), CALL_INODE, fd, NULL)
CALL(int, utimensat, (int d, const char *p, const struct timespec t[2], int flags),
     (d, p, t, flags), CALL_INODE, d, p)
CALL(int, utimes, (const char *p, const struct timeval t[2]), (p, t), CALL_INODE, -1, p)
CALL(int, lutimes, (const char *p, const struct timeval t[2]), (p, t), CALL_INODE, -1, p)
CALL(int, lremovexattr, (const char *p, const char *n), (p, n), CALL_INODE, -1, p)

CALL(int, fsync, (int fd), (fd), CALL_SYNC, fd, NULL)
CALL(int, fdatasync, (int fd), (fd), CALL_SYNC, fd, NULL)
CALL(int, syncfs, (int fd), (fd), CALL_SYNC, fd, NULL)

CALL(int, pipe, (int v[2]), (v), CALL_DESCRIPTOR, -1, "a pipe")
CALL(int, pipe2, (int v[2], int flags), (v, flags), CALL_DESCRIPTOR, -1, "a pipe")
CALL(int, bind, (int fd, const struct sockaddr *a, socklen_t n), (fd, a, n), CALL_NAME,
     -1, "a socket")
CALL(int, accept4, (int fd, struct sockaddr *a, socklen_t *n, int flags),
     (fd, a, n, flags), CALL_DESCRIPTOR, -1, "a connection")
CALL(int, eventfd, (unsigned n, int flags), (n, flags), CALL_DESCRIPTOR, -1, "events")
CALL(int, dup, (int fd), (fd), CALL_DESCRIPTOR, fd, NULL)
CALL(int, socket, (int domain, int type, int protocol), (domain, type, protocol),
     CALL_DESCRIPTOR, -1, "a socket")
CALL(int, socketpair, (int domain, int type, int protocol, int v[2]),
     (domain, type, protocol, v), CALL_DESCRIPTOR, -1, "sockets")
CALL(int, memfd_create, (const char *name, unsigned flags), (name, flags),
     CALL_DESCRIPTOR, -1, name)
CALL(int, signalfd, (int fd, const sigset_t *set, int flags), (fd, set, flags),
     CALL_DESCRIPTOR, -1, "signals")

CALL(ssize_t, send, (int fd, const void *p, size_t n, int flags), (fd, p, n, flags),
     CALL_SEND, fd, NULL)
CALL(ssize_t, sendmsg, (int fd, const struct msghdr *m, int flags), (fd, m, flags),
     CALL_SEND, fd, NULL)
CALL(pid_t, fork, (void), (), CALL_FORK, -1, "a process")

/* A lock that is taken already is an answer, and none of these. */
CALL(int, flock, (int fd, int how), (fd, how), CALL_LOCK, fd, NULL)

#define SAME(type, name, other, params) type name params __attribute__((alias(#other)));
SAME(ssize_t, pread, pread64, (int fd, void *bytes, size_t n, off_t offset))
SAME(ssize_t, pwrite, pwrite64, (int fd, const void *bytes, size_t n, off_t offset))
SAME(ssize_t, sendfile, sendfile64, (int out, int in, off_t *from, size_t n))
SAME(int, ftruncate, ftruncate64, (int fd, off_t n))
SAME(int, fallocate, fallocate64, (int fd, int mode, off_t from, off_t n))
