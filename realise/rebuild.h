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
	const char *scratch; /* what rebuild_clean removes */
};

struct rebuild_mode; /* in what it differs from a normal build; NULL: in nothing */

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
