/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The end of evaluation: a recipe, its lock and the local trees become derivations. A plan
 * holds the text of every step's derivation, in an order in which inputs come first, and
 * the side table of origins that tells how to obtain what is no step's output.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "fetchers/origin.h"

/* Where a config request stands in the recipe, for the message when it is not granted. */
struct plan_request {
	const char *symbol; /* without CONFIG_ */
	const char *why;    /* NULL: not given */
	struct span at;
};

struct plan_step {
	const char *name;	  /* "kernel", "modules.hello" */
	const char *drv_path;	  /* of the unresolved derivation */
	struct str text;	  /* of the unresolved derivation */
	struct span at;		  /* what asked for it */
	const size_t *needs;	  /* indices of the steps it takes outputs of */
	size_t nneeds;
	bool internal;		  /* not asked for by name: toolchain, guest, ... */
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
