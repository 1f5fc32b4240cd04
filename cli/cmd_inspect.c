// SPDX-License-Identifier: MIT
#include <stdio.h>

#include "cli/against.h"
#include "cli/module_report.h"

static struct str all_of(const struct strbuf *b)
{
	return (struct str){b->ptr, b->len};
}

/* --- the command -------------------------------------------------------------------- */

static void print(struct cli *cli, const char *file, const char *against,
		  const struct module *m, const struct against *x,
		  const struct verdict *v)
{
	autobuf struct strbuf out = STRBUF_INIT;

	if (cli->json) {
		struct json_object *o = json_object_new_object();

		json_add(o, "file", file);
		json_object_object_add(o, "module", json_of_module(m));
		if (against)
			json_object_object_add(o, "verdict",
					       json_of_verdict(&x->target, v));
		cli_print_json(o);
		return;
	}
	if (!against || !cli->quiet)
		report_module(file, m, &out);
	if (against)
		report_verdict(against, m, &x->target, v, &out);
	fwrite(out.ptr, 1, out.len, stdout);
}

int cmd_inspect(struct cli *cli, int argc, char **argv, struct error *err)
{
	const char *against = NULL, *release = NULL;
	const struct cli_opt opts[] = {
		{"against", .text = &against, .arg = "KERNEL",
		 .help = "would this kernel load it?"},
		{"release", .text = &release, .arg = "TEXT",
		 .help = "the kernel's release, where KERNEL does not say it"},
		{0},
	};
	autobuf struct strbuf file = STRBUF_INIT;
	struct against x = {.cli = cli};
	struct verdict v = {0};
	struct module m;

	if (cli_parse(cli, opts, &argc, argv, err) < 0)
		return -1;
	if (argc != 1)
		return cli_usage(cli, err, "expected one module, as in hello.ko");
	if (against_read_file(argv[0], &file, err) < 0)
		return -1;
	if (module_read(all_of(&file), &cli->arena, &m, err) < 0)
		return error_wrap(err, "%s", argv[0]);
	x.target.release = release;
	int res = against ? against_read(&x, against, err) : 0;
	if (res == 0 && against)
		verdict_make(&m, &x.target, &cli->arena, &v);
	if (res == 0)
		print(cli, argv[0], against, &m, &x, &v);
	against_finish(&x);
	if (res < 0)
		return -1;
	return v.outcome == OUTCOME_REFUSED ? EXIT_INCOMPATIBLE : EXIT_DONE;
}
