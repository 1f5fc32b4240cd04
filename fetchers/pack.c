// SPDX-License-Identifier: MIT
#include "fetchers/pack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "base/str.h"

enum { BLOCK_SIZE = 128 * 1024 };

static const struct kind {
	const char *name, *suffix, *filter;
	int (*add)(struct archive *a);
	long best; /* level */
} kinds[] = {
	{"none", "", "none", archive_write_add_filter_none, 0},
	{"xz", ".xz", "xz", archive_write_add_filter_xz, 9},
	{"zstd", ".zst", "zstd", archive_write_add_filter_zstd, 19},
};

struct pack {
	struct archive *archive;
	int fd, failure; /* errno of the file */
	struct sha256_ctx *hash;
	uint64_t size;
};

static const struct kind *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

const char *pack_suffix(const char *compression)
{
	const struct kind *k = find(compression);

	return k ? k->suffix : NULL;
}

static la_ssize_t put(struct archive *a, void *ctx, const void *bytes, size_t n)
{
	struct pack *p = ctx;

	(void)a;
	if (!p->failure && write_all(p->fd, bytes, n) < 0)
		p->failure = errno;
	if (p->failure)
		return -1;
	sha256_add(p->hash, bytes, n);
	p->size += n;
	return (la_ssize_t)n;
}

static int broken(struct pack *p, struct error *err)
{
	if (p->failure) {
		errno = p->failure;
		return error_errno(err, "cannot write a compressed file");
	}
	return error_class(err, ERROR_INFRA, "cannot compress: %s",
			   archive_error_string(p->archive));
}

static int set_number(struct archive *a, const char *filter, const char *key, long value)
{
	autofree char *text = xasprintf("%ld", value);

	return archive_write_set_filter_option(a, filter, key, text);
}

static int begin(struct pack *p, const struct kind *k, const struct pack_how *how,
		 struct error *err)
{
	struct archive *a = p->archive;
	struct archive_entry *entry = archive_entry_new();

	/* A raw stream is the bytes and nothing else: no padding to whole blocks. */
	int ok = k->add(a) == ARCHIVE_OK && archive_write_set_format_raw(a) == ARCHIVE_OK;
	archive_write_set_bytes_per_block(a, BLOCK_SIZE);
	archive_write_set_bytes_in_last_block(a, 1);
	if (ok && how->level)
		ok = set_number(a, k->filter, "compression-level", how->level) ==
		     ARCHIVE_OK;
	/* Not every version has threads for everything; it only takes longer then. */
	if (ok && how->threads && k->best)
		set_number(a, k->filter, "threads", how->threads);
	archive_entry_set_filetype(entry, AE_IFREG);
	if (ok)
		ok = archive_write_open(a, p, NULL, put, NULL) == ARCHIVE_OK &&
		     archive_write_header(a, entry) == ARCHIVE_OK;
	archive_entry_free(entry);
	return ok ? 0 : broken(p, err);
}

struct pack *pack_new(int fd, const struct pack_how *how, struct error *err)
{
	const struct kind *k = find(how->compression);

	if (!k) {
		error_class(err, ERROR_RECIPE,
			    "expected the compression zstd, xz or none, found '%s'",
			    how->compression);
		return NULL;
	}
	if (how->level < 0 || how->level > k->best) {
		error_class(err, ERROR_RECIPE,
			    "expected a level of %s up to %ld, found %ld", k->name,
			    k->best, how->level);
		return NULL;
	}
	struct pack *p = xcalloc(1, sizeof(*p));
	p->fd = fd;
	p->hash = sha256_new();
	p->archive = archive_write_new();
	if (!p->archive)
		BUG("libarchive gives no writer");
	if (begin(p, k, how, err) == 0)
		return p;
	pack_free(p);
	return NULL;
}

int pack_add(struct pack *p, const void *bytes, size_t n, struct error *err)
{
	return archive_write_data(p->archive, bytes, n) == (la_ssize_t)n ? 0
									 : broken(p, err);
}

int pack_end(struct pack *p, struct packed *out, struct error *err)
{
	if (archive_write_close(p->archive) != ARCHIVE_OK || p->failure)
		return broken(p, err);
	out->hash = sha256_end(take_ptr(&p->hash));
	out->size = p->size;
	return 0;
}

void pack_free(struct pack *p)
{
	if (!p)
		return;
	archive_write_free(p->archive);
	if (p->hash)
		sha256_drop(p->hash);
	free(p);
}

int packed_of(const char *file, struct packed *out, struct error *err)
{
	autoclose int fd = open(file, O_RDONLY | O_CLOEXEC);
	autofree char *buf = xmalloc(BLOCK_SIZE);
	struct sha256_ctx *hash = sha256_new();
	ssize_t n = fd < 0 ? -1 : 1;

	out->size = 0;
	while (n > 0 && (n = read(fd, buf, BLOCK_SIZE)) > 0) {
		sha256_add(hash, buf, (size_t)n);
		out->size += (uint64_t)n;
	}
	out->hash = sha256_end(hash);
	return n < 0 ? error_errno(err, "cannot read %s", file) : 0;
}
