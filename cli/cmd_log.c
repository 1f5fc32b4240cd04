// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "cli/pipeline.h"
#include "realise/buildlog.h"
#include "store/path.h"

/* Of a recipe's step: found through its derivation, so failed builds have one too. */
static char *log_of_step(struct cli *cli, int argc, char **argv, struct error *err)
{
	struct pipeline p = {.locked = true};
	autoargv struct argv names = {0};
	char *log = NULL;

	if (pipeline_target(&p, cli, argc, argv, &names, err) < 0)
		return NULL;
	if (names.n != 1) {
		cli_usage(cli, err, "expected one step, as in recipe.yaml#kernel");
		return NULL;
	}
	if (pipeline_plan(&p, cli, err) < 0 || pipeline_want(&p, &names, cli, err) < 0)
		return NULL;
	long step = plan_find(&p.plan, names.v[0], err);
	autofree char *root = cli_root(cli);
	if (step < 0 || realise_logs(pipeline_steps(&p, cli), p.plan.nsteps, root,
				     (size_t)step, &cli->arena, &log, err) < 0)
		return NULL;
	if (!log)
		error_class(err, ERROR_INFRA,
			    "%s was never built here: what it needs is not there",
			    names.v[0]);
	return log;
}

/* Of a store path, logical or physical: through the derivation that made it. */
static char *log_of_path(struct cli *cli, const char *word, struct error *err)
{
	autostore struct store *st = NULL;
	const char *logical = strstr(word, STORE_DIR "/");
	struct path_info info;

	if (cli_open_store(cli, STORE_READ, &st, err) < 0)
		return NULL;
	autofree char *path = xstrdup(logical);
	char *rest = strchr(path + PATH_PREFIX_LEN, '/');
	if (rest)
		*rest = '\0';
	int found = store_info(st, path, &cli->arena, &info, err);
	if (found < 0)
		return NULL;
	if (!found || !info.deriver) {
		error_class(err, ERROR_INFRA, "%s",
			    found ? "nothing was built to make this path"
				  : "no valid store path");
		error_hint(err, "%s", path);
		return NULL;
	}
	return store_log_path(st, info.deriver);
}

int cmd_log(struct cli *cli, int argc, char **argv, struct error *err)
{
	bool where = false;
	const struct cli_opt opts[] = {
		{"path", .flag = &where,
		 .help = "print the compressed file's path instead"},
		{0},
	};

	if (cli_parse(cli, opts, &argc, argv, err) < 0)
		return -1;
	if (argc < 1)
		return cli_usage(cli, err,
				 "expected a step (recipe.yaml#kernel) or a store path");
	/* A link such as result/kernel is as good as what it points to. */
	autofree char *target = path_absolute(argv[0]);
	const char *word = target ? target : argv[0];
	bool is_path = strstr(word, STORE_DIR "/") != NULL && !strchr(argv[0], '#');
	autofree char *log =
		is_path ? log_of_path(cli, word, err) : log_of_step(cli, argc, argv, err);
	if (!log)
		return -1;
	if (access(log, R_OK) < 0 && errno == ENOENT) {
		error_class(err, ERROR_INFRA,
			    "there is no build log: it was not built here");
		return -1;
	}
	if (where) {
		puts(log);
		return EXIT_DONE;
	}
	return buildlog_print(log, STDOUT_FILENO, err) < 0 ? -1 : EXIT_DONE;
}
