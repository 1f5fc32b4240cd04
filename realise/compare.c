// SPDX-License-Identifier: MIT
#include "realise/compare.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/argv.h"
#include "base/dir.h"

struct walk {
	struct arena *a;
	struct differences *out;
};

/* A node in one of the trees. */
struct side {
	int dir;
	const char *name;
};

static void found(struct walk *w, struct difference d, const char *path)
{
	if (w->out->total++ >= DIFFERENCES_MAX)
		return;
	d.path = arena_strdup(w->a, path);
	ARENA_PUSH(w->a, w->out->v, w->out->n, w->out->cap) = d;
}

static const char *type_of(mode_t mode)
{
	return S_ISDIR(mode) ? "a directory" : S_ISLNK(mode) ? "a link" : "a file";
}

static int compare_bytes(struct walk *w, const char *path, int a, int b,
			 struct error *err)
{
	enum { BLOCK = 128 * 1024 };
	autofree char *x = xmalloc(BLOCK), *y = xmalloc(BLOCK);

	for (uint64_t at = 0;; at += BLOCK) {
		ssize_t n = read_full(a, x, BLOCK), m = read_full(b, y, BLOCK);
		size_t same = 0;

		if (n < 0 || m < 0)
			return error_errno(err, "cannot read %s", path);
		size_t least = (size_t)(n < m ? n : m);
		if (memcmp(x, y, least) != 0)
			while (x[same] == y[same])
				same++;
		else
			same = least;
		if (same < least || n != m) {
			found(w,
			      (struct difference){.kind = DIFF_BYTES,
						  .offset = at + same},
			      path);
			return 0;
		}
		if (n < BLOCK)
			return 0;
	}
}

static int compare_files(struct walk *w, const char *path, struct side a, struct side b,
			 struct error *err)
{
	autoclose int x = openat(a.dir, a.name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	autoclose int y = openat(b.dir, b.name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (x < 0 || y < 0)
		return error_errno(err, "cannot open %s", path);
	return compare_bytes(w, path, x, y, err);
}

static int read_target(struct side s, struct arena *a, const char **out,
		       struct error *err)
{
	char target[4096];
	ssize_t n = readlinkat(s.dir, s.name, target, sizeof(target));

	if (n < 0)
		return error_errno(err, "cannot read the link %s", s.name);
	*out = arena_strndup(a, target, (size_t)n);
	return 0;
}

static int compare_links(struct walk *w, const char *path, struct side a, struct side b,
			 struct error *err)
{
	struct difference d = {.kind = DIFF_TARGET};

	if (read_target(a, w->a, &d.first, err) < 0 ||
	    read_target(b, w->a, &d.again, err) < 0)
		return -1;
	if (strcmp(d.first, d.again) != 0)
		found(w, d, path);
	return 0;
}

static int compare_nodes(struct walk *w, const char *path, struct side a, struct side b,
			 struct error *err);

static int compare_children(struct walk *w, const char *path, int a, int b,
			    struct error *err)
{
	autoargv struct argv x = {0}, y = {0};
	int rc = 0;

	if (dir_names(a, &x, err) < 0 || dir_names(b, &y, err) < 0)
		return -1;
	for (size_t i = 0, k = 0; rc == 0 && (i < x.n || k < y.n);) {
		int order = i == x.n ? 1 : k == y.n ? -1 : strcmp(x.v[i], y.v[k]);
		const char *name = order > 0 ? y.v[k] : x.v[i];
		autofree char *below = *path ? path_join(path, name) : xstrdup(name);

		if (order < 0)
			found(w, (struct difference){.kind = DIFF_REMOVED}, below);
		else if (order > 0)
			found(w, (struct difference){.kind = DIFF_ADDED}, below);
		else
			rc = compare_nodes(w, below, (struct side){a, name},
					   (struct side){b, name}, err);
		i += order <= 0;
		k += order >= 0;
	}
	return rc;
}

static int compare_dirs(struct walk *w, const char *path, struct side a, struct side b,
			struct error *err)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	autoclose int x = openat(a.dir, a.name, flags);
	autoclose int y = openat(b.dir, b.name, flags);

	if (x < 0 || y < 0)
		return error_errno(err, "cannot open %s", path);
	return compare_children(w, path, x, y, err);
}

static int compare_nodes(struct walk *w, const char *path, struct side a, struct side b,
			 struct error *err)
{
	struct stat s, t;

	if (fstatat(a.dir, a.name, &s, AT_SYMLINK_NOFOLLOW) < 0 ||
	    fstatat(b.dir, b.name, &t, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, "cannot read %s", *path ? path : a.name);
	if ((s.st_mode & S_IFMT) != (t.st_mode & S_IFMT)) {
		found(w,
		      (struct difference){.kind = DIFF_TYPE,
					  .first = type_of(s.st_mode),
					  .again = type_of(t.st_mode)},
		      path);
		return 0;
	}
	if (S_ISDIR(s.st_mode))
		return compare_dirs(w, path, a, b, err);
	if (S_ISLNK(s.st_mode))
		return compare_links(w, path, a, b, err);
	if ((s.st_mode ^ t.st_mode) & S_IXUSR)
		found(w,
		      (struct difference){
			      .kind = DIFF_MODE,
			      .first = s.st_mode & S_IXUSR ? "executable" : "plain",
			      .again = t.st_mode & S_IXUSR ? "executable" : "plain"},
		      path);
	return compare_files(w, path, a, b, err);
}

int compare_trees(const char *first, const char *again, struct arena *a,
		  struct differences *out, struct error *err)
{
	struct walk w = {a, out};

	*out = (struct differences){0};
	return compare_nodes(&w, "", (struct side){AT_FDCWD, first},
			     (struct side){AT_FDCWD, again}, err);
}
