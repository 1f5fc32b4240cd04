/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What a remote repository has, and how it comes into a local one. A single wanted commit
 * is fetched without its history where that can be done: by the git program if there is
 * one, since libgit2 before 1.7 cannot. Everything falls back to a plain fetch.
 */
#include <git2.h>

#include "base/error.h"
#include "fetchers/progress.h"

struct git_remote_job {
	git_repository *repo; /* local, bare */
	const char *url;
	const char *what; /* for people: the source as the recipe has it */
	struct progress progress;
};

/*
 * What `ref` (branch, tag, commit id, refs/...; NULL: HEAD) is now; the commit is in the
 * repository afterwards. A name that is not there is class ERROR_RECIPE.
 */
int git_remote_resolve(struct git_remote_job *r, const char *ref, git_oid *rev,
		       struct error *err);
/*
 * Tries to get `rev`, by its own name, then from `ref`, then from all branches and tags.
 * Not finding it is no failure: look for it.
 */
int git_remote_bring(struct git_remote_job *r, const char *ref, const git_oid *rev,
		     struct error *err);
