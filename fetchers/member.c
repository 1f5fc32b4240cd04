// SPDX-License-Identifier: MIT
#include "fetchers/member.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/dir.h"

enum { BLOCK = 256 * 1024 };

static const uint64_t BYTES_LIMIT = 64ull << 30, BYTES_FREE = 256ull << 20;
static const uint64_t RATIO_LIMIT = 400, MEMBERS_LIMIT = 4000000;

static struct archive *new_reader(enum reader_kind kind)
{
	struct archive *a = archive_read_new();

	if (!a)
		BUG("libarchive gives no reader");
	if (kind == READER_AR) {
		archive_read_support_format_ar(a);
		return a;
	}
	archive_read_support_format_tar(a);
	archive_read_support_format_gnutar(a);
	if (kind == READER_SOURCE) {
		archive_read_support_format_zip(a);
		archive_read_support_format_empty(a);
	}
	archive_read_support_filter_gzip(a);
	archive_read_support_filter_bzip2(a);
	archive_read_support_filter_xz(a);
	archive_read_support_filter_lzma(a);
	archive_read_support_filter_zstd(a);
	archive_read_support_filter_lz4(a);
	archive_read_support_filter_lzip(a);
	return a;
}

static struct archive *refuse(struct archive *a, struct error *err)
{
	const char *why = archive_error_string(a);

	error_make(err, "cannot be read as an archive: %s", why ? why : "unknown format");
	archive_read_free(a);
	return NULL;
}

struct archive *reader_open(enum reader_kind kind, int fd, struct error *err)
{
	struct archive *a = new_reader(kind);

	if (archive_read_open_fd(a, fd, BLOCK) != ARCHIVE_OK)
		return refuse(a, err);
	return a;
}

static la_ssize_t read_outer(struct archive *a, void *ctx, const void **bytes)
{
	struct archive *outer = ctx;
	size_t n;
	la_int64_t off;
	int got = archive_read_data_block(outer, bytes, &n, &off);

	if (got == ARCHIVE_EOF)
		return 0;
	if (got >= ARCHIVE_WARN)
		return (la_ssize_t)n;
	archive_set_error(a, EIO, "%s", archive_error_string(outer));
	return -1;
}

struct archive *reader_inside(enum reader_kind kind, struct archive *outer,
			      struct error *err)
{
	struct archive *a = new_reader(kind);

	if (archive_read_open(a, outer, NULL, read_outer, NULL) != ARCHIVE_OK)
		return refuse(a, err);
	return a;
}

int reader_next(struct archive *a, const char *what, struct archive_entry **entry,
		struct error *err)
{
	int got;

	do
		got = archive_read_next_header(a, entry);
	while (got == ARCHIVE_RETRY);
	if (got == ARCHIVE_EOF)
		return 0;
	/* a warning is about names in odd character sets: the member itself is there */
	const char *why = archive_error_string(a);
	if (got >= ARCHIVE_WARN && archive_entry_pathname(*entry)) {
		if (archive_entry_filetype(*entry) != AE_IFLNK ||
		    archive_entry_symlink(*entry) || archive_entry_hardlink(*entry))
			return 1;
		why = "link without a target";
	}
	return error_make(err, "%s is damaged: %s", what,
			  why ? why : "member without a name");
}

struct bounds bounds_of(uint64_t size)
{
	struct bounds b = {.bytes_left = BYTES_LIMIT, .members_left = MEMBERS_LIMIT};

	if (size < (BYTES_LIMIT - BYTES_FREE) / RATIO_LIMIT)
		b.bytes_left = BYTES_FREE + size * RATIO_LIMIT;
	return b;
}

int bounds_member(struct bounds *b, const char *path, struct error *err)
{
	if (b->members++ < b->members_left)
		return 0;
	return error_make(err, "refused at member '%s': more than %llu members", path,
			  (unsigned long long)b->members_left);
}

static int too_big(const char *path, struct error *err)
{
	return error_make(err,
			  "member '%s' makes the tree absurdly large for the size of its "
			  "archive",
			  path);
}

static int pwrite_all(int fd, const char *p, size_t n, la_int64_t off)
{
	while (n) {
		ssize_t done = pwrite(fd, p, n, off);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -1;
		p += done;
		off += done;
		n -= (size_t)done;
	}
	return 0;
}

static int copy_data(struct archive *a, int fd, const char *path, struct bounds *b,
		     struct error *err)
{
	uint64_t end = 0;

	for (;;) {
		const void *bytes;
		size_t n;
		la_int64_t off;
		int got = archive_read_data_block(a, &bytes, &n, &off);

		if (got == ARCHIVE_EOF)
			break;
		if (got == ARCHIVE_RETRY)
			continue;
		if (got < ARCHIVE_WARN)
			return error_make(err, "member '%s' is damaged: %s", path,
					  archive_error_string(a));
		if (off < 0 || (uint64_t)off + n > b->bytes_left)
			return too_big(path, err);
		if (pwrite_all(fd, bytes, n, off) < 0)
			return error_errno(err, "cannot write '%s'", path);
		if ((uint64_t)off + n > end)
			end = (uint64_t)off + n;
	}
	b->bytes_left -= end;
	b->bytes += end;
	return 0;
}

int member_file(struct archive *a, struct archive_entry *entry, struct tree *t,
		const char *path, struct bounds *b, struct error *err)
{
	la_int64_t size = archive_entry_size(entry);

	if (size < 0 || (uint64_t)size > b->bytes_left)
		return too_big(path, err);
	autoclose int fd = tree_file(t, path, archive_entry_perm(entry) & 0111, err);
	if (fd < 0 || copy_data(a, fd, path, b, err) < 0)
		return -1;
	/* a hole at the end of a sparse file */
	if (archive_entry_sparse_count(entry) && ftruncate(fd, size) < 0)
		return error_errno(err, "cannot write '%s'", path);
	return 0;
}

const char *member_refused(struct archive_entry *entry)
{
	switch (archive_entry_filetype(entry)) {
	case AE_IFCHR:
	case AE_IFBLK:
		return "device node";
	case AE_IFIFO:
		return "FIFO";
	case AE_IFSOCK:
		return "socket";
	default:
		return NULL;
	}
}
