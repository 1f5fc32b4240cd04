// SPDX-License-Identifier: MIT
/* What a machine runs, as a file that recipes name: kernel: {target: board.yaml} */
#include <stdio.h>

#include "base/json.h"
#include "cli/cmd.h"
#include "cli/probe_files.h"
#include "cli/probe_live.h"
#include "cli/target_write.h"

static void add_missing(const struct probe *p, struct strbuf *out)
{
	for (int i = 0; i < PROBE_FACTS; i++)
		if (probe_misses(p, (enum probe_fact)i))
			strbuf_printf(out, "  not found: %s; on the machine: %s\n",
				      probe_names[i].what, probe_names[i].where);
}

static void add_value(struct strbuf *out, const struct probe *p, int i,
		      const struct target_written *w)
{
	autobuf struct strbuf place = STRBUF_INIT;
	const struct found *f = &p->facts[i];

	if (f->line)
		strbuf_printf(&place, "%s, line %zu", f->file, f->line);
	else
		strbuf_adds(&place, f->file);
	strbuf_printf(out, "  %-12s ", probe_names[i].name);
	if (w->file) {
		strbuf_adds(out, w->file);
	} else if (i == FACT_ARCH) {
		autoerror struct error none = {0};
		const char *arch = target_arch(p, &none);
		strbuf_adds(out, arch ? arch : f->text.ptr);
	} else {
		strbuf_add_masked(out, f->text.ptr, f->text.len);
	}
	strbuf_adds(out, "  (");
	strbuf_add_masked(out, place.ptr, place.len);
	strbuf_adds(out, ")\n");
}

static void print_words(const struct cli *cli, const struct probe *p,
			const struct target_written *written)
{
	autobuf struct strbuf out = STRBUF_INIT;

	for (size_t i = 0; i < p->nremarks; i++)
		fprintf(stderr, "remark: %s\n", p->remarks[i]);
	if (cli->quiet)
		return;
	strbuf_printf(&out, "%s%s\n", written[PROBE_FACTS].file,
		      written[PROBE_FACTS].changed ? "" : " (as it was)");
	for (int i = 0; i < PROBE_FACTS; i++)
		if (p->facts[i].text.ptr)
			add_value(&out, p, i, &written[i]);
	add_missing(p, &out);
	fwrite(out.ptr, 1, out.len, stdout);
}

static void print_json(const struct probe *p, const char *arch,
		       const struct target_written *written)
{
	struct json_object *all = json_object_new_object(), *facts, *list;

	json_add(all, "target", written[PROBE_FACTS].file);
	json_object_object_add(all, "changed",
			       json_object_new_boolean(written[PROBE_FACTS].changed));
	facts = json_add_object(all, "facts");
	for (int i = 0; i < PROBE_FACTS; i++) {
		const struct found *f = &p->facts[i];
		struct json_object *one;

		if (!f->text.ptr)
			continue;
		one = json_add_object(facts, probe_names[i].name);
		if (written[i].file) {
			json_add(one, "file", written[i].file);
			json_object_object_add(
				one, "changed",
				json_object_new_boolean(written[i].changed));
		} else {
			json_add(one, "value", i == FACT_ARCH ? arch : f->text.ptr);
		}
		json_add(one, "from", f->file);
		if (f->line)
			json_add_number(one, "line", f->line);
	}
	list = json_add_list(all, "missing");
	for (int i = 0; i < PROBE_FACTS; i++) {
		struct json_object *one;

		if (!probe_misses(p, (enum probe_fact)i))
			continue;
		one = json_object_new_object();
		json_object_array_add(list, one);
		json_add(one, "name", probe_names[i].name);
		json_add(one, "where", probe_names[i].where);
	}
	list = json_add_list(all, "remarks");
	for (size_t i = 0; i < p->nremarks; i++)
		json_push(list, p->remarks[i]);
	cli_print_json(all);
}

static int finish(struct cli *cli, struct probe *p, const char *path, struct error *err)
{
	struct target_written written[PROBE_FACTS + 1];
	const char *arch;

	if (probe_complete(p, err) < 0 || !(arch = target_arch(p, err)) ||
	    target_write(p, path, written, err) < 0)
		return -1;
	if (cli->json)
		print_json(p, arch, written);
	else
		print_words(cli, p, written);
	return EXIT_DONE;
}

/* A machine, if the first word is an address, and files of it. */
static int collect(struct probe *p, struct cli *cli, struct argv *words,
		   const struct argv *ssh_options, struct error *err)
{
	struct board board;
	bool live = board_is_address(words->v[0]);

	for (size_t i = 1; i < words->n; i++)
		if (board_is_address(words->v[i]))
			return cli_usage(cli, err,
					 "expected one machine, found '%s', too",
					 words->v[i]);
	if (!live)
		return probe_words(p, words->v, words->n, err);
	if (board_parse(words->v[0], &cli->arena, &board, err) < 0)
		return -1;
	board.options = ssh_options;
	return probe_live(p, cli, &board, err) < 0
		       ? -1
		       : probe_words(p, words->v + 1, words->n - 1, err);
}

int cmd_probe(struct cli *cli, int argc, char **argv, struct error *err)
{
	autoargv struct argv words = {0}, files = {0}, ssh_options = {0};
	const char *path = "board.yaml", *release = NULL;
	const struct cli_opt opts[] = {
		{"file", .list = &files, .arg = "FILE",
		 .help = "what was saved of the machine; more may follow as words"},
		{"output", 'o', .text = &path, .arg = "FILE",
		 .help = "the file to write (board.yaml)"},
		{"release", .text = &release, .arg = "TEXT",
		 .help = "its release, where no file says it"},
		{"ssh-option", .list = &ssh_options, .arg = "OPTION",
		 .help = "for ssh -o, as in IdentityFile=key; several times"},
		{0},
	};
	struct probe p = {.a = &cli->arena};

	if (cli_parse(cli, opts, &argc, argv, err) < 0)
		return -1;
	int live = argc > 0 && board_is_address(argv[0]);
	if (live)
		argv_push(&words, argv[0]);
	for (size_t i = 0; i < files.n; i++)
		argv_push(&words, files.v[i]);
	for (int i = live; i < argc; i++)
		argv_push(&words, argv[i]);
	if (!words.n)
		return cli_usage(cli, err,
				 "expected ssh://HOST, or saved files after --file");
	int res = release ? probe_say(&p, FACT_RELEASE, str_of(release), "--release", 0,
				      err)
			  : 0;
	if (res == 0)
		res = collect(&p, cli, &words, &ssh_options, err);
	if (res == 0)
		res = finish(cli, &p, path, err);
	probe_finish(&p);
	return res;
}
