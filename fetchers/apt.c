// SPDX-License-Identifier: MIT
#include "fetchers/apt.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/map.h"
#include "base/sha256.h"
#include "base/str.h"
#include "fetchers/aptstate.h"

/* A name that is no option and no shell of any kind; apt's own patterns pass. */
static int check_names(const struct apt_query *q, struct error *err)
{
	for (size_t i = 0; i < q->packages.n; i++) {
		const char *name = q->packages.v[i];

		if (!*name || *name == '-' || strpbrk(name, " \t\n=/"))
			return error_class(err, ERROR_RECIPE, "'%s' is no package name",
					   name);
	}
	return 0;
}

/* "did you mean" among all names of the suite. */
static void suggest(const struct apt_state *s, const char *word, struct error *err)
{
	autoargv struct argv argv = {0};
	autobuf struct strbuf out = STRBUF_INIT, said = STRBUF_INIT;
	autoerror struct error quiet = {0};
	struct map names = {0};

	argv_pushl(&argv, "apt-cache", "pkgnames", NULL);
	if (apt_run(s, &argv, &out, &said, &quiet) != 0 || !out.ptr)
		return;
	for (char *rest = out.ptr, *name; (name = strsep(&rest, "\n"));)
		if (*name)
			map_set(&names, name, &names);
	const char *nearest = map_nearest(&names, word);
	if (nearest)
		error_hint(err, "did you mean '%s'?", nearest);
	map_finish(&names);
}

static int no_package(const struct apt_state *s, const struct apt_query *q,
		      const char *name, struct error *err)
{
	autofree char *bare = xstrndup(name, strcspn(name, ":"));

	error_class(err, ERROR_RECIPE, "%s (%s) has no package '%s'", q->suite, q->arch,
		    name);
	suggest(s, bare, err);
	return -1;
}

/* --- apt-get -s install ---------------------------------------------------- */

static int unsolved(const struct apt_state *s, const struct apt_query *q,
		    const struct strbuf *out, const struct strbuf *said, bool *missing,
		    struct error *err)
{
	static const char unable[] = "Unable to locate package ";
	const char *text = said->ptr ? said->ptr : "";
	const char *at = strstr(text, unable);

	if (at) {
		at += strlen(unable);
		autofree char *name = xstrndup(at, strcspn(at, "\n"));
		*missing = true;
		return no_package(s, q, name, err);
	}
	autobuf struct strbuf shown = STRBUF_INIT;
	const char *why = out->ptr ? strstr(out->ptr, "unmet dependencies") : NULL;
	strbuf_add_masked(&shown, text, strlen(text));
	if (why)
		strbuf_add_masked(&shown, why, strlen(why));
	return error_class(err, ERROR_RECIPE,
			   "apt finds no solution for these packages in %s:\n%s",
			   q->suite, shown.ptr ? shown.ptr : "");
}

/* Inst NAME[:ARCH] (VERSION REPOSITORY... [ARCH]) gives NAME:ARCH=VERSION. */
static int parse_inst(char *line, struct argv *out)
{
	char *name = line + strlen("Inst ");
	char *open = strchr(name, '('), *close = strrchr(name, ']');
	char *arch = close ? memrchr(name, '[', (size_t)(close - name)) : NULL;

	if (!open || !arch || arch < open)
		return -1;
	char *version = open + 1;
	version[strcspn(version, " ")] = '\0';
	name[strcspn(name, " :")] = '\0';
	*close = '\0';
	if (strcmp(arch + 1, "all") == 0)
		argv_pushf(out, "%s=%s", name, version);
	else
		argv_pushf(out, "%s:%s=%s", name, arch + 1, version);
	return 0;
}

static int solve(const struct apt_state *s, const struct apt_query *q, struct argv *out,
		 bool *missing, struct error *err)
{
	autoargv struct argv argv = {0};
	autobuf struct strbuf text = STRBUF_INIT, said = STRBUF_INIT;

	argv_pushl(&argv, "apt-get", "-qq", "-s", "-o", "Debug::NoLocking=1",
		   "--no-install-recommends", "install", "--", NULL);
	for (size_t i = 0; i < q->packages.n; i++)
		argv_push(&argv, q->packages.v[i]);
	int code = apt_run(s, &argv, &text, &said, err);
	if (code < 0)
		return -1;
	if (code != 0)
		return unsolved(s, q, &text, &said, missing, err);
	for (char *rest = text.ptr, *line; rest && (line = strsep(&rest, "\n"));)
		if (str_starts(line, "Inst ") && parse_inst(line, out) < 0)
			return error_class(err, ERROR_INFRA, "apt says '%s'", line);
	if (!out->n)
		return error_class(err, ERROR_RECIPE, "these packages install nothing");
	return 0;
}

/* --- apt-cache show -------------------------------------------------------- */

static const struct {
	const char *name;
	size_t offset;
} fields[] = {
	{"Package: ", offsetof(struct apt_deb, package)},
	{"Architecture: ", offsetof(struct apt_deb, arch)},
	{"Version: ", offsetof(struct apt_deb, version)},
	{"Depends: ", offsetof(struct apt_deb, depends)},
	{"SHA256: ", offsetof(struct apt_deb, sha256)},
	{"Filename: ", offsetof(struct apt_deb, pool)},
};

static int end_record(struct apt_deb *d, struct arena *a, struct apt_answer *out,
		      struct error *err)
{
	struct sha256 digest;

	if (!d->package)
		return 0; /* an empty line more */
	const char *slash = d->pool ? strrchr(d->pool, '/') : NULL;
	if (!d->sha256 || sha256_parse(d->sha256, &digest) < 0 || !slash || !d->size ||
	    !d->version || !d->arch)
		return error_class(err, ERROR_INFRA,
				   "the package lists do not say enough of %s",
				   d->package);
	d->name = arena_strdup(a, slash + 1);
	d->pool = arena_strndup(a, d->pool, (size_t)(slash + 1 - d->pool));
	ARENA_PUSH(a, out->debs, out->n, out->cap) = *d;
	*d = (struct apt_deb){0};
	return 0;
}

static int parse_records(char *text, struct arena *a, struct apt_answer *out,
			 struct error *err)
{
	struct apt_deb d = {0};

	for (char *line; text && (line = strsep(&text, "\n"));) {
		if (!*line && end_record(&d, a, out, err) < 0)
			return -1;
		if (str_starts(line, "Size: "))
			d.size = strtoull(line + strlen("Size: "), NULL, 10);
		for (size_t i = 0; i < ARRAY_LEN(fields); i++)
			if (str_starts(line, fields[i].name))
				*(const char **)((char *)&d + fields[i].offset) =
					arena_strdup(a, line + strlen(fields[i].name));
	}
	return end_record(&d, a, out, err);
}

static int by_name(const void *a, const void *b)
{
	const struct apt_deb *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int show(const struct apt_state *s, const struct apt_query *q,
		const struct argv *names, struct arena *a, struct apt_answer *out,
		bool *missing, struct error *err)
{
	autoargv struct argv argv = {0};
	autobuf struct strbuf text = STRBUF_INIT, said = STRBUF_INIT;

	argv_pushl(&argv, "apt-cache", "-q", "show", "--no-all-versions", "--", NULL);
	for (size_t i = 0; i < names->n; i++)
		argv_push(&argv, names->v[i]);
	int code = apt_run(s, &argv, &text, &said, err);
	if (code < 0 || parse_records(text.ptr, a, out, err) < 0)
		return -1;
	if (code != 0 || out->n < names->n) {
		if (names == &q->packages && names->n == 1) {
			*missing = true;
			return no_package(s, q, names->v[0], err);
		}
		return error_class(err, ERROR_INFRA,
				   "apt-cache does not know all packages: %s",
				   said.ptr ? said.ptr : "");
	}
	qsort(out->debs, out->n, sizeof(*out->debs), by_name);
	return 0;
}

int apt_resolve(const struct host *h, const struct apt_query *q, struct arena *a,
		struct apt_answer *out, bool *missing, struct error *err)
{
	autoapt struct apt_state s = {0};
	autoargv struct argv chosen = {0};

	*missing = false;
	*out = (struct apt_answer){0};
	if (check_names(q, err) < 0 ||
	    apt_state_open(h, q, a, &s, &out->release, missing, err) < 0)
		return -1;
	if (!q->closure)
		return show(&s, q, &q->packages, a, out, missing, err);
	if (solve(&s, q, &chosen, missing, err) < 0)
		return -1;
	return show(&s, q, &chosen, a, out, missing, err);
}
