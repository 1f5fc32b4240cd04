/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Runs the builder of a resolved derivation once more and publishes nothing: its outputs
 * become canonical and hashed trees in scratch. Everything else is as in realise: worker
 * processes, the log, limits, the sandbox, interruption.
 *
 *	const struct rebuild_job job = {.name = "kernel", .text = text};
 *	struct rebuild_result result;
 *	if (rebuild(&job, 1, &mode, &opt, &arena, &result, err) < 0)
 *		return -1;
 *	if (result.built.state == STEP_BUILT)
 *		...result.outputs[i].nar, result.outputs[i].physical...
 *	rebuild_clean(&result, 1);
 */
#include <json-c/json.h>

#include "base/sha256.h"
#include "realise/realise.h"

struct rebuild_job {
	const char *name; /* for people */
	struct str text;  /* resolved derivation, as its .drv object holds it */
};

struct rebuilt {
	const char *name; /* of the output: "out" */
	const char *key;  /* its path in the derivation: the realisation key */
	const char *physical;
	struct sha256 nar;
	uint64_t nar_size;
};

struct rebuild_result {
	struct realise_result built; /* state, seconds, failure; outputs have no path */
	struct rebuilt *outputs;     /* set when BUILT */
	size_t noutputs;
	struct json_object *report; /* with `compare`: the caller's to put */
	const char *scratch;        /* what rebuild_clean removes */
};

/* In what it differs from a normal build; NULL: in nothing. */
struct rebuild_mode {
	unsigned round;       /* 1, 2, ...: the variation of realise/vary.h; 0: none */
	const char *vary_dir; /* our data folder of that name */
	/*
	 * Compare with what the store has for the same keys: the result is a report, and
	 * no tree stays. Its form: see realise/inspect.c.
	 */
	bool compare;
	const char *keep_dir;   /* where those that differ are left, or NULL */
	const char *diffoscope; /* program that looks closer, or NULL */
};

/*
 * One result a job; each job is tried, whatever becomes of the others (keep_going is
 * taken for granted). Inputs that are not valid are obtained as opt->origins say. 0: all
 * are BUILT; 1: some FAILED, see results; -1: nothing useful happened, or interrupted,
 * and nothing is left.
 */
int rebuild(const struct rebuild_job *jobs, size_t n, const struct rebuild_mode *mode,
	    const struct realise_options *opt, struct arena *a,
	    struct rebuild_result *results, struct error *err);
/* Removes the trees. What a killed kbuild could not remove, the next build clears away.
 */
void rebuild_clean(const struct rebuild_result *results, size_t n);
