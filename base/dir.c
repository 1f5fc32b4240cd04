// SPDX-License-Identifier: MIT
#include "base/dir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>

#include "base/alloc.h"

int read_all(int fd, size_t max, struct strbuf *out, struct error *err)
{
	for (;;) {
		strbuf_reserve(out, 32 * 1024);
		ssize_t n = read(fd, out->ptr + out->len, out->cap - out->len - 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(err, "cannot read");
		if (n == 0)
			break;
		out->len += (size_t)n;
		if (out->len > max)
			return error_make(err, "more than %zu bytes", max);
	}
	out->ptr[out->len] = '\0';
	return 0;
}

int dir_open_file(int dir, const char *path, bool inside)
{
	/* O_NONBLOCK: a pipe or a device must not stop us before we know what it is. */
	const struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		.resolve = inside ? RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS : 0,
	};
	int fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	errno = EINVAL;
	return -1;
}

ssize_t read_full(int fd, void *bytes, size_t n)
{
	size_t have = 0;

	while (have < n) {
		ssize_t got = read(fd, (char *)bytes + have, n - have);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		have += (size_t)got;
	}
	return (ssize_t)have;
}

int write_all(int fd, const void *bytes, size_t n)
{
	const char *p = bytes;

	while (n) {
		ssize_t done = write(fd, p, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -1;
		p += done;
		n -= (size_t)done;
	}
	return 0;
}

int dir_read(int dir, const char *path, struct strbuf *out, struct error *err)
{
	autoclose int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return error_errno(err, "cannot open %s", path);
	if (read_all(fd, SIZE_MAX / 2, out, err) < 0)
		return error_wrap(err, "while reading %s", path);
	return 0;
}

/* `path` with a random tail, in the same directory. */
static char *temp_name(const char *path)
{
	static const char letters[] = "0123456789abcdfghijklmnpqrsvwxyz";
	unsigned char random[8];
	char tail[9] = {0};

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		BUG("getrandom gives no bytes");
	for (size_t i = 0; i < sizeof(random); i++)
		tail[i] = letters[random[i] & 31];
	return xasprintf("%s%s", path, tail);
}

int dir_open_inside(int root, const char *path, int flags)
{
	struct open_how how = {.flags = (unsigned int)(flags | O_CLOEXEC),
			       .resolve = RESOLVE_IN_ROOT};

	return (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
}

char *dir_link_target(int dir, const char *path)
{
	char text[PATH_MAX];
	ssize_t n = readlinkat(dir, path, text, sizeof(text));

	return n >= 0 ? xstrndup(text, (size_t)n) : NULL;
}

void dir_clear_temps(int dir, const char *path)
{
	enum { AGE_S = 60 * 60 };
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	autofree char *parent =
		slash ? xstrndup(path, (size_t)(slash - path) + 1) : xstrdup(".");
	autofree char *stem = xasprintf("%s.tmp-", base);
	autoargv struct argv names = {0};
	autoerror struct error ignored = {0};
	autoclose int fd = openat(dir, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || dir_names(fd, &names, &ignored) < 0)
		return;
	for (size_t i = 0; i < names.n; i++)
		if (str_starts(names.v[i], stem) &&
		    fstatat(fd, names.v[i], &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    st.st_mtim.tv_sec < time(NULL) - AGE_S)
			unlinkat(fd, names.v[i], 0);
}

/* A name for a neighbour, after those that crashed writers left are gone. */
static char *neighbour(int dir, const char *path)
{
	autofree char *stem = xasprintf("%s.tmp-", path);

	dir_clear_temps(dir, path);
	return temp_name(stem);
}

int dir_write(int dir, const char *path, const void *bytes, size_t n, mode_t mode,
	      bool sync, struct error *err)
{
	autofree char *temp = neighbour(dir, path);
	autoclose int fd = openat(
		dir, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);

	if (fd < 0)
		return error_errno(err, "cannot create %s", path);
	if (write_all(fd, bytes, n) < 0 || (sync && fsync(fd) < 0) ||
	    renameat(dir, temp, dir, path) < 0) {
		error_errno(err, "cannot write %s", path);
		unlinkat(dir, temp, 0);
		return -1;
	}
	return 0;
}

int dir_link(int dir, const char *path, const char *target, struct error *err)
{
	autofree char *temp = neighbour(dir, path);

	if (symlinkat(target, dir, temp) == 0 && renameat(dir, temp, dir, path) == 0)
		return 0;
	error_errno(err, "cannot make the link %s", path);
	unlinkat(dir, temp, 0);
	return -1;
}

int dir_make(int dir, const char *path, mode_t mode, struct error *err)
{
	autofree char *p = xstrdup(path);

	for (char *s = p + 1; *p && *s; s++) {
		if (*s != '/')
			continue;
		*s = '\0';
		if (mkdirat(dir, p, mode) < 0 && errno != EEXIST)
			return error_errno(err, "cannot create directory %s", p);
		*s = '/';
	}
	if (mkdirat(dir, p, mode) < 0 && errno != EEXIST)
		return error_errno(err, "cannot create directory %s", p);
	return 0;
}

/* Bytes that go when a name does: a hard-linked file's only with its last name. */
static void count_freed(const struct stat *st, uint64_t *freed)
{
	if (S_ISDIR(st->st_mode) || st->st_nlink == 1)
		*freed += (uint64_t)st->st_blocks * 512;
}

/* unlinkat, counting if asked to. */
static int remove_name(int dir, const char *name, uint64_t *freed)
{
	struct stat st;

	if (!freed)
		return unlinkat(dir, name, 0);
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    unlinkat(dir, name, 0) < 0)
		return -1;
	count_freed(&st, freed);
	return 0;
}

static int remove_tree(int dir, const char *name, uint64_t *freed, struct error *err);

static int remove_children(int dir, const char *name, uint64_t *freed, struct error *err)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return error_errno(err, "cannot open %s", name);
	autodir DIR *d = fdopendir(fd);
	if (!d)
		BUG("fdopendir");
	for (struct dirent *e; (e = readdir(d));) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (e->d_type != DT_DIR && remove_name(fd, e->d_name, freed) == 0)
			continue;
		if (remove_tree(fd, e->d_name, freed, err) < 0)
			return -1;
	}
	return 0;
}

static int remove_tree(int dir, const char *name, uint64_t *freed, struct error *err)
{
	if (remove_name(dir, name, freed) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return error_errno(err, "cannot remove %s", name);
	struct stat st;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode))
		return error_errno(err, "cannot remove %s", name);
	if ((st.st_mode & 0700) != 0700 && fchmodat(dir, name, 0700, 0) < 0)
		return error_errno(err, "cannot make %s writable", name);
	if (remove_children(dir, name, freed, err) < 0)
		return -1;
	if (unlinkat(dir, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return error_errno(err, "cannot remove %s", name);
	if (freed)
		count_freed(&st, freed);
	return 0;
}

int dir_remove(int dir, const char *path, struct error *err)
{
	return remove_tree(dir, path, NULL, err);
}

int dir_remove_count(int dir, const char *path, uint64_t *freed, struct error *err)
{
	return remove_tree(dir, path, freed, err);
}

int dir_names(int dir, struct argv *names, struct error *err)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return error_errno(err, "cannot list a directory");
	autodir DIR *d = fdopendir(fd);
	if (!d)
		BUG("fdopendir");
	errno = 0;
	for (struct dirent *e; (e = readdir(d));)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			argv_push(names, e->d_name);
	if (errno)
		return error_errno(err, "cannot list a directory");
	argv_sort(names);
	return 0;
}

int dir_temp(int dir, const char *prefix, char **name, struct error *err)
{
	for (int tries = 0; tries < 100; tries++) {
		autofree char *temp = temp_name(prefix);

		if (mkdirat(dir, temp, 0700) == 0) {
			*name = take_ptr(&temp);
			return 0;
		}
		if (errno != EEXIST)
			return error_errno(err, "cannot create directory %s", temp);
	}
	return error_make(err, "cannot find a free name for %s", prefix);
}

char *path_absolute(const char *path)
{
	return realpath(path, NULL);
}

char *path_join(const char *a, const char *b)
{
	bool slash = *a && a[strlen(a) - 1] == '/';

	return xasprintf("%s%s%s", a, slash || !*a ? "" : "/", b);
}
