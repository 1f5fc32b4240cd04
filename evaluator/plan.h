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
#include "evaluator/artifacts.h"
#include "evaluator/lock.h"
#include "evaluator/recipe.h"
#include "fetchers/origin.h"
#include "fetchers/request.h"

/* Where a config request stands in the recipe, for the message when it is not granted. */
struct plan_request {
	const char *symbol; /* without CONFIG_; of a fragment its file name */
	const char *why;    /* NULL: not given */
	struct span at;
	enum plan_request_kind { REQUEST_SET, REQUEST_WISH, REQUEST_FRAGMENT } kind;
	const char *physical; /* a fragment's file */
};

struct plan_step {
	const char *name;     /* "kernel", "modules.hello" */
	const char *drv_path; /* of the unresolved derivation */
	struct str text;      /* of the unresolved derivation */
	struct span at;       /* what asked for it */
	const size_t *needs;  /* indices of the steps it takes outputs of */
	size_t nneeds;
	bool internal;                 /* not asked for by name: toolchain, guest, ... */
	struct plan_request *requests; /* kernel.config only: set, wish, use */
	size_t nrequests;
	const char *why; /* it is made as it is, in a line for people, or NULL */
	/* result/LINK -> SUBPATH below output out; NULL: result/NAME -> out */
	const char *link, *link_subpath;
};

/* A piece of a text: known now, or the words of a small file of a step's output. */
struct plan_part {
	const char *text; /* NULL: of the step */
	size_t step;
	const char *output, *subpath;
	enum artifact_text as;
};

struct plan_text {
	struct plan_part *v;
	size_t n, cap;
};

/* What is copied out of the store when it is there. */
struct plan_export {
	struct plan_text path; /* below plan_exports.dir */
	const char *name;      /* of its variable: "KERNEL_IMAGE" */
	size_t step;
	const char *output, *subpath;
	struct plan_text below; /* and below subpath */
	const char *file;       /* as output_ref.file, or NULL */
	struct span at, value_at;
};

struct plan_fact {
	const char *name; /* "KERNEL_RELEASE" */
	struct plan_text value;
};

/* Files that tell other build systems what was exported: keys of the section. */
enum export_format { EXPORT_CMAKE, EXPORT_MAKE, EXPORT_JSON, EXPORT_ENV, EXPORT_FORMATS };
extern const char *const export_formats[EXPORT_FORMATS];

struct plan_exports {
	const char *dir;   /* absolute */
	const char *shown; /* as the recipe says it */
	struct plan_export *v;
	size_t n, cap;
	struct plan_fact *facts;
	size_t nfacts, fcap;
	struct {
		const char *path; /* below dir; NULL: none */
		struct span at;
	} lists[EXPORT_FORMATS];
	struct span at;
};

struct plan {
	struct plan_step *steps;
	size_t nsteps;
	struct origin *origins;
	size_t norigins;
	struct plan_exports *exports; /* NULL: none */
};

struct plan_options {
	const char *data_dir, *cache_dir; /* cache_dir: see fetchers/treecache.h */
	const struct fetch_client *fetch; /* used only when a local tree has changed */
	/* Another kernel.config: one that does not fail, and says more of these symbols.
	 */
	bool lenient, minimal;
	const char *const *explain;
	size_t nexplain;
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
