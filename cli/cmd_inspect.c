// SPDX-License-Identifier: MIT
#include <stdio.h>

#include "cli/against.h"
#include "cli/inspect_tree.h"
#include "cli/module_report.h"

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

static int inspect_one(struct cli *cli, const char *file, struct str bytes,
		       const char *against, const struct against *x, struct error *err)
{
	struct verdict v = {0};
	struct module m;

	if (module_read(bytes, &cli->arena, &m, err) < 0)
		return error_wrap(err, "%s", file);
	if (against)
		verdict_make(&m, &x->target, &cli->arena, &v);
	print(cli, file, against, &m, x, &v);
	return v.outcome == OUTCOME_REFUSED ? EXIT_INCOMPATIBLE : EXIT_DONE;
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

	if (cli_parse(cli, opts, &argc, argv, err) < 0)
		return -1;
	if (argc != 1)
		return cli_usage(cli, err,
				 "expected one module, as in hello.ko, or a folder");
	if (!inspect_is_tree(argv[0], STR("")) &&
	    against_read_file(argv[0], &file, err) < 0)
		return -1;
	x.target.release = release;
	int res = against ? against_read(&x, against, err) : 0;
	struct str bytes = {file.ptr ? file.ptr : "", file.len};
	if (res == 0)
		res = inspect_is_tree(argv[0], bytes)
			      ? inspect_tree(cli, argv[0], bytes, against, &x, err)
			      : inspect_one(cli, argv[0], bytes, against, &x, err);
	against_finish(&x);
	return res;
}
