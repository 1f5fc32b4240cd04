/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A command is a row of the table in cli/main.c: its words, its help and a function.
 *
 *	int cmd_log(struct cli *cli, int argc, char **argv, struct error *err)
 *	{
 *		bool follow = false;
 *		const struct cli_opt opts[] = {
 *			{"follow", 'f', .flag = &follow, .help = "keep reading"},
 *			{0},
 *		};
 *		if (cli_parse(cli, opts, &argc, argv, err) < 0)
 *			return -1;
 *		...                     // argv[0..argc) are the words that are left
 *		return 0;               // the exit code
 *	}
 *
 * A command returns its exit code, or -1 after filling err; main() prints the error and
 * makes the exit code of its class. Results go to standard output, everything else to
 * standard error.
 */
#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"
#include "fetchers/request.h"
#include "store/key.h"
#include "store/store.h"

/* Exit codes, as documented in the manual. */
enum exit_code {
	EXIT_DONE = 0,
	EXIT_SOME_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_LOCK = 3,
	EXIT_CONFIG = 4,
	EXIT_BUILD = 5,
	EXIT_DIFFERS = 6,
	EXIT_INCOMPATIBLE = 7,
	EXIT_INFRA = 8,
	EXIT_INTERRUPTED = 9,
};

struct cmd;

struct cli {
	struct arena arena; /* everything parsed or planned by this command */
	const struct cmd *cmd;
	const char *root; /* --root, NULL: the default */
	bool json, quiet, verbose;
	bool color;     /* of standard error */
	bool live;      /* standard error is a terminal that can redraw lines */
	char *data_dir; /* builders/, recipes/, guest/ */
	char *fetch_program;
	struct fetch_client fetch;
};

struct cmd {
	const char *name;
	const char *usage;   /* what follows the name */
	const char *summary; /* one line, lower case */
	const char *details; /* more for --help: paragraphs, an example */
	int (*run)(struct cli *cli, int argc, char **argv, struct error *err);
};

/* One option; exactly one of the targets is set. The table ends with a zero row. */
struct cli_opt {
	const char *name; /* long, without the dashes */
	char letter;      /* 0: none */
	bool *flag;
	const char **text;
	long *number;      /* a count, at least 0 */
	long *seconds;     /* 90, 90s, 10m, 2h, 30d */
	uint64_t *size;    /* in bytes: 4096, 500M, 20G */
	struct argv *list; /* may be given several times */
	const char *arg;   /* how help calls the value */
	const char *help;
};

/*
 * Takes the options (and the global ones) out of argv, wherever they stand before `--`.
 * What is left, including everything behind `--`, is in argv[0..*argc); the `--` is not.
 * --help prints and exits.
 */
int cli_parse(struct cli *cli, const struct cli_opt *opts, int *argc, char **argv,
	      struct error *err);
/* For words that are another program's: ends argv before `--`, returns how many are left
 * with it. */
int cli_split(int *argc, char **argv);
/* A usage error: class ERROR_RECIPE with a hint at --help. */
PRINTF(3, 4)
int cli_usage(const struct cli *cli, struct error *err, const char *fmt, ...);
/* Prints the object, indented, on standard output, and frees it. */
void cli_print_json(struct json_object *o);

/* --root, KBUILD_ROOT or the default; freed by the caller. */
char *cli_root(const struct cli *cli);
/* The store there. */
int cli_open_store(struct cli *cli, enum store_mode mode, struct store **out,
		   struct error *err);
/* Finds builders/, recipes/ and guest/; cli->data_dir afterwards. */
int cli_find_data(struct cli *cli, struct error *err);
/* Finds kbuild-fetch and sets cli->fetch up with progress on the terminal. */
int cli_find_fetch(struct cli *cli, struct error *err);
/* KBUILD_CACHE or ${XDG_CACHE_HOME:-~/.cache}/kbuild, below it `name`; in cli's arena. */
const char *cli_cache_dir(struct cli *cli, const char *name);
/* ${XDG_CONFIG_HOME:-~/.config}/kbuild/key.secret; in cli's arena, NULL without a home.
 */
const char *cli_key_file(struct cli *cli);
/* Public keys as words: in cli's arena. */
int cli_keys(struct cli *cli, const struct argv *words, struct key_public **out,
	     struct error *err);

int cmd_check(struct cli *cli, int argc, char **argv, struct error *err);
int cmd_deploy(struct cli *cli, int argc, char **argv, struct error *err);
int cmd_config(struct cli *cli, int argc, char **argv, struct error *err);
int cmd_doctor(struct cli *cli, int argc, char **argv, struct error *err);
int cmd_debug(struct cli *cli, int argc, char **argv, struct error *err);
int cmd_eval(struct cli *cli, int argc, char **argv, struct error *err);
int cmd_explain(struct cli *cli, int argc, char **argv, struct error *err);
int cmd_init(struct cli *cli, int argc, char **argv, struct error *err);
int cmd_exports(struct cli *cli, int argc, char **argv, struct error *err);
int cmd_inspect(struct cli *cli, int argc, char **argv, struct error *err);
int cmd_key(struct cli *cli, int argc, char **argv, struct error *err);
int cmd_lock(struct cli *cli, int argc, char **argv, struct error *err);
int cmd_log(struct cli *cli, int argc, char **argv, struct error *err);
int cmd_probe(struct cli *cli, int argc, char **argv, struct error *err);
int cmd_push(struct cli *cli, int argc, char **argv, struct error *err);
int cmd_realize(struct cli *cli, int argc, char **argv, struct error *err);
int cmd_run(struct cli *cli, int argc, char **argv, struct error *err);
int cmd_store(struct cli *cli, int argc, char **argv, struct error *err);
int cmd_update(struct cli *cli, int argc, char **argv, struct error *err);
