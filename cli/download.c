// SPDX-License-Identifier: MIT
#include "cli/download.h"

#include "cli/meter.h"

static void show(void *ctx, const char *what, uint64_t done, uint64_t total)
{
	meter_show(ctx, what, done, total);
}

void download_begin(struct cli *cli)
{
	struct meter *m = arena_new(&cli->arena, struct meter);

	if (cli->quiet)
		return;
	meter_begin(m, cli);
	cli->fetch.progress = show;
	cli->fetch.ctx = m;
}

void download_end(struct cli *cli)
{
	if (cli->fetch.ctx)
		meter_end(cli->fetch.ctx);
	cli->fetch.progress = NULL;
	cli->fetch.ctx = NULL;
}
