/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Making a lock complete: kbuild-fetch finds out what a floating source means today and
 * brings it; its tree goes into the store at once, so that the build finds it there, and
 * its NAR hash into the lock.
 */
#include "evaluator/lock.h"
#include "fetchers/request.h"
#include "store/store.h"

struct resolve_options {
	const char *data_dir;
	const struct fetch_client *fetch;
	struct store *store; /* open for writing */
	const char *const
		*update; /* resolve these again: an input, "toolchain", or what is */
	size_t nupdate;  /* before a dot: "modules" */
	bool update_all;
};

/*
 * Resolves what is missing, stale or named, drops what is unused. How many entries
 * changed, or -1. The lock is changed in memory only; after an error it holds what was
 * resolved.
 */
int resolve_missing(const struct recipe *r, struct lock *lock,
		    const struct resolve_options *opt, struct arena *a,
		    struct error *err);
