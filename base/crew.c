// SPDX-License-Identifier: MIT
#include "base/crew.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum {
	CREW_MAX = 8, /* more do not read a disk any faster */
	WIDTH_MAX = 64,
};

struct crew {
	size_t n;
	void (*work)(void *ctx, size_t item);
	void *ctx;
	atomic_size_t next;
};

static void *worker(void *arg)
{
	struct crew *c = arg;

	for (size_t i; (i = atomic_fetch_add(&c->next, 1)) < c->n;)
		c->work(c->ctx, i);
	return NULL;
}

long crew_processors(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
}

void crew_run_wide(size_t width, size_t n, void (*work)(void *ctx, size_t item),
		   void *ctx)
{
	struct crew c = {.n = n, .work = work, .ctx = ctx};
	pthread_t threads[WIDTH_MAX];
	size_t started = 0;

	if (width > n)
		width = n;
	if (width > WIDTH_MAX)
		width = WIDTH_MAX;
	/* We are one of them; where no thread can be had we are the only one. */
	while (started + 1 < width &&
	       pthread_create(&threads[started], NULL, worker, &c) == 0)
		started++;
	worker(&c);
	for (size_t i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
}

void crew_run(size_t n, void (*work)(void *ctx, size_t item), void *ctx)
{
	long width = crew_processors();

	crew_run_wide(width < CREW_MAX ? (size_t)width : CREW_MAX, n, work, ctx);
}
