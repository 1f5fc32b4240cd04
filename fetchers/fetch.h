/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Sources. A kind of source is a struct fetcher: `lock` turns the string of a recipe into
 * facts that name bytes once and for all, `obtain` makes exactly those bytes appear at
 * dest. Resolving is one after the other; fetching from a lock is `obtain` alone, and
 * needs nothing but the facts.
 */
#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/map.h"
#include "base/sha256.h"
#include "fetchers/apt.h"
#include "fetchers/host.h"
#include "fetchers/spec.h"

struct fetch_job {
	const struct host *host;
	struct arena *arena;
	struct map in;     /* the request's text fields; of a fetch, the facts too */
	const char *input; /* the recipe's name for it, "kernel.source" */
	const char *dest;
	struct spec spec;
	const char *label; /* the source as it may be shown */
	struct map facts;  /* what pins it, values in the arena, in the lock's order */
	const char *name;  /* out: store name */
	struct apt_release
		release; /* out of resolve: key NULL if it is not from an archive */
};

struct fetcher {
	enum spec_kind kind;
	int (*lock)(struct fetch_job *job, struct error *err);
	int (*obtain)(struct fetch_job *job, struct error *err);
};

extern const struct fetcher fetcher_debian, fetcher_kernel, fetcher_url, fetcher_git,
	fetcher_path;

/* `in` holds at least `from`; everything else is filled. */
int fetch_resolve(struct fetch_job *job, struct error *err);
int fetch_obtain(struct fetch_job *job, struct error *err);
void fetch_finish(struct fetch_job *job);

/* --- for the fetchers ------------------------------------------------------ */

/* A text field of the request, a fact; NULL when absent or empty. */
const char *job_in(const struct fetch_job *job, const char *key);
const char *job_fact(const struct fetch_job *job, const char *key);
void job_set(struct fetch_job *job, const char *key, const char *value);
/* The request's value becomes a fact if there is one. */
void job_keep(struct fetch_job *job, const char *key);
/* The fact `sha256` (hex or sha256-base64), an error of class lock if it is missing or
 * odd. */
int job_sha256(const struct fetch_job *job, struct sha256 *out, struct error *err);
/* Any text as a legal store name. */
const char *job_name(struct fetch_job *job, const char *text);

/*
 * A file of the cache, named by its digest: downloaded if it is not there. With `expect`
 * NULL it is downloaded in any case and *got says what it is. The path goes to *path
 * (arena). With nothing at any address, *gone is set.
 */
struct cached_file {
	const char *what;
	struct argv urls;
	const struct sha256 *expect;
	uint64_t size;
	struct sha256 got;
	const char *path;
	bool gone;
};
int cached_files(const struct fetch_job *job, struct cached_file *files, size_t n,
		 struct error *err);
/* The file at path, `label` for people, becomes dest: unpacked if it is an archive. */
int place_file(struct fetch_job *job, const char *path, const char *label,
	       struct error *err);
/* The bytes, and whether it is a program; `to` must not exist. */
int copy_file(const char *from, const char *to, struct error *err);
/* SHA-256 of a file. */
int file_sha256(const char *path, struct sha256 *out, struct error *err);
