// SPDX-License-Identifier: MIT
/* Requests about sets of Debian packages: resolve-debs, fetch-debs, unpack-debs. */
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/json.h"
#include "cli/fetch_request.h"
#include "fetchers/deb.h"
#include "fetchers/debline.h"
#include "fetchers/download.h"

enum { PARALLEL = 6 };

static void add_lines(struct argv *to, const char *lines)
{
	struct str rest = str_of(lines);

	while (rest.ptr) {
		struct str line = str_cut(&rest, '\n');
		autofree char *copy = xstrndup(line.ptr, line.len);

		if (*copy)
			argv_push(to, copy);
	}
}

/* --- resolve-debs ---------------------------------------------------------- */

static void tell_answer(struct request *r, const char *suite,
			const struct apt_answer *answer)
{
	struct json_object *debs = json_add_list(r->result, "debs");
	struct json_object *release = json_add_object(r->result, "release");

	for (size_t i = 0; i < answer->n; i++) {
		struct json_object *o = json_object_new_object();
		const struct apt_deb *d = &answer->debs[i];

		json_object_array_add(debs, o);
		json_add(o, "name", d->name);
		json_add(o, "sha256", d->sha256);
		json_add_number(o, "size", d->size);
		json_add(o, "pool", d->pool);
	}
	json_add(release, "key", answer->release.key);
	json_add(release, "sha256", answer->release.sha256);
	json_add(release, "date", answer->release.date);
	json_add(r->result, "suite", suite);
}

int do_resolve_debs(struct request *r, struct error *err)
{
	const char *suite = request_need(r, "suite", err);
	const char *arch = suite ? request_need(r, "arch", err) : NULL;
	const char *packages = arch ? request_need(r, "packages", err) : NULL;
	struct apt_query q = {.arch = arch, .closure = true};
	struct apt_answer answer;
	bool missing;

	if (!packages)
		return -1;
	q.suite = suite_codename(suite);
	if (!q.suite) {
		error_class(err, ERROR_RECIPE, "'%s' is no Debian suite", suite);
		return error_hint(
			err, "a release's number or name: 10 buster to 13 trixie, 14 "
			     "forky, sid");
	}
	add_lines(&q.packages, packages);
	int failed = apt_resolve(r->host, &q, &r->arena, &answer, &missing, err);
	argv_finish(&q.packages);
	if (!failed)
		tell_answer(r, q.suite, &answer);
	return failed;
}

/* --- fetch-debs ------------------------------------------------------------ */

/* What is there already, whole and right, need not come again. */
static bool have(const char *path, const struct sha256 *expect)
{
	autoerror struct error quiet = {0};
	struct sha256 got;

	return access(path, F_OK) == 0 && file_sha256(path, &got, &quiet) == 0 &&
	       sha256_equal(&got, expect);
}

struct fetching {
	struct deb_line *lines;
	struct sha256 *digests;
	struct download_set set;
	size_t *line_of; /* of each item of the set */
};

static int prepare_items(struct request *r, struct json_object *debs, const char *dir,
			 struct fetching *f, struct error *err)
{
	struct json_object *paths = json_add_list(r->result, "paths");
	size_t n = json_object_array_length(debs);

	f->lines = arena_array(&r->arena, n, struct deb_line);
	f->digests = arena_array(&r->arena, n, struct sha256);
	f->set.items = arena_array(&r->arena, n, struct download);
	f->line_of = arena_array(&r->arena, n, size_t);
	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_array_get_idx(debs, i);
		struct deb_line *line = &f->lines[i];

		*line = (struct deb_line){
			.name = json_text(o, "name"),
			.sha256 = json_text(o, "sha256"),
			.pool = json_text(o, "pool"),
			.size = json_number(o, "size"),
		};
		if (deb_line_check(line, err) < 0)
			return -1;
		sha256_parse(line->sha256, &f->digests[i]);
		const char *dest = arena_printf(&r->arena, "%s/%s", dir, line->name);
		json_push(paths, dest);
		if (have(dest, &f->digests[i]))
			continue;
		f->line_of[f->set.n] = i;
		struct download *d = &f->set.items[f->set.n++];
		*d = (struct download){.what = line->name,
				       .expect = &f->digests[i],
				       .size = line->size,
				       .dest = dest};
		deb_line_urls(line, r->host, request_text(r, "date"), &d->urls);
	}
	return 0;
}

int do_fetch_debs(struct request *r, struct error *err)
{
	const char *dir = request_path(r, "dest_dir", err);
	const char *input = request_text(r, "input");
	struct json_object *debs = json_list(r->in, "debs");
	struct fetching f = {0};

	if (!dir)
		return -1;
	if (!debs)
		return error_make(err, "the request has no list 'debs'");
	autofree char *partial = host_cache_dir(r->host, "partial", err);
	if (!partial)
		return -1;
	f.set.parallel = PARALLEL;
	f.set.partial_dir = partial;
	f.set.what = input ? input : "packages";
	f.set.progress = &r->host->progress;
	int failed = prepare_items(r, debs, dir, &f, err);
	if (!failed && f.set.n)
		failed = download_all(&f.set, err);
	for (size_t i = 0; i < f.set.n; i++) {
		if (failed && f.set.items[i].gone) {
			deb_line_gone(&f.lines[f.line_of[i]], f.set.what, err);
			break;
		}
	}
	for (size_t i = 0; i < f.set.n; i++)
		argv_finish(&f.set.items[i].urls);
	return failed;
}

/* --- unpack-debs ----------------------------------------------------------- */

int do_unpack_debs(struct request *r, struct error *err)
{
	const char *debs = request_need(r, "debs", err);
	const char *kind = debs ? request_need(r, "kind", err) : NULL;
	struct deb_tree d = {
		.dest = kind ? request_path(r, "dest", err) : NULL,
		.prune = request_text(r, "prune"),
		.links = request_text(r, "links"),
		.files = request_text(r, "files"),
		.dirs = request_text(r, "dirs"),
		.progress = &r->host->progress,
	};

	if (!d.dest)
		return -1;
	if (strcmp(kind, "toolchain") != 0 && strcmp(kind, "tree") != 0)
		return error_make(err, "kind is '%s', expected toolchain or tree", kind);
	d.merge_usr = strcmp(kind, "toolchain") == 0;
	add_lines(&d.debs, debs);
	int failed = deb_unpack(&d, err);
	argv_finish(&d.debs);
	if (failed)
		return -1;
	result_text(r, "path", d.dest);
	result_number(r, "files", d.nfiles);
	result_number(r, "bytes", d.nbytes);
	return 0;
}
