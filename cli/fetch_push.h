/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What the requests that fill a binary cache share: several threads that send files, one
 * error, one progress line.
 */
#include <pthread.h>

#include "cli/fetch_cache.h"
#include "fetchers/uplink.h"

struct push {
	struct cache_url cache;
	struct uplink_set *links;
	unsigned parallel;
	struct progress *progress;

	pthread_mutex_t lock; /* of everything below */
	atomic_bool stop;
	struct error error; /* the first */
	uint64_t done, total;
};

/* `cache` and `parallel` of a request; push_end in any case, with what failed until then.
 */
int push_begin(struct push *p, struct request *r, struct error *err);
int push_end(struct push *p, int failed, struct error *err);
/* Of one of the threads: what went wrong (taken over), which stops the others. */
void push_fail(struct push *p, struct error *err);
bool push_stopped(struct push *p);
/* So many more of the total's bytes are done. */
void push_advance(struct push *p, uint64_t bytes);
