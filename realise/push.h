/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Valid store paths with everything they refer to into a binary cache, so that another
 * machine finds what was built here. What the cache has stays as it is, so a push that
 * was interrupted goes on where it ended. Bytes come first, then build logs, then what
 * speaks of them, references before referrers: a reader never finds a promise that is not
 * kept.
 *
 * Content proves itself. A realisation is a claim: without a signature nobody may believe
 * it, so it is left out unless it has one, or was built here and gets one now.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/argv.h"
#include "fetchers/request.h"
#include "store/key.h"
#include "store/store.h"

struct push {
	struct store *st;                 /* open for writing */
	const struct fetch_client *fetch; /* told bytes of objects, of all of them */
	const char *cache;                /* its address; a directory is absolute */
	const char *compression;          /* zstd, xz, none */
	long level;                       /* 0: the usual one */
	long parallel;                    /* files at a time; 0: a few */
	const struct key_secret
		*keys; /* sign what was built here and does not prove itself */
	size_t nkeys;
};

struct push_report {
	size_t pushed, had; /* objects */
	size_t resigned;    /* of those it had: got a signature */
	uint64_t bytes;     /* sent, compressed */
	struct argv pushed_paths;
	struct argv left_out; /* nobody signed them, or what they refer to */
	struct argv other;    /* the cache has another one under this name: it stays */
};

/* The report is the caller's to finish, after a failure too. */
int push_run(const struct push *p, const char *const *paths, size_t n,
	     struct push_report *out, struct error *err);
void push_report_finish(struct push_report *r);
