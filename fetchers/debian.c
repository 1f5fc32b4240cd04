// SPDX-License-Identifier: MIT
/*
 * Sources of the form debian/[SUITE/]PACKAGE[:ARCH]: one package, with what it depends
 * on, or a built kernel (debkernel.h), which is kept as packages: its builder takes from
 * each what it needs, and the store holds a fifth of the bytes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "base/log.h"
#include "base/str.h"
#include "fetchers/deb.h"
#include "fetchers/debkernel.h"
#include "fetchers/debline.h"
#include "fetchers/fetch.h"
#include "fetchers/unpack.h"

static bool is_kernel(const char *package)
{
	return str_starts(package, "linux-source-");
}

/* --- lock ------------------------------------------------------------------ */

/* A built kernel is wanted by who says for which machine its programs shall be. */
static int query(struct fetch_job *job, const char *suite, struct apt_answer *answer,
		 struct strbuf *seen, bool *missing, struct error *err)
{
	const char *arch = job_in(job, "arch"), *build = job_in(job, "build");

	if (build)
		return debian_kernel(job, suite, build, answer, seen, missing, err);
	struct apt_query q = {
		.suite = suite,
		.arch = arch ? arch : "amd64",
		.closure = job_in(job, "closure") != NULL,
	};

	if (job->spec.arch)
		argv_pushf(&q.packages, "%s:%s", job->spec.package, job->spec.arch);
	else
		argv_push(&q.packages, job->spec.package);
	int failed = apt_resolve(job->host, &q, job->arena, answer, missing, err);
	argv_finish(&q.packages);
	return failed;
}

static int found(struct fetch_job *job, const char *suite,
		 const struct apt_answer *answer)
{
	autobuf struct strbuf lines = STRBUF_INIT;

	job_set(job, "suite", suite);
	for (size_t i = 0; i < answer->n; i++) {
		const struct apt_deb *d = &answer->debs[i];
		struct deb_line line = {d->name, d->sha256, d->pool, d->size};

		strbuf_adds(&lines, i ? "\n" : "");
		deb_line_write(&line, &lines);
	}
	job_set(job, answer->n == 1 ? "deb" : "debs", lines.ptr);
	if (is_kernel(job->spec.package))
		job_set(job, "member",
			arena_printf(job->arena, "usr/src/%s.tar.xz", job->spec.package));
	job_keep(job, "path");
	job_keep(job, "build");
	job_set(job, "date", answer->release.date);
	job->release = answer->release;
	return 0;
}

static int lock(struct fetch_job *job, struct error *err)
{
	const char *wanted = job_in(job, "suite");
	const char *first = wanted ? suite_codename(wanted) : NULL;
	autobuf struct strbuf seen = STRBUF_INIT;
	struct apt_answer answer;
	bool missing = false;

	if (wanted && !first)
		return error_class(err, ERROR_RECIPE, "'%s' is no Debian suite", wanted);
	if (job->spec.suite)
		first = job->spec.suite;
	if (!first)
		first = suite_list()[0];
	if (query(job, first, &answer, &seen, &missing, err) == 0)
		return found(job, first, &answer);
	if (job->spec.suite || !missing)
		return -1;
	for (const char *const *s = suite_list(); *s; s++) {
		autoerror struct error quiet = {0};

		if (strcmp(*s, first) == 0)
			continue;
		if (query(job, *s, &answer, &seen, &missing, &quiet) == 0) {
			log_say(LOG_INFO, "%s is not in %s, taken from %s",
				job->spec.package, first, *s);
			return found(job, *s, &answer);
		}
	}
	if (seen.len)
		error_hint(err, "%s", seen.ptr);
	return -1; /* with what was wrong in the first suite */
}

/* --- obtain ---------------------------------------------------------------- */

static int parse_debs(struct fetch_job *job, struct deb_line **out, size_t *n,
		      struct error *err)
{
	const char *text = job_fact(job, "deb");
	size_t cap = 0;

	if (!text)
		text = job_fact(job, "debs");
	if (!text)
		return error_class(err, ERROR_LOCK, "%s: the lock names no package file",
				   job->label);
	struct str rest = str_of(text);
	while (rest.ptr) {
		struct str line = str_cut(&rest, '\n');

		if (!line.len)
			continue;
		if (deb_line_parse(line, job->arena,
				   &ARENA_PUSH(job->arena, *out, *n, cap), err) < 0)
			return error_wrap(err, "in the lock of %s", job->label);
	}
	return 0;
}

static int get_files(struct fetch_job *job, const struct deb_line *lines, size_t n,
		     struct argv *paths, struct error *err)
{
	struct cached_file *files = arena_array(job->arena, n, struct cached_file);
	struct sha256 *digests = arena_array(job->arena, n, struct sha256);

	for (size_t i = 0; i < n; i++) {
		sha256_parse(lines[i].sha256, &digests[i]);
		files[i].what = lines[i].name;
		files[i].expect = &digests[i];
		files[i].size = lines[i].size;
		deb_line_urls(&lines[i], job->host, job_fact(job, "date"),
			      &files[i].urls);
	}
	int failed = cached_files(job, files, n, err);
	for (size_t i = 0; i < n; i++) {
		argv_finish(&files[i].urls);
		if (failed && files[i].gone)
			deb_line_gone(&lines[i], job->input, err);
		else if (!failed)
			argv_push(paths, files[i].path);
	}
	return failed;
}

/* A file of the tree at `root`, links resolved as if root were "/"; free it. */
static char *resolve_in(const char *root, const char *path)
{
	autoclose int dir = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoclose int at = dir_open_inside(dir, path, O_PATH);

	if (at < 0)
		return NULL;
	autofree char *proc = xasprintf("/proc/self/fd/%d", at);
	return realpath(proc, NULL);
}

/* One file or directory of the package tree takes the tree's place. */
static int keep_path(struct fetch_job *job, const char *tree, const char *path,
		     struct error *err)
{
	autofree char *merged =
		str_starts(path, "/usr/") ? xstrdup(path + 4) : xasprintf("/usr%s", path);
	autofree char *real = resolve_in(tree, path);

	if (!real)
		real = resolve_in(tree, merged); /* before or after the merge of /usr */
	if (!real)
		return error_class(err, ERROR_RECIPE, "%s has no %s", job->label, path);
	if (rename(real, job->dest) < 0)
		return error_errno(err, "cannot move %s", real);
	job->name = job_name(job, strrchr(path, '/') + 1);
	return 0;
}

static int unpack_tree(struct fetch_job *job, struct argv *paths, struct error *err)
{
	const char *path = job_fact(job, "path");
	autofree char *aside = xasprintf("%s.packages", job->dest);
	struct progress progress = job->host->progress;
	struct deb_tree d = {
		.debs = *paths, .dest = path ? aside : job->dest, .progress = &progress};
	autoerror struct error quiet = {0};

	if (path && *path != '/')
		return error_class(err, ERROR_RECIPE,
				   "path is '%s', expected an absolute one", path);
	if (deb_unpack(&d, err) < 0)
		return -1;
	if (!path)
		return 0;
	int failed = keep_path(job, aside, path, err);
	dir_remove(AT_FDCWD, aside, &quiet);
	return failed;
}

/* A folder with the files themselves. */
static int keep_packages(struct fetch_job *job, const struct deb_line *lines,
			 const struct argv *paths, struct error *err)
{
	if (mkdir(job->dest, 0755) < 0)
		return error_errno(err, "cannot create directory %s", job->dest);
	for (size_t i = 0; i < paths->n; i++) {
		autofree char *to = path_join(job->dest, lines[i].name);

		if (copy_file(paths->v[i], to, err) < 0)
			return -1;
	}
	return 0;
}

/* NAME_VERSION_ARCH.deb: the store name says NAME-VERSION. */
static const char *name_of(struct fetch_job *job, const struct deb_line *lines, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *file = lines[i].name;
		size_t len = strcspn(file, "_");

		if (n > 1 && (len != strlen(job->spec.package) ||
			      strncmp(file, job->spec.package, len) != 0))
			continue;
		if (!file[len])
			break;
		const char *version = file + len + 1;
		return job_name(job, arena_printf(job->arena, "%.*s-%.*s", (int)len, file,
						  (int)strcspn(version, "_"), version));
	}
	return job_name(job, job->spec.package);
}

static int obtain(struct fetch_job *job, struct error *err)
{
	const char *member = job_fact(job, "member");
	autoargv struct argv paths = {0};
	struct deb_line *lines = NULL;
	size_t n = 0;

	if (parse_debs(job, &lines, &n, err) < 0 ||
	    get_files(job, lines, n, &paths, err) < 0)
		return -1;
	job->name = name_of(job, lines, n);
	if (job_fact(job, "build"))
		return keep_packages(job, lines, &paths, err);
	if (!member)
		return unpack_tree(job, &paths, err);
	struct unpack u = {
		.archive = paths.v[0], .member = member, .dest = job->dest, .strip = 1};
	struct progress progress = job->host->progress;
	progress_say(&progress, "unpacking", 0, 0);
	if (unpack_run(&u, err) < 0)
		return error_wrap(err, "%s", lines[0].name);
	return 0;
}

const struct fetcher fetcher_debian = {SPEC_DEBIAN, lock, obtain};
