// SPDX-License-Identifier: MIT
#include "fetchers/inflate.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"

enum { BLOCK = 256 * 1024 };

struct inflate {
	int fd;
	struct archive *archive; /* NULL: the bytes are as they are */
	const char *name;
};

static const struct kind {
	const char *name;
	int code;
	int (*add)(struct archive *a);
} kinds[] = {
	{"none", ARCHIVE_FILTER_NONE, NULL},
	{"xz", ARCHIVE_FILTER_XZ, archive_read_support_filter_xz},
	{"zstd", ARCHIVE_FILTER_ZSTD, archive_read_support_filter_zstd},
	{"bzip2", ARCHIVE_FILTER_BZIP2, archive_read_support_filter_bzip2},
	{"gzip", ARCHIVE_FILTER_GZIP, archive_read_support_filter_gzip},
	{"lz4", ARCHIVE_FILTER_LZ4, archive_read_support_filter_lz4},
	{"lzip", ARCHIVE_FILTER_LZIP, archive_read_support_filter_lzip},
};

static const struct kind *kind_of(const char *name, struct error *err)
{
	autobuf struct strbuf all = STRBUF_INIT;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
		strbuf_printf(&all, "%s%s", i ? ", " : "", kinds[i].name);
	}
	error_class(err, ERROR_INFRA,
		    "compression '%s' is not known, expected one of: %s", name, all.ptr);
	return NULL;
}

int inflate_check(const char *compression, struct error *err)
{
	return kind_of(compression, err) ? 0 : -1;
}

static int damaged(const struct inflate *f, struct error *err)
{
	const char *why = archive_error_string(f->archive);

	return error_class(err, ERROR_INFRA, "cannot be read as %s: %s", f->name,
			   why ? why : "damaged");
}

/* libarchive would go on peeling: a layer below the declared one is refused. */
static int check_layers(const struct inflate *f, int code, struct error *err)
{
	if (archive_filter_count(f->archive) == 2 &&
	    archive_filter_code(f->archive, 0) == code)
		return 0;
	if (archive_filter_count(f->archive) < 2)
		return error_class(err, ERROR_INFRA, "is not compressed as %s", f->name);
	return error_class(err, ERROR_INFRA, "is compressed as %s more than once",
			   f->name);
}

static int begin(struct inflate *f, const struct kind *kind, struct error *err)
{
	struct archive_entry *e;

	f->archive = archive_read_new();
	if (!f->archive)
		BUG("libarchive gives no reader");
	archive_read_support_format_raw(f->archive);
	/* ARCHIVE_WARN would mean another program: those of Debian have them all. */
	if (kind->add(f->archive) != ARCHIVE_OK ||
	    archive_read_open_fd(f->archive, f->fd, BLOCK) != ARCHIVE_OK ||
	    archive_read_next_header(f->archive, &e) != ARCHIVE_OK)
		return damaged(f, err);
	return check_layers(f, kind->code, err);
}

int inflate_open(const char *compression, int fd, struct inflate **out, struct error *err)
{
	const struct kind *kind = kind_of(compression, err);
	autoinflate struct inflate *f = xcalloc(1, sizeof(*f));

	f->fd = fd;
	if (!kind)
		return -1;
	f->name = kind->name;
	if (kind->add && begin(f, kind, err) < 0)
		return -1;
	*out = take_ptr(&f);
	return 0;
}

ssize_t inflate_read(struct inflate *f, void *bytes, size_t n, struct error *err)
{
	ssize_t got;

	if (f->archive) {
		got = archive_read_data(f->archive, bytes, n);
		return got < 0 ? damaged(f, err) : got;
	}
	do
		got = read(f->fd, bytes, n);
	while (got < 0 && errno == EINTR);
	return got < 0 ? error_errno(err, "cannot read a downloaded file") : got;
}

void inflate_close(struct inflate *f)
{
	if (!f)
		return;
	archive_read_free(f->archive);
	free(f);
}
