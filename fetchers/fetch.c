// SPDX-License-Identifier: MIT
#include "fetchers/fetch.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/base64.h"
#include "base/dir.h"
#include "base/str.h"
#include "fetchers/download.h"
#include "fetchers/unpack.h"
#include "fetchers/url.h"

static const struct fetcher *const fetchers[] = {
	&fetcher_debian, &fetcher_kernel, &fetcher_url, &fetcher_git, &fetcher_path,
};

static const struct fetcher *fetcher_of(struct fetch_job *job, struct error *err)
{
	const char *from = job_in(job, "from");

	if (!from) {
		error_class(err, ERROR_RECIPE, "a source without 'from'");
		return NULL;
	}
	if (spec_parse(from, job->arena, &job->spec, err) < 0)
		return NULL;
	autofree char *shown = url_masked(job->spec.text);
	job->label = arena_strdup(job->arena, shown);
	for (size_t i = 0; i < ARRAY_LEN(fetchers); i++)
		if (fetchers[i]->kind == job->spec.kind)
			return fetchers[i];
	BUG("no fetcher for '%s'", from);
}

int fetch_resolve(struct fetch_job *job, struct error *err)
{
	const struct fetcher *f = fetcher_of(job, err);

	if (!f)
		return -1;
	job_set(job, "from", job->spec.text);
	return f->lock(job, err) < 0 ? -1 : f->obtain(job, err);
}

int fetch_obtain(struct fetch_job *job, struct error *err)
{
	const struct fetcher *f = fetcher_of(job, err);

	if (!f)
		return -1;
	map_each (&job->in, e)
		map_set(&job->facts, e->key, e->value);
	return f->obtain(job, err);
}

void fetch_finish(struct fetch_job *job)
{
	map_finish(&job->in);
	map_finish(&job->facts);
}

/* --- fields ---------------------------------------------------------------- */

static const char *text_of(const struct map *m, const char *key)
{
	const char *value = map_get(m, key);

	return value && *value ? value : NULL;
}

const char *job_in(const struct fetch_job *job, const char *key)
{
	return text_of(&job->in, key);
}

const char *job_fact(const struct fetch_job *job, const char *key)
{
	return text_of(&job->facts, key);
}

void job_set(struct fetch_job *job, const char *key, const char *value)
{
	map_set(&job->facts, key, arena_strdup(job->arena, value));
}

void job_keep(struct fetch_job *job, const char *key)
{
	const char *value = job_in(job, key);

	if (value)
		job_set(job, key, value);
}

/* 64 hex digits, or sha256-<base64> as in the rest of a lock. */
static int parse_digest(const char *text, struct sha256 *out)
{
	uint8_t bytes[33];

	if (str_starts(text, "sha256:"))
		text += strlen("sha256:");
	if (!str_starts(text, "sha256-"))
		return sha256_parse(text, out);
	text += strlen("sha256-");
	if (strlen(text) != base64_len(sizeof(out->bytes)) ||
	    base64_decode(str_of(text), bytes) != sizeof(out->bytes))
		return -1;
	memcpy(out->bytes, bytes, sizeof(out->bytes));
	return 0;
}

int job_sha256(const struct fetch_job *job, struct sha256 *out, struct error *err)
{
	const char *text = job_fact(job, "sha256");

	if (!text)
		return error_class(err, ERROR_LOCK, "%s: the lock has no sha256",
				   job->label);
	if (parse_digest(text, out) < 0)
		return error_class(err, ERROR_LOCK, "%s: '%s' is no SHA-256", job->label,
				   text);
	return 0;
}

/* The fact `strip`, STRIP_AUTO if there is none. */
static int job_strip(const struct fetch_job *job, int *strip, struct error *err)
{
	const char *text = job_fact(job, "strip");

	*strip = STRIP_AUTO;
	if (!text)
		return 0;
	if (!isdigit((unsigned char)*text) || text[1])
		return error_class(err, ERROR_RECIPE,
				   "%s: strip is '%s', expected 0 to 9", job->label,
				   text);
	*strip = *text - '0';
	return 0;
}

const char *job_name(struct fetch_job *job, const char *text)
{
	enum { LIMIT = 200 };
	autobuf struct strbuf b = STRBUF_INIT;

	if (*text == '.' || !*text)
		strbuf_addc(&b, '_');
	for (const char *p = text; *p && b.len < LIMIT; p++)
		strbuf_addc(&b, isalnum((unsigned char)*p) || strchr("+-._?=", *p) ? *p
										   : '_');
	return arena_strdup(job->arena, b.ptr);
}

/* --- cached files ---------------------------------------------------------- */

int file_sha256(const char *path, struct sha256 *out, struct error *err)
{
	enum { BUF = 256 * 1024 };
	autofree char *buf = xmalloc(BUF);
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return error_errno(err, "cannot open %s", path);
	struct sha256_ctx *ctx = sha256_new();
	while ((n = read(fd, buf, BUF)) > 0)
		sha256_add(ctx, buf, (size_t)n);
	*out = sha256_end(ctx);
	return n < 0 ? error_errno(err, "cannot read %s", path) : 0;
}

/* Is a file of the cache what its name says? If not, it goes. */
static bool cache_has(const char *path, const struct sha256 *expect)
{
	autoerror struct error quiet = {0};
	struct sha256 got;

	if (file_sha256(path, &got, &quiet) < 0)
		return false;
	if (sha256_equal(&got, expect))
		return true;
	unlink(path);
	return false;
}

static int download_missing(const struct fetch_job *job, struct cached_file *files,
			    size_t n, const char *dir, struct error *err)
{
	autofree char *partial = host_cache_dir(job->host, "partial", err);
	if (!partial)
		return -1;
	struct download *items = xcalloc(n, sizeof(*items));
	struct cached_file **of = xcalloc(n, sizeof(struct cached_file *));
	struct progress progress = job->host->progress;
	struct download_set set = {.items = items,
				   .parallel = 4,
				   .partial_dir = partial,
				   .progress = &progress};

	for (size_t i = 0; i < n; i++) {
		if (files[i].path)
			continue;
		struct download *d = &items[set.n];
		of[set.n++] = &files[i];
		*d = (struct download){.what = files[i].what,
				       .urls = files[i].urls,
				       .expect = files[i].expect,
				       .size = files[i].size};
		char hex[SHA256_HEX_SIZE];
		/* Its name is known when all of it is here; see part_open for the other.
		 */
		d->dest = files[i].expect ? arena_printf(job->arena, "%s/%s", dir,
							 sha256_hex(files[i].expect, hex))
					  : arena_printf(job->arena, "%s/new.tmp-%d-%zu",
							 partial, (int)getpid(), i);
	}
	set.what = set.n == 1 ? items[0].what : job->input;
	int failed = download_all(&set, err);
	for (size_t i = 0; i < set.n; i++) {
		of[i]->gone = items[i].gone;
		of[i]->got = items[i].got;
		of[i]->path = items[i].dest;
	}
	free(items);
	free(of);
	return failed;
}

int cached_files(const struct fetch_job *job, struct cached_file *files, size_t n,
		 struct error *err)
{
	autofree char *dir = host_cache_dir(job->host, "files", err);
	char hex[SHA256_HEX_SIZE];

	if (!dir)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct cached_file *f = &files[i];

		f->path = NULL;
		f->gone = false;
		if (!f->expect)
			continue;
		const char *path = arena_printf(job->arena, "%s/%s", dir,
						sha256_hex(f->expect, hex));
		if (cache_has(path, f->expect)) {
			f->path = path;
			f->got = *f->expect;
		}
	}
	if (n && download_missing(job, files, n, dir, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const char *path = arena_printf(job->arena, "%s/%s", dir,
						sha256_hex(&files[i].got, hex));

		if (strcmp(path, files[i].path) != 0 && rename(files[i].path, path) < 0)
			return error_errno(err, "cannot create %s", path);
		files[i].path = path;
	}
	return 0;
}

/* --- placing --------------------------------------------------------------- */

int copy_file(const char *from, const char *to, struct error *err)
{
	autoclose int in = open(from, O_RDONLY | O_CLOEXEC);
	struct stat st;
	ssize_t n;

	if (in < 0 || fstat(in, &st) < 0)
		return error_errno(err, "cannot open %s", from);
	autoclose int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
				 st.st_mode & 0111 ? 0755 : 0644);
	if (out < 0)
		return error_errno(err, "cannot create %s", to);
	do
		n = copy_file_range(in, NULL, out, NULL, 1 << 30, 0);
	while (n > 0);
	if (n < 0 && (errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP)) {
		char buf[64 * 1024];

		while ((n = read(in, buf, sizeof(buf))) > 0)
			if (write_all(out, buf, (size_t)n) < 0)
				break;
	}
	if (n == 0)
		return 0;
	error_errno(err, "cannot copy to %s", to);
	unlink(to);
	return -1;
}

int place_file(struct fetch_job *job, const char *path, const char *label,
	       struct error *err)
{
	const char *wish = job_fact(job, "unpack");
	struct unpack u = {.archive = path, .dest = job->dest};

	if (wish && strcmp(wish, "yes") != 0 && strcmp(wish, "no") != 0)
		return error_class(err, ERROR_RECIPE,
				   "unpack is '%s', expected yes or no", wish);
	bool archive = wish ? strcmp(wish, "yes") == 0 : spec_is_archive(label);
	size_t stem = archive ? spec_stem_len(label) : strlen(label);
	autofree char *name = xstrndup(label, stem);

	job->name = job_name(job, name);
	if (!archive)
		return copy_file(path, job->dest, err);
	if (job_strip(job, &u.strip, err) < 0)
		return -1;
	struct progress progress = job->host->progress;
	progress_say(&progress, "unpacking", 0, 0);
	if (unpack_run(&u, err) < 0)
		return error_wrap(err, "%s", label);
	job_set(job, "strip", u.strip ? arena_printf(job->arena, "%d", u.strip) : "0");
	return 0;
}
