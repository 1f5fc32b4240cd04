// SPDX-License-Identifier: MIT
#include <stdio.h>

#include "base/alloc.h"
#include "base/map.h"
#include "base/str.h"
#include "cli/cmd.h"
#include "evaluator/schema.h"

enum { NUMBER_MAX = 65536, OPTIONS_MAX = 32 };

static const char *opt_arg(const struct cli_opt *o)
{
	return o->flag ? NULL : o->arg ? o->arg : "VALUE";
}

static void print_opts(const struct cli_opt *opts)
{
	for (; opts->name; opts++) {
		autofree char *letter =
			opts->letter ? xasprintf("-%c, ", opts->letter) : xstrdup("    ");
		autofree char *left = xasprintf("%s--%s%s%s", letter, opts->name,
						opt_arg(opts) ? " " : "",
						opt_arg(opts) ? opt_arg(opts) : "");

		printf("  %-32s %s\n", left, opts->help);
	}
}

static const struct cli_opt *find(const struct cli_opt *opts, const char *name,
				  size_t len, char letter)
{
	for (; opts->name; opts++)
		if (letter ? opts->letter == letter
			   : strlen(opts->name) == len && !strncmp(opts->name, name, len))
			return opts;
	return NULL;
}

static int parse_seconds(const char *s, long *out)
{
	static const struct {
		const char *unit;
		long factor;
	} units[] = {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
	char *end;
	long n = strtol(s, &end, 10);

	if (end == s || n < 0 || n > 10000000)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (strcmp(end, units[i].unit) == 0) {
			*out = n * units[i].factor;
			return 0;
		}
	return -1;
}

static int set_value(struct cli *cli, const struct cli_opt *o, const char *value,
		     struct error *err)
{
	char *end;

	if (o->text) {
		*o->text = value;
	} else if (o->size) {
		if (schema_size(value, o->size) < 0)
			return cli_usage(
				cli, err,
				"--%s: expected a size such as 500M or 20G, found '%s'",
				o->name, value);
	} else if (o->list) {
		argv_push(o->list, value);
	} else if (o->seconds) {
		if (parse_seconds(value, o->seconds) < 0)
			return cli_usage(
				cli, err,
				"--%s: expected a time such as 90s or 10m, found '%s'",
				o->name, value);
	} else {
		long n = strtol(value, &end, 10);

		if (end == value || *end || n < 0 || n > NUMBER_MAX)
			return cli_usage(cli, err,
					 "--%s: expected a number up to %d, found '%s'",
					 o->name, NUMBER_MAX, value);
		*o->number = n;
	}
	return 0;
}

static int unknown_option(struct cli *cli, const struct cli_opt *opts,
			  const struct cli_opt *global, const char *word, size_t len,
			  struct error *err)
{
	const char *names[OPTIONS_MAX];
	autofree char *name = xstrndup(word + 2, len);
	size_t n = 0;

	for (; opts->name && n < OPTIONS_MAX; opts++)
		names[n++] = opts->name;
	for (; global->name && n < OPTIONS_MAX; global++)
		names[n++] = global->name;
	const char *near = word_nearest(name, names, n);
	if (!near)
		return cli_usage(cli, err, "unknown option '%s'", word);
	error_class(err, ERROR_RECIPE, "unknown option '%s'", word);
	return error_hint(err, "did you mean '--%s'?", near);
}

/* One word that starts with a dash. Returns how many words it took, or -1. */
static int take_option(struct cli *cli, const struct cli_opt *opts,
		       const struct cli_opt *global, int left, char **argv,
		       struct error *err)
{
	const char *word = argv[0];
	const char *eq = word[1] == '-' ? strchr(word, '=') : NULL;
	size_t len = word[1] == '-' ? (eq ? (size_t)(eq - word) : strlen(word)) - 2 : 0;
	char letter = word[1] == '-' ? 0 : word[1];
	const struct cli_opt *o = find(opts, word + 2, len, letter);

	if (!o)
		o = find(global, word + 2, len, letter);
	if (!o)
		return unknown_option(cli, opts, global, word, len, err);
	if (o->flag) {
		if (eq || (letter && word[2]))
			return cli_usage(cli, err, "option '%s' takes no value", word);
		*o->flag = true;
		return 1;
	}
	if (eq || (letter && word[2]))
		return set_value(cli, o, eq ? eq + 1 : word + 2, err) < 0 ? -1 : 1;
	if (left < 2)
		return cli_usage(cli, err, "option '%s' needs a value", word);
	return set_value(cli, o, argv[1], err) < 0 ? -1 : 2;
}

static _Noreturn void print_help(const struct cmd *cmd, const struct cli_opt *opts,
				 const struct cli_opt *global)
{
	printf("usage: kbuild %s%s%s\n\n%s\n", cmd->name, *cmd->usage ? " " : "",
	       cmd->usage, cmd->summary);
	if (opts->name) {
		printf("\noptions\n");
		print_opts(opts);
	}
	printf("\nglobal options\n");
	print_opts(global);
	if (cmd->details)
		printf("\n%s\n", cmd->details);
	exit(fflush(stdout) == 0 ? EXIT_DONE : EXIT_INFRA);
}

int cli_parse(struct cli *cli, const struct cli_opt *opts, int *argc, char **argv,
	      struct error *err)
{
	bool help = false, no_color = false;
	const struct cli_opt global[] = {
		{"root", .text = &cli->root, .arg = "DIR",
		 .help = "the store's root directory"},
		{"json", .flag = &cli->json, .help = "facts as one JSON object"},
		{"quiet", 'q', .flag = &cli->quiet, .help = "errors only"},
		{"verbose", 'v', .flag = &cli->verbose,
		 .help = "say more; show build output"},
		{"no-color", .flag = &no_color,
		 .help = "no colours (NO_COLOR does the same)"},
		{"help", 'h', .flag = &help, .help = "this text"},
		{0},
	};
	int kept = 0;

	for (int i = 0; i < *argc;) {
		if (strcmp(argv[i], "--") == 0) {
			for (i++; i < *argc; i++)
				argv[kept++] = argv[i];
			break;
		}
		if (argv[i][0] != '-' || !argv[i][1]) {
			argv[kept++] = argv[i++];
			continue;
		}
		int n = take_option(cli, opts, global, *argc - i, argv + i, err);
		if (n < 0)
			return -1;
		i += n;
	}
	*argc = kept;
	if (help)
		print_help(cli->cmd, opts, global);
	if (no_color)
		cli->color = false;
	return 0;
}

int cli_split(int *argc, char **argv)
{
	for (int i = 0; i < *argc; i++)
		if (strcmp(argv[i], "--") == 0) {
			int rest = *argc - i;

			*argc = i;
			return rest;
		}
	return 0;
}

int cli_usage(const struct cli *cli, struct error *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	autobuf struct strbuf text = STRBUF_INIT;
	strbuf_vprintf(&text, fmt, ap);
	va_end(ap);
	error_class(err, ERROR_RECIPE, "%s", text.ptr);
	return error_hint(err, "kbuild %s%s--help", cli->cmd ? cli->cmd->name : "",
			  cli->cmd ? " " : "");
}

void cli_print_json(struct json_object *o)
{
	puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY |
						       JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
}
