// SPDX-License-Identifier: MIT
#include "fetchers/debkernel.h"

#include <string.h>

#include "base/alloc.h"

static const char image_prefix[] = "linux-image-";

struct wanted {
	const char *package; /* what to ask the archive for */
	const char *version; /* that it must have, "6.1", or NULL */
};

/* linux-image-6.1-amd64 is linux-image-amd64 of version 6.1. */
static struct wanted wanted_of(const char *package, struct arena *a)
{
	static const char digits[] = "0123456789";
	const char *version = package + strlen(image_prefix);
	size_t major = strspn(version, digits);
	size_t minor =
		major && version[major] == '.' ? strspn(version + major + 1, digits) : 0;
	size_t n = major + 1 + minor;

	if (!minor || version[n] != '-' || strchr(digits, version[n + 1]))
		return (struct wanted){package, NULL};
	return (struct wanted){
		arena_printf(a, "%s%s", image_prefix, version + n + 1),
		arena_strndup(a, version, n),
	};
}

static bool has_version(const char *have, const char *want)
{
	size_t n = strlen(want);

	return strncmp(have, want, n) == 0 && (have[n] == '.' || have[n] == '-');
}

/* The first name in a Depends field that begins and ends like this. */
static const char *find_depend(const char *depends, const char *prefix, const char *part,
			       struct arena *a)
{
	struct str rest = str_of(depends ? depends : "");

	while (rest.ptr) {
		struct str item = str_cut(&rest, ',');

		while (item.len && *item.ptr == ' ')
			item = (struct str){item.ptr + 1, item.len - 1};
		size_t n = strcspn(item.ptr, " ,|:");
		char *name = arena_strndup(a, item.ptr, n < item.len ? n : item.len);
		if (str_starts(name, prefix) && strstr(name, part))
			return name;
	}
	return NULL;
}

/* A job that looks in one suite. */
struct look {
	struct fetch_job *job;
	struct apt_query query;
	bool *missing;
	struct error *err;
};

static int ask(struct look *l, const char *package, struct apt_answer *out)
{
	argv_finish(&l->query.packages);
	argv_push(&l->query.packages, package);
	return apt_resolve(l->job->host, &l->query, l->job->arena, out, l->missing,
			   l->err);
}

static int other_version(struct look *l, const struct wanted *w,
			 const struct apt_deb *found, struct strbuf *seen)
{
	int version = (int)strcspn(found->version, "-");

	*l->missing = true;
	strbuf_printf(seen, "%s%s has %.*s", seen->len ? ", " : "", l->query.suite,
		      version, found->version);
	return error_class(l->err, ERROR_RECIPE, "%s has %s %.*s, expected %s",
			   l->query.suite, w->package, version, found->version,
			   w->version);
}

/* The image that a name stands for. */
static int find_image(struct look *l, const struct wanted *w, struct strbuf *seen,
		      const char **image)
{
	struct apt_answer answer;

	if (ask(l, w->package, &answer) < 0)
		return -1;
	if (w->version && !has_version(answer.debs[0].version, w->version))
		return other_version(l, w, &answer.debs[0], seen);
	*image = find_depend(answer.debs[0].depends, image_prefix, "", l->job->arena);
	if (!*image)
		*image = w->package;
	return 0;
}

/* linux-image-6.1.0-50-amd64-unsigned is the kernel 6.1.0-50-amd64, too. */
static const char *release_of(const char *image, struct arena *a)
{
	static const char tail[] = "-unsigned";
	const char *release = image + strlen(image_prefix);
	size_t n = strlen(release);

	return str_ends(release, tail) ? arena_strndup(a, release, n - strlen(tail))
				       : release;
}

static int no_part(struct look *l, const char *headers, const char *what)
{
	return error_class(l->err, ERROR_RECIPE, "%s: %s depends on no %s package",
			   l->query.suite, headers, what);
}

int debian_kernel(struct fetch_job *job, const char *suite, const char *build,
		  struct apt_answer *out, struct strbuf *seen, bool *missing,
		  struct error *err)
{
	const char *arch = job->spec.arch ? job->spec.arch : job_in(job, "arch");
	struct look l = {
		job, {.suite = suite, .arch = arch, .second = build}, missing, err};
	const struct wanted w = wanted_of(job->spec.package, job->arena);
	const char *image = NULL, *headers = NULL, *common = NULL, *programs = NULL;
	int failed = find_image(&l, &w, seen, &image);

	if (!failed) {
		headers = arena_printf(job->arena, "linux-headers-%s",
				       release_of(image, job->arena));
		failed = ask(&l, headers, out);
	}
	if (!failed) {
		const char *depends = out->debs[0].depends;

		common = find_depend(depends, "linux-headers-", "-common", job->arena);
		programs = find_depend(depends, "linux-kbuild-", "", job->arena);
		if (!common || !programs)
			failed = no_part(&l, headers,
					 common ? "linux-kbuild" : "common headers");
	}
	if (!failed) {
		argv_push(&l.query.packages, image);
		argv_push(&l.query.packages, common);
		argv_pushf(&l.query.packages, "%s:%s", programs, build);
		failed = apt_resolve(job->host, &l.query, job->arena, out, missing, err);
	}
	argv_finish(&l.query.packages);
	return failed;
}
