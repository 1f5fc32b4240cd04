// SPDX-License-Identifier: MIT
#include "fetchers/progress.h"

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

enum { INTERVAL_MS = 100 };

void progress_say(struct progress *p, const char *what, uint64_t done, uint64_t total)
{
	struct timespec now;

	if (!p || !p->tell)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	uint64_t ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	bool end = total && done == total && p->finished != total;
	if (!end && ms - p->last_ms < INTERVAL_MS)
		return;
	p->last_ms = ms;
	if (end)
		p->finished = total;
	p->tell(p->ctx, what, done, total);
}
