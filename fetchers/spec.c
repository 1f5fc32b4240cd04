// SPDX-License-Identifier: MIT
#include "fetchers/spec.h"

#include <ctype.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/map.h"
#include "base/str.h"

/* The only table of releases; one more is one more line in both lists. */
static const struct {
	const char *number, *name;
} suites[] = {
	{"13", "trixie"}, {"12", "bookworm"}, {"11", "bullseye"},
	{"10", "buster"}, {"14", "forky"},    {"unstable", "sid"},
};

const char *const *suite_list(void)
{
	static const char *const names[] = {"trixie", "bookworm", "bullseye", "buster",
					    "forky",  "sid",      NULL};

	return names;
}

const char *suite_codename(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(suites); i++)
		if (strcmp(word, suites[i].name) == 0 ||
		    strcmp(word, suites[i].number) == 0)
			return suites[i].name;
	return NULL;
}

const char *suite_number(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(suites); i++)
		if (strcmp(word, suites[i].name) == 0 ||
		    strcmp(word, suites[i].number) == 0)
			return isdigit((unsigned char)suites[i].number[0])
				       ? suites[i].number
				       : suites[i].name;
	return NULL;
}

static const char *const archive_ends[] = {
	".tar",    ".tar.gz", ".tar.xz", ".tar.bz2", ".tar.zst", ".tar.lzma", ".tar.lz4",
	".tar.lz", ".tgz",    ".txz",    ".tbz2",    ".tbz",     ".tzst",     ".zip",
};

size_t spec_stem_len(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(archive_ends); i++)
		if (str_ends(name, archive_ends[i]) &&
		    strlen(name) > strlen(archive_ends[i]))
			return strlen(name) - strlen(archive_ends[i]);
	return strlen(name);
}

bool spec_is_archive(const char *name)
{
	return spec_stem_len(name) < strlen(name);
}

/* Policy 5.6.1: lower case letters, digits, + - . ; at least two characters. */
static bool package_ok(const char *s)
{
	if (!isalnum((unsigned char)*s) || isupper((unsigned char)*s) || !s[1])
		return false;
	for (; *s; s++)
		if (!islower((unsigned char)*s) && !isdigit((unsigned char)*s) &&
		    !strchr("+-.", *s))
			return false;
	return true;
}

static int parse_debian(char *rest, struct spec *out, struct error *err)
{
	char *slash = strchr(rest, '/');

	out->kind = SPEC_DEBIAN;
	if (slash) {
		*slash = '\0';
		out->suite = suite_codename(rest);
		if (!out->suite) {
			error_class(err, ERROR_RECIPE, "'%s' in '%s' is no Debian suite",
				    rest, out->text);
			return error_hint(err,
					  "a release's number or name: 10 buster to 13 "
					  "trixie, 14 forky, sid");
		}
		rest = slash + 1;
	}
	char *colon = strchr(rest, ':');
	if (colon) {
		*colon = '\0';
		out->arch = colon + 1;
	}
	out->package = rest;
	if (!package_ok(rest) || (out->arch && !package_ok(out->arch)))
		return error_class(
			err, ERROR_RECIPE,
			"'%s' is no package: expected debian/[SUITE/]PACKAGE[:ARCH]",
			out->text);
	return 0;
}

/* 6.12, 6.12.12, 6.13-rc1 */
static int parse_kernel(const char *version, struct spec *out, struct error *err)
{
	const char *p = version;
	unsigned numbers = 0;

	out->kind = SPEC_KERNEL;
	out->version = version;
	for (size_t n; (n = strspn(p, "0123456789")); p++) {
		p += n;
		numbers++;
		if (*p != '.' || !isdigit((unsigned char)p[1]))
			break;
	}
	if (strncmp(p, "-rc", 3) == 0 && isdigit((unsigned char)p[3]))
		p += 3 + strspn(p + 3, "0123456789");
	if (*p || numbers < 2 || numbers > 4)
		return error_class(
			err, ERROR_RECIPE,
			"'%s' is no kernel version: expected kernel.org/X.Y[.Z]",
			out->text);
	return 0;
}

static int parse_git(char *url, struct spec *out, struct error *err)
{
	static const char *const schemes[] = {"https://", "http://", "file:///",
					      "ssh://"};
	char *hash = strchr(url, '#');

	out->kind = SPEC_GIT;
	if (hash) {
		*hash = '\0';
		out->ref = hash[1] ? hash + 1 : NULL;
	}
	out->url = url;
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
		if (str_starts(url, schemes[i]) && url[strlen(schemes[i])])
			return 0;
	error_class(err, ERROR_RECIPE, "'%s' is no git address kbuild knows", out->text);
	return error_hint(err, "git+https://host/x.git#REF, git+file:///dir/x.git#REF, "
			       "git+ssh://user@host/x.git#REF");
}

int spec_parse(const char *text, struct arena *a, struct spec *out, struct error *err)
{
	char *copy = arena_strdup(a, text);

	*out = (struct spec){.text = copy};
	for (const char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return error_class(err, ERROR_RECIPE,
					   "a source holds a control character");
	char *rest = arena_strdup(a, text);
	if (str_starts(text, "debian/"))
		return parse_debian(rest + strlen("debian/"), out, err);
	if (str_starts(text, "kernel.org/"))
		return parse_kernel(rest + strlen("kernel.org/"), out, err);
	if (str_starts(text, "git+"))
		return parse_git(rest + strlen("git+"), out, err);
	if (str_starts(text, "https://") || str_starts(text, "http://") ||
	    str_starts(text, "file:///")) {
		out->kind = SPEC_URL;
		out->url = rest;
		return 0;
	}
	if (*text == '/' || str_starts(text, "./") || str_starts(text, "../") ||
	    strcmp(text, ".") == 0 || strcmp(text, "..") == 0) {
		out->kind = SPEC_PATH;
		out->path = rest;
		return 0;
	}
	error_class(err, ERROR_RECIPE, "'%s' is no source", text);
	return error_hint(err, "debian/PACKAGE, kernel.org/X.Y.Z, https://..., "
			       "git+https://...#REF, or a path beginning with ./");
}
