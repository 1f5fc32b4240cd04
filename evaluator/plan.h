/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The end of evaluation: a recipe, its lock and the local trees become derivations. A
 *plan holds the text of every step's derivation, in an order in which inputs come first,
 *and the side table of origins that tells how to obtain what is no step's output.
 *
 *	struct plan plan;
 *	if (plan_make(recipe, lock, &opt, &arena, &plan, err) < 0)
 *		return -1;
 *	long i = plan_find(&plan, "modules.hello", err);
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "evaluator/lock.h"
#include "evaluator/recipe.h"
#include "fetchers/origin.h"
#include "fetchers/request.h"

/* Where a config request stands in the recipe, for the message when it is not granted. */
struct plan_request {
	const char *symbol; /* without CONFIG_ */
	const char *why;    /* NULL: not given */
	struct span at;
};

struct plan_step {
	const char *name;     /* "kernel", "modules.hello" */
	const char *drv_path; /* of the unresolved derivation */
	struct str text;      /* of the unresolved derivation */
	struct span at;       /* what asked for it */
	const size_t *needs;  /* indices of the steps it takes outputs of */
	size_t nneeds;
	bool internal;                 /* not asked for by name: toolchain, guest, ... */
	struct plan_request *requests; /* kernel.config only */
	size_t nrequests;
	/* result/LINK -> SUBPATH below output out; NULL: result/NAME -> out */
	const char *link, *link_subpath;
};

struct plan {
	struct plan_step *steps;
	size_t nsteps;
	struct origin *origins;
	size_t norigins;
};

struct plan_options {
	const char *data_dir, *cache_dir; /* cache_dir: see fetchers/treecache.h */
	const struct fetch_client *fetch; /* used only when a local tree has changed */
};

/*
 * Missing and stale lock entries are findings of class ERROR_LOCK. Opens no store, starts
 * no process unless a local tree changed.
 */
int plan_make(const struct recipe *r, const struct lock *lock,
	      const struct plan_options *opt, struct arena *a, struct plan *out,
	      struct error *err);
/* Index of the step of that public name, or -1 with a suggestion. */
long plan_find(const struct plan *plan, const char *name, struct error *err);
