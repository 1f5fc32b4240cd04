// SPDX-License-Identifier: MIT
#include "cli/export_items.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "base/alloc.h"
#include "base/dir.h"

/* The folder a path is in; -1 with errno ENOENT when it does not exist yet. */
static int open_parent(const struct export_place *x, const struct export_item *item,
		       bool make, struct error *err)
{
	autofree char *path = xstrdup(item->path);
	int at = fcntl(x->dir, F_DUPFD_CLOEXEC, 0);

	for (char *part = path, *slash; at >= 0 && (slash = strchr(part, '/'));
	     part = slash + 1) {
		*slash = '\0';
		autoclose int above = at;
		if (make && mkdirat(above, part, 0777) < 0 && errno != EEXIST) {
			at = error_errno(err, "cannot create %s/%s", x->shown, path);
			break;
		}
		at = openat(above, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (at < 0 && (errno == ELOOP || errno == ENOTDIR)) {
			error_at(err, item->at,
				 "%s/%s is no folder: exports follow no links", x->shown,
				 path);
			error_hint(err, "remove it, or export to where it leads");
		} else if (at < 0 && errno != ENOENT) {
			error_errno(err, "cannot open %s/%s", x->shown, path);
		}
		*slash = '/';
	}
	return at;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The bytes of an item: mapped, for some are big. */
struct bytes {
	const char *ptr;
	size_t len;
	bool mapped, runs;
};

static int open_bytes(const struct export_place *x, const struct export_item *item,
		      struct bytes *out, struct error *err)
{
	struct stat st;

	*out = (struct bytes){item->bytes, item->len, false, false};
	if (item->bytes)
		return 0;
	autoclose int fd = dir_open_inside(x->store, item->source, O_RDONLY);
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_errno(err, "cannot open %s", item->source);
	*out = (struct bytes){"", (size_t)st.st_size, false, st.st_mode & 0100};
	if (out->len == 0)
		return 0;
	void *map = mmap(NULL, out->len, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return error_errno(err, "cannot read %s", item->source);
	out->ptr = map;
	out->mapped = true;
	return 0;
}

static void close_bytes(struct bytes *b)
{
	if (b->mapped)
		munmap((void *)b->ptr, b->len);
}

static bool same_bytes(int dir, const char *name, const struct bytes *want)
{
	autoclose int fd =
		openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char buf[65536];
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    (size_t)st.st_size != want->len || !(st.st_mode & 0100) == want->runs)
		return false;
	for (size_t at = 0; at < want->len;) {
		ssize_t n = read_full(fd, buf, sizeof(buf));

		if (n <= 0 || at + (size_t)n > want->len ||
		    memcmp(buf, want->ptr + at, (size_t)n) != 0)
			return false;
		at += (size_t)n;
	}
	return true;
}

int export_compare(const struct export_place *x, struct export_item *item,
		   struct error *err)
{
	const char *name = base_name(item->path);
	struct bytes want;
	struct stat st;

	item->differs = true;
	if (x->dir < 0)
		return 0;
	autoclose int dir = open_parent(x, item, false, err);
	if (dir < 0)
		return error_is_set(err) ? -1 : 0;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	if (S_ISDIR(st.st_mode) != item->is_dir)
		return error_at(err, item->at, "%s/%s is %s already", x->shown,
				item->path, item->is_dir ? "a file" : "a folder");
	if (item->is_dir) {
		item->differs = false;
	} else if (item->link) {
		autofree char *target = dir_link_target(dir, name);

		item->differs = !target || strcmp(target, item->link) != 0;
	} else {
		if (open_bytes(x, item, &want, err) < 0)
			return -1;
		item->differs = !same_bytes(dir, name, &want);
		close_bytes(&want);
	}
	return 0;
}

int export_put(const struct export_place *x, const struct export_item *item,
	       struct error *err)
{
	const char *name = base_name(item->path);
	autoclose int dir = open_parent(x, item, true, err);
	struct bytes b;
	int rc;

	if (dir < 0)
		return error_is_set(err) ? -1
					 : error_errno(err, "cannot create %s/%s",
						       x->shown, item->path);
	if (item->is_dir) {
		rc = mkdirat(dir, name, 0777) < 0 && errno != EEXIST
			     ? error_errno(err, "cannot create %s", name)
			     : 0;
	} else if (item->link) {
		rc = dir_link(dir, name, item->link, err);
	} else {
		if (open_bytes(x, item, &b, err) < 0)
			return -1;
		rc = dir_write(dir, name, b.ptr, b.len, b.runs ? 0777 : 0666, false, err);
		close_bytes(&b);
	}
	return rc < 0 ? error_wrap(err, "while exporting %s/%s", x->shown, item->path)
		      : 0;
}
