/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What most commands do first: a recipe and its lock become a plan, and the plan is
 * realised. The evaluator and realise meet here and nowhere else.
 */
#include "cli/caches.h"
#include "cli/cmd.h"
#include "evaluator/plan.h"
#include "evaluator/recipe.h"
#include "realise/realise.h"

struct pipeline {
	/* options of the command, filled by cli_parse through pipeline_opts */
	bool locked, keep_failed, keep_going, no_link, no_cache;
	long jobs, timeout_s, silent_s, log_mib;
	struct argv overrides;

	/* of `kbuild config`: see plan_options */
	bool lenient, minimal;
	struct argv explain;

	const char *recipe_arg;
	struct recipe *recipe;
	struct settings settings;
	struct caches caches;
	struct plan plan;
	bool *wanted;                   /* one a step */
	struct realise_result *results; /* one a step, after pipeline_realise */
	const char *root;               /* the store's, absolute; after that, too */
};

/* The options every realising command knows, as rows for its table. */
// clang-format off
#define PIPELINE_OPTS(p)                                                                 \
	{"locked", .flag = &(p)->locked, .help = "fail rather than change the lock"},    \
	{"override", .list = &(p)->overrides, .arg = "INPUT=SOURCE",                     \
	 .help = "use another input, leave the lock alone"},                             \
	{"jobs", 'j', .number = &(p)->jobs, .arg = "N",                                  \
	 .help = "make jobs for everything"},                                            \
	{"no-cache", .flag = &(p)->no_cache,                                             \
	 .help = "take nothing from caches, build it here"},                             \
	{"keep-going", 'k', .flag = &(p)->keep_going,                                    \
	 .help = "build what can be built"},                                             \
	{"keep-failed", .flag = &(p)->keep_failed,                                       \
	 .help = "keep a failed build's directory"},                                     \
	{"timeout", .seconds = &(p)->timeout_s, .arg = "TIME",                           \
	 .help = "of one build, e.g. 2h"},                                               \
	{"max-silent", .seconds = &(p)->silent_s, .arg = "TIME",                         \
	 .help = "a build must say something that often"},                               \
	{"max-log", .number = &(p)->log_mib, .arg = "MIB",                               \
	 .help = "most output of one build"}
// clang-format on

/* "recipe.yaml#kernel" and further words: the recipe and the steps that are asked for. */
int pipeline_target(struct pipeline *p, struct cli *cli, int argc, char **argv,
		    struct argv *steps, struct error *err);
/* Says what was chosen for the user, and what is doubtful about it. */
void pipeline_remarks(const struct recipe *r);
/* Recipe, lock (resolved and written if that is allowed and needed), plan. */
int pipeline_plan(struct pipeline *p, struct cli *cli, struct error *err);
/* Marks the steps, all public ones if none is named. */
int pipeline_want(struct pipeline *p, const struct argv *steps, struct cli *cli,
		  struct error *err);
/*
 * Realises what is wanted, with progress; makes result/ links and collector roots.
 * 0: done; 1: some steps failed, pipeline_failures says which; -1.
 */
int pipeline_realise(struct pipeline *p, struct cli *cli, struct error *err);
/* What realise is told by the options; root and progress (may be NULL) outlive it. */
struct progress;
struct realise_options pipeline_options(const struct pipeline *p, struct cli *cli,
					const char *root, struct progress *progress);
/* Failed steps as errors with places, logs and hints. Returns -1. */
int pipeline_failures(const struct pipeline *p, struct cli *cli, struct error *err);
/* The failure of one. */
void pipeline_failure(const struct pipeline *p, size_t step,
		      const struct realise_failure *f, struct error *err);
void pipeline_finish(struct pipeline *p);

/* The plan's steps as realise takes them; in cli's arena. */
struct realise_step *pipeline_steps(const struct pipeline *p, struct cli *cli);
/* Physical path of output `name` of a step that is there; NULL without such an output. */
char *pipeline_output(const struct pipeline *p, size_t step, const char *name);
