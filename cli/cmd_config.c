// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/dir.h"
#include "base/map.h"
#include "cli/cmd_config.h"

int config_cmd_finish(struct config_cmd *x, struct json_object *o, int code)
{
	if (x->cli->json)
		cli_print_json(o);
	else
		json_object_put(o);
	fwrite(x->out.ptr ? x->out.ptr : "", 1, x->out.len, stdout);
	return code;
}

void config_cmd_masked(struct strbuf *out, const char *text)
{
	strbuf_add_masked(out, text, strlen(text));
}

static int save_fragment(struct config_cmd *x, int argc, char **argv, struct error *err)
{
	struct config_facts f = {0};
	autobuf struct strbuf text = STRBUF_INIT;

	x->p.recipe_arg = argv[0];
	x->p.minimal = x->p.lenient = true;
	if (config_facts_recipe(x->cli, &x->p, true, &f, err) < 0)
		return -1;
	autofree char *path = path_join(f.report, "minimal.config");
	config_facts_finish(&f);
	if (dir_read(AT_FDCWD, path, &text, err) < 0)
		return -1;
	if (argc > 1)
		return dir_write(AT_FDCWD, argv[1], text.ptr ? text.ptr : "", text.len,
				 0644, false, err) < 0
			       ? -1
			       : EXIT_DONE;
	struct json_object *o = json_object_new_object();
	json_add(o, "fragment", text.ptr ? text.ptr : "");
	if (!x->cli->json)
		strbuf_add(&x->out, text.ptr, text.len);
	return config_cmd_finish(x, o, EXIT_DONE);
}

static const struct {
	const char *name, *usage;
	int least, most; /* words after the verb */
	int (*run)(struct config_cmd *x, int argc, char **argv, struct error *err);
} verbs[] = {
	{"check", "check RECIPE [--against FILE]", 1, 1, cmd_config_check},
	{"diff", "diff A B", 2, 2, cmd_config_diff},
	{"explain", "explain RECIPE SYMBOL ...", 2, 64, cmd_config_explain},
	{"origin", "origin RECIPE [SYMBOL ...]", 1, 4096, cmd_config_origin},
	{"save-fragment", "save-fragment RECIPE [FILE]", 1, 2, save_fragment},
};

static int run_verb(struct config_cmd *x, int argc, char **argv, struct error *err)
{
	const char *names[ARRAY_LEN(verbs)];

	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		names[i] = verbs[i].name;
		if (!argc || strcmp(argv[0], names[i]) != 0)
			continue;
		if (argc - 1 < verbs[i].least || argc - 1 > verbs[i].most)
			return cli_usage(x->cli, err, "expected kbuild config %s",
					 verbs[i].usage);
		return verbs[i].run(x, argc - 1, argv + 1, err);
	}
	const char *near = argc ? word_nearest(argv[0], names, ARRAY_LEN(names)) : NULL;
	if (!near)
		return cli_usage(x->cli, err,
				 "expected one of: check, diff, explain, origin, "
				 "save-fragment");
	error_class(err, ERROR_RECIPE, "unknown verb '%s'", argv[0]);
	return error_hint(err, "did you mean 'kbuild config %s'?", near);
}

int cmd_config(struct cli *cli, int argc, char **argv, struct error *err)
{
	struct config_cmd x = {.cli = cli};
	const struct cli_opt opts[] = {
		PIPELINE_OPTS(&x.p),
		{"against", .text = &x.against, .arg = "FILE",
		 .help = "check: what this .config lacks, or has as a module"},
		{0},
	};
	int rc = cli_parse(cli, opts, &argc, argv, err);

	if (rc == 0)
		rc = run_verb(&x, argc, argv, err);
	strbuf_finish(&x.out);
	pipeline_finish(&x.p);
	return rc;
}
