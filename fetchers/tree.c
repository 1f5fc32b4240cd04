// SPDX-License-Identifier: MIT
#include "fetchers/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/dir.h"

enum {
	PATH_LIMIT = 4000,
	DEPTH_LIMIT = 200,
};

struct tree {
	int root;
	int parent;                /* descriptor of the directory `parent_path` names */
	struct strbuf parent_path; /* members of one directory come together */
};

int tree_create(const char *root, enum tree_flags flags, struct tree **out,
		struct error *err)
{
	if (!(flags & TREE_EXISTS) && mkdir(root, 0755) < 0)
		return error_errno(err, "cannot create directory %s", root);
	int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return error_errno(err, "cannot open directory %s", root);
	struct tree *t = xcalloc(1, sizeof(*t));
	t->root = fd;
	t->parent = -1;
	*out = t;
	return 0;
}

void tree_close(struct tree *t)
{
	if (!t)
		return;
	close(t->root);
	if (t->parent >= 0)
		close(t->parent);
	strbuf_finish(&t->parent_path);
	free(t);
}

int tree_member(const char *raw, unsigned strip, struct strbuf *out, struct error *err)
{
	struct str rest = str_of(raw);
	unsigned depth = 0;

	strbuf_reset(out);
	if (*raw == '/')
		return error_make(err, "member '%s' has an absolute path", raw);
	if (rest.len > PATH_LIMIT)
		return error_make(err, "member '%.60s...' has a path of %zu bytes", raw,
				  rest.len);
	while (rest.ptr) {
		struct str part = str_cut(&rest, '/');

		if (part.len == 0 || str_is(part, "."))
			continue;
		if (str_is(part, ".."))
			return error_make(err, "member '%s' has '..' in its path", raw);
		if (++depth > DEPTH_LIMIT)
			return error_make(err, "member '%.60s...' is too deep", raw);
		if (depth <= strip)
			continue;
		if (out->len)
			strbuf_addc(out, '/');
		strbuf_add(out, part.ptr, part.len);
	}
	if (!out->ptr)
		strbuf_adds(out, "");
	return depth > strip || (depth == 0 && strip == 0);
}

/* One component further: opens it, makes it if it is missing, never follows a link. */
static int step(int dir, const char *name, const char *path, bool make, struct error *err)
{
	static const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(dir, name, flags);

	if (fd < 0 && errno == ENOENT && make) {
		if (mkdirat(dir, name, 0755) < 0 && errno != EEXIST)
			return error_errno(err, "cannot create directory for '%s'", path);
		fd = openat(dir, name, flags);
	}
	if (fd >= 0)
		return fd;
	struct stat st;
	if ((errno == ENOTDIR || errno == ELOOP) &&
	    fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return error_make(err, "member '%s' goes through '%s', which is a %s",
				  path, name,
				  S_ISLNK(st.st_mode) ? "symbolic link" : "file");
	return error_errno(err, "cannot open the directory of '%s'", path);
}

/* The descriptor of path's directory, kept until another directory is asked for. */
static int parent_of(struct tree *t, const char *path, bool make, const char **base,
		     struct error *err)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) : 0;

	*base = slash ? slash + 1 : path;
	if (n == 0)
		return t->root;
	if (t->parent >= 0 && t->parent_path.len == n &&
	    memcmp(t->parent_path.ptr, path, n) == 0)
		return t->parent;

	autofree char *dirs = xstrndup(path, n);
	struct str rest = str_of(dirs);
	autoclose int at = dup(t->root);
	if (at < 0)
		return error_errno(err, "cannot open the directory of '%s'", path);
	while (rest.ptr) {
		struct str part = str_cut(&rest, '/');
		dirs[part.ptr + part.len - dirs] = '\0';
		int next = step(at, part.ptr, path, make, err);

		if (next < 0)
			return -1;
		close(at);
		at = next;
	}
	if (t->parent >= 0)
		close(t->parent);
	t->parent = take_fd(&at);
	strbuf_reset(&t->parent_path);
	strbuf_add(&t->parent_path, path, n);
	return t->parent;
}

/* Makes room for a file or link: what is there goes, unless it is a directory. */
static int clear(int dir, const char *base, const char *path, struct error *err)
{
	if (unlinkat(dir, base, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno == EISDIR || errno == EPERM)
		return error_make(err, "member '%s' would replace a directory", path);
	return error_errno(err, "cannot replace '%s'", path);
}

int tree_dir(struct tree *t, const char *path, struct error *err)
{
	const char *base;

	if (!*path)
		return 0;
	int dir = parent_of(t, path, true, &base, err);
	if (dir < 0)
		return -1;
	if (mkdirat(dir, base, 0755) == 0)
		return 0;
	if (errno != EEXIST)
		return error_errno(err, "cannot create directory '%s'", path);
	struct stat st;
	if (fstatat(dir, base, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
		return 0;
	return error_make(err, "member '%s' is a directory where a %s is already", path,
			  S_ISLNK(st.st_mode) ? "symbolic link" : "file");
}

int tree_file(struct tree *t, const char *path, bool executable, struct error *err)
{
	static const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	mode_t mode = executable ? 0755 : 0644;
	const char *base;

	if (!*path)
		return error_make(err,
				  "a member is a file where the top directory belongs");
	int dir = parent_of(t, path, true, &base, err);
	if (dir < 0)
		return -1;
	int fd = openat(dir, base, flags, mode);
	if (fd < 0 && errno == EEXIST) {
		if (clear(dir, base, path, err) < 0)
			return -1;
		fd = openat(dir, base, flags, mode);
	}
	if (fd < 0)
		return error_errno(err, "cannot create '%s'", path);
	return fd;
}

int tree_symlink(struct tree *t, const char *path, const char *target, struct error *err)
{
	const char *base;

	if (!*path || !*target)
		return error_make(err, "member '%s' is a link without a name or target",
				  path);
	int dir = parent_of(t, path, true, &base, err);
	if (dir < 0)
		return -1;
	if (symlinkat(target, dir, base) == 0)
		return 0;
	if (errno == EEXIST) {
		if (clear(dir, base, path, err) < 0)
			return -1;
		if (symlinkat(target, dir, base) == 0)
			return 0;
	}
	return error_errno(err, "cannot create link '%s'", path);
}

int tree_hardlink(struct tree *t, const char *path, const char *old, struct error *err)
{
	const char *base, *old_base;
	struct stat st;

	if (strcmp(path, old) == 0)
		return 0;
	int old_dir = parent_of(t, old, false, &old_base, err);
	if (old_dir < 0)
		return error_wrap(err, "hard link '%s' to '%s'", path, old);
	autoclose int from = dup(old_dir); /* the next look-up replaces old_dir */
	if (from < 0 || fstatat(from, old_base, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, "hard link '%s' to '%s'", path, old);
	if (!S_ISREG(st.st_mode))
		return error_make(err, "hard link '%s' to '%s', which is no regular file",
				  path, old);
	int dir = parent_of(t, path, true, &base, err);
	if (dir < 0 || clear(dir, base, path, err) < 0)
		return -1;
	if (linkat(from, old_base, dir, base, 0) < 0)
		return error_errno(err, "hard link '%s' to '%s'", path, old);
	return 0;
}

int tree_mode(struct tree *t, const char *path, struct error *err)
{
	const char *base;
	struct stat st;
	autoerror struct error quiet = {0};

	if (!*path)
		return S_IFDIR | 0755;
	int dir = parent_of(t, path, false, &base, &quiet);
	if (dir < 0)
		return 0; /* a component is missing or is no directory */
	if (fstatat(dir, base, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return (int)st.st_mode;
	if (errno == ENOENT || errno == ENOTDIR)
		return 0;
	return error_errno(err, "cannot look at '%s'", path);
}
