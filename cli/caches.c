// SPDX-License-Identifier: MIT
#include "cli/caches.h"

#include "base/alloc.h"
#include "base/log.h"

static void warn(void *ctx, const char *text)
{
	(void)ctx;
	log_say(LOG_WARN, "%s", text);
}

void cli_caches(struct cli *cli, const struct settings *s, struct caches *out)
{
	autofree char *root = cli_root(cli);

	*out = (struct caches){
		.urls = s->pull,
		.n = s->npull,
		.trust = s->trust,
		.ntrust = s->ntrust,
		.state_dir = cli_cache_dir(cli, "caches"),
		.fetch = &cli->fetch,
		.scratch_dir = arena_printf(&cli->arena, "%s/nix/var/kbuild/tmp", root),
		.warn = warn,
	};
}
