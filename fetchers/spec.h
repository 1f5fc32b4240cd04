/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The short string that names a source in a recipe, taken apart:
 *
 *	debian/[SUITE/]PACKAGE[:ARCH]   kernel.org/VERSION   git+URL[#REF]
 *	http://... https://... file://...   ./x ../x /x
 *
 * Nothing is looked up: a package or a branch may turn out not to exist.
 */
#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"

enum spec_kind { SPEC_DEBIAN, SPEC_KERNEL, SPEC_GIT, SPEC_URL, SPEC_PATH };

struct spec {
	enum spec_kind kind;
	const char *text;
	const char *suite;   /* DEBIAN: code name, NULL: not said */
	const char *package; /* DEBIAN */
	const char *arch;    /* DEBIAN: NULL: not said */
	const char *version; /* KERNEL */
	const char *url;     /* GIT (without "git+" and ref), URL */
	const char *ref;     /* GIT: NULL: the remote's HEAD */
	const char *path;    /* PATH */
};

/* Class ERROR_RECIPE on failure. */
int spec_parse(const char *text, struct arena *a, struct spec *out, struct error *err);

/* "13" and "trixie" give "trixie"; NULL for what is no suite of Debian. */
const char *suite_codename(const char *word);
/* "13" and "trixie" give "13", what has no number its name; NULL as above. */
const char *suite_number(const char *word);
/* All suites, the newest release first, unreleased ones last; ends with NULL. */
const char *const *suite_list(void);

/* Is it named like an archive that is unpacked (tar in any compression, zip)? */
bool spec_is_archive(const char *name);
/* Length of the name without such an ending, the whole length if there is none. */
size_t spec_stem_len(const char *name);
