// SPDX-License-Identifier: MIT
#include "fetchers/progress.h"

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"

enum { INTERVAL_MS = 100 };

void progress_say(struct progress *p, const char *what, uint64_t done, uint64_t total)
{
	if (!p || !p->tell)
		return;
	uint64_t ms = clock_ms();
	bool end = total && done == total && p->finished != total;
	if (!end && ms - p->last_ms < INTERVAL_MS)
		return;
	p->last_ms = ms;
	if (end)
		p->finished = total;
	p->tell(p->ctx, what, done, total);
}
