// SPDX-License-Identifier: MIT
#include <stdio.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "cli/cmd.h"
#include "cli/module_report.h"
#include "module/explain.h"
#include "module/text.h"

enum { LOG_MAX = 64 << 20 };

struct explaining {
	bool json;
	struct json_object *list;
	struct strbuf out;
	size_t known;
};

/* Between two that both have CRCs the kernel does not look at the release. */
static struct vermagic_verdict compare(const struct explanation *e)
{
	struct str m = e->hole[1], k = e->hole[2];
	bool crcs = vermagic_split(m).part[VERMAGIC_MODVERSIONS].len &&
		    vermagic_split(k).part[VERMAGIC_MODVERSIONS].len;

	return vermagic_compare(m, k, crcs);
}

static bool is_vermagic(const struct explanation *e)
{
	return strcmp(e->message->code, "vermagic") == 0;
}

static void add_json(struct explaining *x, struct str line, const struct explanation *e)
{
	autobuf struct strbuf meaning = STRBUF_INIT, change = STRBUF_INIT;
	struct json_object *one = json_object_new_object();

	json_object_array_add(x->list, one);
	json_object_object_add(one, "line",
			       json_object_new_string_len(line.ptr, (int)line.len));
	explain_fill(e, e->message->meaning, &meaning);
	explain_fill(e, e->message->change, &change);
	json_add(one, "code", e->message->code);
	json_add(one, "meaning", meaning.ptr);
	json_add(one, "change", change.ptr);
	json_add(one, "config", e->message->symbol);
	if (!is_vermagic(e))
		return;
	struct vermagic_verdict v = compare(e);
	json_object_object_add(one, "differences", json_of_differences(&v));
}

static void add_words(struct explaining *x, struct str line, const struct explanation *e)
{
	autobuf struct strbuf text = STRBUF_INIT;

	strbuf_add(&text, line.ptr, line.len);
	strbuf_adds(&text, "\n  ");
	explain_fill(e, e->message->meaning, &text);
	strbuf_adds(&text, "\n  change: ");
	explain_fill(e, e->message->change, &text);
	if (e->message->symbol)
		strbuf_printf(&text, "\n  config: %s", e->message->symbol);
	strbuf_addc(&text, '\n');
	strbuf_add_masked(&x->out, text.ptr, text.len);
	if (!is_vermagic(e))
		return;
	struct vermagic_verdict v = compare(e);
	text_vermagic(e->hole[1], e->hole[2], &v, &x->out);
	for (size_t i = 0; i < v.ndifferences; i++)
		strbuf_printf(&x->out, "  differs: %s\n", v.differences[i].why);
}

static void explain_one(struct explaining *x, struct str line)
{
	struct explanation e;

	if (!explain_line(line, &e))
		return;
	x->known++;
	if (x->json)
		add_json(x, line, &e);
	else
		add_words(x, line, &e);
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
