/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Workers for the nodes of a graph: as many at a time as jobs and tokens allow, from the
 * queue of those that are ready; what is done makes others ready.
 */
#include "realise/demand.h"
#include "realise/rebuild.h"

struct sched_work {
	struct graph *graph;
	struct ready *ready;
	const struct realise_options *opt;
	const char *scratch_dir;        /* store_scratch_dir; no database may be open */
	struct store *hold;             /* keeps what is made; suspended; or NULL */
	struct rebuild_result *rebuilt; /* one a node; NULL: publish what is built */
	const struct rebuild_mode *mode;
};

/*
 * Every needed node has an outcome afterwards. 0: all are done; 1: some failed; -1.
 */
int sched_run(const struct sched_work *work, struct error *err);
