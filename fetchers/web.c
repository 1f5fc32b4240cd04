// SPDX-License-Identifier: MIT
/* Sources that are one file somewhere: kernel.org/VERSION, addresses, local files. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "fetchers/fetch.h"
#include "fetchers/url.h"

static void add_lines(struct argv *to, const char *lines)
{
	struct str rest = lines ? str_of(lines) : (struct str){0};

	while (rest.ptr) {
		struct str line = str_cut(&rest, '\n');
		if (!line.len)
			continue;
		autofree char *url = xstrndup(line.ptr, line.len);
		argv_push(to, url);
	}
}

/* linux-6.12.12.tar.xz below v6.x/; 2.6.x has a directory of its own. */
static void kernel_urls(const struct fetch_job *job, const char *file, struct argv *urls)
{
	const char *version = job->spec.version;
	bool old = str_starts(version, "2.6");
	int n = (int)strcspn(version, ".");
	autofree char *path =
		old ? xasprintf("v2.6/%s", file)
		    : xasprintf("v%.*s.x/%s%s", n, version,
				strstr(version, "-rc") ? "testing/" : "", file);

	add_lines(urls, job_fact(job, "mirrors"));
	for (size_t i = 0; i < job->host->kernels.n; i++) {
		autofree char *url = url_join(job->host->kernels.v[i], path);
		argv_push(urls, url);
	}
	/* the recipe itself names the site */
	autofree char *site =
		xasprintf("https://%.*s/pub/linux/kernel",
			  (int)strcspn(job->spec.text, "/"), job->spec.text);
	autofree char *url = url_join(site, path);
	argv_push(urls, url);
}

/* The addresses of the job's file; returns its name. */
static char *addresses(const struct fetch_job *job, struct argv *urls)
{
	if (job->spec.kind == SPEC_KERNEL) {
		autofree char *file = xasprintf("linux-%s.tar.xz", job->spec.version);

		kernel_urls(job, file, urls);
		return take_ptr(&file);
	}
	argv_push(urls, job->spec.url);
	add_lines(urls, job_fact(job, "mirrors"));
	return url_basename(job->spec.url);
}

static int get(struct fetch_job *job, struct cached_file *f, char **file,
	       struct error *err)
{
	*file = addresses(job, &f->urls);
	f->what = *file;
	int failed = cached_files(job, f, 1, err);
	argv_finish(&f->urls);
	if (!failed || !f->gone)
		return failed;
	error_wrap(err, "%s is nowhere to be found", job->label);
	return error_hint(err, "mirrors: in the recipe names other places that have it");
}

static int lock_remote(struct fetch_job *job, struct error *err)
{
	struct cached_file f = {0};
	struct sha256 want;
	autofree char *file = NULL;
	char hex[SHA256_HEX_SIZE];

	job_keep(job, "mirrors");
	job_keep(job, "sha256");
	if (job_fact(job, "sha256")) {
		if (job_sha256(job, &want, err) < 0)
			return -1;
		f.expect = &want;
	}
	if (get(job, &f, &file, err) < 0)
		return -1;
	job_set(job, "sha256", sha256_hex(&f.got, hex));
	job_keep(job, "strip");
	job_keep(job, "unpack");
	return 0;
}

static int obtain_remote(struct fetch_job *job, struct error *err)
{
	struct cached_file f = {0};
	struct sha256 want;
	autofree char *file = NULL;

	if (job_sha256(job, &want, err) < 0)
		return -1;
	f.expect = &want;
	if (get(job, &f, &file, err) < 0)
		return -1;
	return place_file(job, f.path, file, err);
}

const struct fetcher fetcher_kernel = {SPEC_KERNEL, lock_remote, obtain_remote};
const struct fetcher fetcher_url = {SPEC_URL, lock_remote, obtain_remote};

/* --- local files ----------------------------------------------------------- */

static int local_path(const struct fetch_job *job, char **out, struct error *err)
{
	const char *base = job_fact(job, "base_dir") ? job_fact(job, "base_dir")
						     : job_in(job, "base_dir");
	autofree char *path = *job->spec.path == '/' ? xstrdup(job->spec.path) : NULL;
	struct stat st;

	if (!path && !base)
		return error_class(err, ERROR_RECIPE, "%s: relative to what?",
				   job->label);
	if (!path)
		path = xasprintf("%s/%s", base, job->spec.path);
	if (stat(path, &st) < 0)
		return error_class(err, ERROR_RECIPE, "cannot open %s: %s", job->label,
				   strerror(errno));
	if (!S_ISREG(st.st_mode))
		return error_class(err, ERROR_RECIPE, "%s is no file", job->label);
	*out = take_ptr(&path);
	return 0;
}

static int lock_local(struct fetch_job *job, struct error *err)
{
	autofree char *path = NULL;
	struct sha256 got;
	char hex[SHA256_HEX_SIZE];

	if (local_path(job, &path, err) < 0)
		return -1;
	job_keep(job, "sha256");
	if (!job_fact(job, "sha256")) {
		if (file_sha256(path, &got, err) < 0)
			return -1;
		job_set(job, "sha256", sha256_hex(&got, hex));
	}
	job_keep(job, "strip");
	job_keep(job, "unpack");
	return 0;
}

static int obtain_local(struct fetch_job *job, struct error *err)
{
	autofree char *path = NULL;
	struct sha256 want, got;
	char hex[2][SHA256_HEX_SIZE];

	if (job_sha256(job, &want, err) < 0 || local_path(job, &path, err) < 0 ||
	    file_sha256(path, &got, err) < 0)
		return -1;
	if (!sha256_equal(&want, &got)) {
		error_class(
			err, ERROR_LOCK,
			"hash mismatch of %s\n  expected sha256:%s\n  got      sha256:%s",
			job->label, sha256_hex(&want, hex[0]), sha256_hex(&got, hex[1]));
		return error_hint(
			err, "the file changed; `kbuild update %s` locks it as it is",
			job->input);
	}
	const char *slash = strrchr(job->spec.path, '/');
	return place_file(job, path, slash ? slash + 1 : job->spec.path, err);
}

const struct fetcher fetcher_path = {SPEC_PATH, lock_local, obtain_local};
