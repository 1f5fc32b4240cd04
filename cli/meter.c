// SPDX-License-Identifier: MIT
#include "cli/meter.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/str.h"

static const double heartbeat_s = 30, redraw_s = 0.05;

void meter_begin(struct meter *m, const struct cli *cli)
{
	*m = (struct meter){.live = cli->live, .quiet = cli->quiet};
}

void meter_show(struct meter *m, const char *what, uint64_t done, uint64_t total)
{
	autobuf struct strbuf line = STRBUF_INIT;
	double now = clock_s();
	bool fresh = strncmp(m->what, what, sizeof(m->what) - 1) != 0;

	if (m->quiet || (!fresh && now - m->spoke < (m->live ? redraw_s : heartbeat_s)))
		return;
	snprintf(m->what, sizeof(m->what), "%s", what);
	strbuf_add_masked(&line, m->what, strlen(m->what));
	if (done || total)
		strbuf_printf(&line, "  %" PRIu64, done >> 20);
	if (total)
		strbuf_printf(&line, " of %" PRIu64, total >> 20);
	if (done || total)
		strbuf_adds(&line, " MiB");
	fprintf(stderr, m->live ? "\r\033[K%s" : "%s\n", line.ptr ? line.ptr : "");
	fflush(stderr);
	m->drawn = m->live;
	m->spoke = now;
}

void meter_end(struct meter *m)
{
	if (m->drawn)
		fputs("\r\033[K", stderr);
	m->drawn = false;
}
