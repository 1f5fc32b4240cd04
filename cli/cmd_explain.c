// SPDX-License-Identifier: MIT
#include <stdio.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "cli/cmd.h"
#include "cli/explain_report.h"

enum { LOG_MAX = 64 << 20 };

struct explaining {
	bool json;
	struct json_object *list;
	struct strbuf out;
	size_t known;
};

static void explain_one(struct explaining *x, struct str line)
{
	struct explanation e;

	if (!explain_line(line, &e))
		return;
	x->known++;
	if (x->json)
		json_object_array_add(x->list, json_of_explanation(line, &e));
	else
		report_explanation(line, &e, &x->out);
}

int cmd_explain(struct cli *cli, int argc, char **argv, struct error *err)
{
	const struct cli_opt opts[] = {{0}};
	autobuf struct strbuf text = STRBUF_INIT;
	struct explaining x = {0};

	if (cli_parse(cli, opts, &argc, argv, err) < 0)
		return -1;
	bool is_stream = argc == 0 || (argc == 1 && strcmp(argv[0], "-") == 0);
	if (is_stream && read_all(STDIN_FILENO, LOG_MAX, &text, err) < 0)
		return -1;
	for (int i = 0; i < argc && !is_stream; i++)
		strbuf_printf(&text, "%s%s", i ? " " : "", argv[i]);
	x.json = cli->json;
	struct json_object *o = json_object_new_object();
	x.list = json_add_list(o, "messages");
	struct str rest = {text.ptr ? text.ptr : "", text.len};
	while (rest.ptr)
		explain_one(&x, str_cut(&rest, '\n'));
	if (x.json)
		cli_print_json(o);
	else
		json_object_put(o);
	fwrite(x.out.ptr ? x.out.ptr : "", 1, x.out.len, stdout);
	if (!x.known && !cli->json)
		fprintf(stderr,
			"no message we know; dmesg may have said more before it\n");
	strbuf_finish(&x.out);
	return x.known ? EXIT_DONE : EXIT_SOME_FAILED;
}
