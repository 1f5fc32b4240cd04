// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <stdio.h>
#include <time.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "base/json.h"
#include "base/log.h"
#include "cli/pipeline.h"
#include "realise/buildlog.h"
#include "realise/failure.h"
#include "store/path.h"

/* Which build is meant: the derivation, resolved, so that failed ones have a log too. */
static const char *drv_of_step(struct cli *cli, int argc, char **argv,
			       struct caches *caches, struct error *err)
{
	struct pipeline p = {.locked = true};
	autoargv struct argv names = {0};
	autofree char *root = cli_root(cli);
	const char *drv = NULL;

	if (pipeline_target(&p, cli, argc, argv, &names, err) < 0)
		return NULL;
	if (names.n != 1) {
		cli_usage(cli, err, "expected one step, as in recipe.yaml#kernel");
		return NULL;
	}
	if (pipeline_plan(&p, cli, err) < 0 || pipeline_want(&p, &names, cli, err) < 0)
		return NULL;
	*caches = p.caches;
	long step = plan_find(&p.plan, names.v[0], err);
	const struct realise_options opt = pipeline_options(&p, cli, root, NULL);
	if (step < 0 || realise_resolved(pipeline_steps(&p, cli), p.plan.nsteps, &opt,
					 (size_t)step, &cli->arena, &drv, err) < 0)
		return NULL;
	if (!drv)
		error_class(err, ERROR_INFRA,
			    "%s was never built here: what it needs is not there",
			    names.v[0]);
	return drv;
}

/* Of a store path, logical or physical: the derivation that made it. */
static const char *drv_of_path(struct store *st, struct cli *cli, const char *word,
			       struct error *err)
{
	autofree char *path = xstrdup(strstr(word, STORE_DIR "/"));
	char *rest = strchr(path + PATH_PREFIX_LEN, '/');
	struct path_info info;

	if (rest)
		*rest = '\0';
	int found = store_info(st, path, &cli->arena, &info, err);
	if (found < 0)
		return NULL;
	if (found && info.deriver)
		return info.deriver;
	error_class(err, ERROR_INFRA, "%s",
		    found ? "nothing was built to make this path"
			  : "no valid store path");
	error_hint(err, "%s", path);
	return NULL;
}

static void add_failure(struct json_object *o, const struct failure_note *n)
{
	struct json_object *f = json_add_object(o, "failure");

	json_add(f, "kind", n->kind);
	json_add(f, "what", n->what);
	json_add(f, "first_error", n->first_error);
	json_add(f, "build_directory", n->kept);
	json_object_object_add(f, "when", json_object_new_int64(n->when));
}

static void print_facts(const char *drv, const char *log, const struct failure_note *n)
{
	struct json_object *o = json_object_new_object();

	json_add(o, "drv", drv);
	json_add(o, "log", access(log, R_OK) == 0 ? log : NULL);
	if (n)
		add_failure(o, n);
	cli_print_json(o);
}

/* Beside the log, which goes to standard output. */
static void print_failure(const struct failure_note *n)
{
	char when[32] = "";
	time_t t = n->when;
	struct tm tm;

	if (localtime_r(&t, &tm))
		strftime(when, sizeof(when), "%F %T", &tm);
	log_say(LOG_INFO, "failed at %s (%s): %s", when, n->kind, n->what);
}

/* A stranger's text: it does not speak to the terminal. */
static int print_masked(const char *file, struct error *err)
{
	autofile FILE *f = fopen(file, "re");
	autofree char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	if (!f)
		return error_errno(err, "cannot open %s", file);
	while ((n = getline(&line, &cap, f)) >= 0) {
		autobuf struct strbuf masked = STRBUF_INIT;

		strbuf_add_masked(&masked, line, (size_t)n);
		fwrite(masked.ptr, 1, masked.len, stdout);
	}
	return ferror(f) ? error_errno(err, "cannot read %s", file) : EXIT_DONE;
}

/* It was built elsewhere: a cache may have its log. */
static int print_from_caches(struct cli *cli, const struct caches *caches,
			     const char *drv, bool where, struct error *err)
{
	const char *dir = cli_cache_dir(cli, "logs");
	const char *file = arena_printf(&cli->arena, "%s/%s", dir, path_base(drv));
	int found = 0;

	if (caches->n &&
	    (dir_make(AT_FDCWD, dir, 0755, err) < 0 || cli_find_fetch(cli, err) < 0))
		return -1;
	found = caches_log(caches, drv, file, err);
	if (found < 0)
		return -1;
	if (!found)
		return error_class(err, ERROR_INFRA,
				   "there is no build log: it was not built here%s",
				   caches->n ? ", and no cache has one" : "");
	if (!where)
		return print_masked(file, err);
	puts(file);
	return EXIT_DONE;
}

static int print_log(const char *log, bool where, struct error *err)
{
	if (where) {
		puts(log);
		return EXIT_DONE;
	}
	return buildlog_print(log, STDOUT_FILENO, err) < 0 ? -1 : EXIT_DONE;
}

static int load_caches(struct cli *cli, struct caches *out, struct error *err)
{
	struct settings s;

	if (settings_load(NULL, &cli->arena, &s, err) < 0)
		return -1;
	cli_caches(cli, &s, out);
	return 0;
}

int cmd_log(struct cli *cli, int argc, char **argv, struct error *err)
{
	autostore struct store *st = NULL;
	struct failure_note note;
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
	if (cli_open_store(cli, STORE_READ, &st, err) < 0)
		return -1;
	/* A link such as result/kernel is as good as what it points to. */
	autofree char *target = path_absolute(argv[0]);
	const char *word = target ? target : argv[0];
	bool is_path = strstr(word, STORE_DIR "/") != NULL && !strchr(argv[0], '#');
	struct caches caches = {0};
	const char *drv = is_path ? drv_of_path(st, cli, word, err)
				  : drv_of_step(cli, argc, argv, &caches, err);
	if (!drv || (is_path && load_caches(cli, &caches, err) < 0))
		return -1;
	autofree char *log = store_log_path(st, drv);
	bool failed = failure_read(store_root(st), drv, &cli->arena, &note) == 1;
	if (cli->json) {
		print_facts(drv, log, failed ? &note : NULL);
		return EXIT_DONE;
	}
	if (failed && !where)
		print_failure(&note);
	if (access(log, F_OK) == 0)
		return print_log(log, where, err);
	/* It may have failed before its builder ran. */
	return failed ? EXIT_DONE : print_from_caches(cli, &caches, drv, where, err);
}
