/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Which packages a set of names means today: asked of apt with a state of its own, so
 * that nothing of the host's configuration, packages or hooks plays a part. Only for
 * locking; a lock is fetched without apt.
 *
 * The Release file is verified twice: by apt when it is fetched, and by gpgv with the
 * same keyring for the bytes that were used in the end.
 */
#include "base/arena.h"
#include "base/argv.h"
#include "base/error.h"
#include "fetchers/host.h"

struct apt_deb {
	const char *package, *arch, *version;
	const char *depends; /* NULL: nothing */
	const char *name;    /* file name */
	const char *pool;    /* directory, with a slash at its end */
	const char *sha256;  /* hex */
	uint64_t size;
};

struct apt_release {
	const char *key;    /* trixie/main/amd64 */
	const char *sha256; /* hex, of the InRelease file */
	const char *date;   /* 20260912T075541Z: its own Date */
};

struct apt_query {
	const char *suite;    /* code name */
	const char *arch;     /* of the packages whose names say none */
	const char *second;   /* another that a later query will name, or NULL */
	struct argv packages; /* NAME or NAME:ARCH */
	bool closure;         /* with what they depend on */
};

struct apt_answer {
	struct apt_deb *debs; /* sorted by file name */
	size_t n, cap;
	struct apt_release release;
};

/*
 * 0; -1. A package or suite that does not exist is class ERROR_RECIPE, with *missing set
 * when that is the only problem.
 */
int apt_resolve(const struct host *h, const struct apt_query *q, struct arena *a,
		struct apt_answer *out, bool *missing, struct error *err);
