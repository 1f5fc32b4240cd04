// SPDX-License-Identifier: MIT
#include "cli/download.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/str.h"

enum { HEARTBEAT_S = 30 };

struct download {
	bool live, drawn;
	char what[96];
	double spoke;
};

static void show(void *ctx, const char *what, uint64_t done, uint64_t total)
{
	struct download *d = ctx;
	autobuf struct strbuf line = STRBUF_INIT;
	double now = clock_s();
	bool fresh = strncmp(d->what, what, sizeof(d->what) - 1) != 0;
	if (!d->live && !fresh && now - d->spoke < HEARTBEAT_S)
		return;
	snprintf(d->what, sizeof(d->what), "%s", what);
	strbuf_add_masked(&line, d->what, strlen(d->what));
	if (done || total)
		strbuf_printf(&line, "  %" PRIu64, done >> 20);
	if (total)
		strbuf_printf(&line, " of %" PRIu64, total >> 20);
	if (done || total)
		strbuf_adds(&line, " MiB");
	fprintf(stderr, d->live ? "\r\033[K%s" : "%s\n", line.ptr ? line.ptr : "");
	fflush(stderr);
	d->drawn = d->live;
	d->spoke = now;
}

void download_begin(struct cli *cli)
{
	struct download *d = arena_new(&cli->arena, struct download);

	if (cli->quiet)
		return;
	d->live = cli->live;
	cli->fetch.progress = show;
	cli->fetch.ctx = d;
}

void download_end(struct cli *cli)
{
	struct download *d = cli->fetch.ctx;

	if (d && d->drawn)
		fputs("\r\033[K", stderr);
	cli->fetch.progress = NULL;
	cli->fetch.ctx = NULL;
}
