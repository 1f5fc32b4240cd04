// SPDX-License-Identifier: MIT
/* kbuild store optimise: equal files of all objects become one. */
#include <inttypes.h>
#include <stdio.h>

#include "base/json.h"
#include "base/log.h"
#include "cli/cmd_store.h"
#include "cli/meter.h"
#include "store/optimise.h"

static void show(void *ctx, uint64_t done, uint64_t total)
{
	meter_show(ctx, "optimise", done, total);
}

static void tell(const struct cli *cli, const struct optimise *o)
{
	for (size_t i = 0; i < o->corrupt.n; i++)
		log_say(LOG_WARN, "dropped the corrupt shared file .links/%s",
			o->corrupt.v[i]);
	if (o->corrupt.n)
		log_say(LOG_WARN, "what shared it is damaged: "
				  "kbuild store verify --contents --repair");
	for (size_t i = 0; i < o->skipped.n; i++)
		log_say(LOG_WARN, "left alone, in use or not canonical: %s",
			o->skipped.v[i]);
	if (cli->json) {
		struct json_object *out = json_object_new_object();

		json_add_number(out, "files", o->files);
		json_add_number(out, "bytes", o->bytes);
		json_add_number(out, "corrupt", o->corrupt.n);
		json_add_number(out, "skipped", o->skipped.n);
		cli_print_json(out);
	} else {
		printf("%" PRIu64 " files replaced by links, %.1f MiB freed\n", o->files,
		       (double)o->bytes / (1 << 20));
	}
}

int store_cmd_optimise(struct store_cmd *c, struct error *err)
{
	struct optimise o = {0};
	autostore struct store *st = NULL;
	struct meter meter;

	if (cli_open_store(c->cli, STORE_WRITE, &st, err) < 0)
		return -1;
	meter_begin(&meter, c->cli);
	o.progress = c->cli->live ? show : NULL;
	o.ctx = &meter;
	int rc = store_optimise(st, &o, err);
	meter_end(&meter);
	if (rc == 0)
		tell(c->cli, &o);
	argv_finish(&o.corrupt);
	argv_finish(&o.skipped);
	return rc < 0 ? -1 : EXIT_DONE;
}
