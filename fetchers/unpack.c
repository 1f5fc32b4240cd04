// SPDX-License-Identifier: MIT
#include "fetchers/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "fetchers/deb.h"
#include "fetchers/member.h"

/* Where a hard link points to, below the root. */
static int hardlink(struct tree *t, const char *path, const char *raw, unsigned strip,
		    struct error *err)
{
	autobuf struct strbuf old = STRBUF_INIT;
	int kept = tree_member(raw, strip, &old, err);

	if (kept < 0)
		return error_wrap(err, "hard link '%s' leads out of the tree", path);
	if (!kept)
		return error_make(err, "hard link '%s' leads to '%s', which is stripped",
				  path, raw);
	return tree_hardlink(t, path, old.ptr, err);
}

static int one(struct archive *a, struct archive_entry *e, struct tree *t, unsigned strip,
	       struct bounds *b, struct error *err)
{
	const char *raw = archive_entry_pathname(e);
	const char *refused = member_refused(e);
	autobuf struct strbuf path = STRBUF_INIT;

	if (refused)
		return error_make(err, "member '%s' is a %s", raw, refused);
	int kept = tree_member(raw, strip, &path, err);
	if (kept <= 0)
		return kept;
	if (bounds_member(b, raw, err) < 0)
		return -1;
	if (archive_entry_hardlink(e))
		return hardlink(t, path.ptr, archive_entry_hardlink(e), strip, err);
	switch (archive_entry_filetype(e)) {
	case AE_IFDIR:
		return tree_dir(t, path.ptr, err);
	case AE_IFLNK:
		return tree_symlink(t, path.ptr, archive_entry_symlink(e), err);
	case AE_IFREG:
		return member_file(a, e, t, path.ptr, b, err);
	default:
		return error_make(err, "member '%s' is of an unknown kind", raw);
	}
}

static int all(struct archive *a, const char *what, struct tree *t, unsigned strip,
	       struct bounds *b, struct error *err)
{
	struct archive_entry *e;
	int more;

	while ((more = reader_next(a, what, &e, err)) > 0)
		if (one(a, e, t, strip, b, err) < 0)
			return -1;
	return more;
}

/* The tree's only directory takes the tree's place. 1 done, 0 it is not alone, -1. */
static int lift_only_dir(const char *dest, struct error *err)
{
	autoargv struct argv names = {0};
	autoclose int dir = open(dest, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (dir < 0)
		return error_errno(err, "cannot open %s", dest);
	if (dir_names(dir, &names, err) < 0)
		return error_wrap(err, "while looking at %s", dest);
	if (names.n != 1 || fstatat(dir, names.v[0], &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISDIR(st.st_mode))
		return 0;
	autofree char *aside = xasprintf("%s.strip", dest);
	autofree char *inner = path_join(aside, names.v[0]);
	if (rename(dest, aside) < 0 || rename(inner, dest) < 0 || rmdir(aside) < 0)
		return error_errno(err, "cannot move %s", dest);
	return 1;
}

static int read_archive(struct unpack *u, int fd, struct tree *t, struct bounds *b,
			struct error *err)
{
	unsigned strip = u->strip > 0 ? (unsigned)u->strip : 0;

	if (u->member) {
		autoreader struct archive *outer = NULL, *data = NULL, *inner = NULL;

		if (deb_member(fd, u->member, &outer, &data, err) < 0)
			return -1;
		inner = reader_inside(READER_TAR, data, err);
		return inner ? all(inner, u->member, t, strip, b, err) : -1;
	}
	autoreader struct archive *a = reader_open(READER_SOURCE, fd, err);
	return a ? all(a, "the archive", t, strip, b, err) : -1;
}

static int fill(struct unpack *u, struct error *err)
{
	autotree struct tree *t = NULL;
	autoclose int fd = open(u->archive, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return error_errno(err, "cannot open %s", u->archive);
	if (tree_create(u->dest, 0, &t, err) < 0)
		return -1;
	struct bounds b = bounds_of((uint64_t)st.st_size);
	if (read_archive(u, fd, t, &b, err) < 0)
		return error_wrap(err, "cannot unpack %s", u->archive);
	if (!b.members)
		return error_make(err, "%s has no members%s", u->archive,
				  u->strip > 0 ? " left after strip" : "");
	return 0;
}

int unpack_run(struct unpack *u, struct error *err)
{
	autoerror struct error quiet = {0};

	if (fill(u, err) == 0) {
		if (u->strip != STRIP_AUTO)
			return 0;
		u->strip = lift_only_dir(u->dest, err);
		if (u->strip >= 0)
			return 0;
	}
	dir_remove(AT_FDCWD, u->dest, &quiet);
	return -1;
}
