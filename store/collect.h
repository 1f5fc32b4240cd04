/* SPDX-License-Identifier: MIT */
#pragma once
/* One run of the collector, as its files share it. */
#include <pthread.h>

#include "base/map.h"
#include "store/liveroots.h"

struct gc {
	struct store *st;
	const struct gc_options *opt;
	struct gc_result *res;
	struct arena arena;
	struct reach reach;
	struct live live;
	uint32_t *order; /* what is to go, referrers first */
	uint32_t norder;
	/*
	 * Held while something is deleted, and while somebody says that it must not be.
	 * So an answer means: stays, or is gone.
	 */
	pthread_mutex_t lock;
	struct map rooted; /* digests of temporary roots, valid or not */
	bool loaded;       /* reach is there */
	int lock_fd;
	struct gcserver *server;
};

/* --- sweep.c ---------------------------------------------------------------------- */

/* Deletes what is in order. */
int sweep_paths(struct gc *gc, struct error *err);
/* Trees without a row, locks of nobody, what other crashes left. */
int sweep_strays(struct gc *gc, struct error *err);
/* Entries of .links that nothing else links to. */
int sweep_links(struct gc *gc, struct error *err);
/* Logs of builds that nobody has any more. */
int sweep_logs(struct gc *gc, struct error *err);

/* What is in the store directory without a row or a root: 1, 0, -1. Lock held, or dry. */
int stray(struct gc *gc, const char *name, struct error *err);
bool is_lock_file(const char *name);

/* --- measure.c -------------------------------------------------------------------- */

/* What sweep_paths, sweep_strays and sweep_links would do, into res. */
int measure_all(struct gc *gc, struct error *err);
