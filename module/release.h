/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The release of a kernel (`uname -r`) taken apart: the version that its source has, and
 * what its configuration, its tree or its distribution put behind. That rest may be
 * anything, blanks included: "4.4.38L4T kernel 4.4.38" is 4.4.38.
 */
#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"

/* Whose numbering it is, by the looks of it. */
enum release_maker {
	RELEASE_ANY,    /* a source of that version exists at kernel.org */
	RELEASE_DEBIAN, /* 6.1.0-43-armmp, 6.12.48+deb13-amd64 */
	RELEASE_UBUNTU, /* 5.15.0-91-generic */
};

struct release {
	struct str version; /* as the source's Makefile has it: "5.4.20", "4.20.0-rc7" */
	struct str local;   /* "-sunxi", "+"; an -rc7 is of the version */
	enum release_maker maker;
	bool dirty; /* its tree had changes that were in no commit */
};

/* False: it does not begin with a version. The parts point into `text`. */
bool release_split(const char *text, struct release *out);
/* What kernel.org calls that version: "5.10" for 5.10.0, "4.20-rc7" for 4.20.0-rc7. */
char *release_upstream(const struct release *r, struct arena *a);
