// SPDX-License-Identifier: MIT
/* `lock` and `update`: pin inputs. */
#include <stdio.h>

#include "base/json.h"
#include "cli/download.h"
#include "cli/pipeline.h"
#include "evaluator/lock.h"
#include "evaluator/resolve.h"

static const char *verdict_word(enum lock_verdict v)
{
	static const char *const words[] = {
		[LOCK_OK] = "ok",
		[LOCK_MISSING] = "missing",
		[LOCK_STALE] = "stale",
		[LOCK_UNUSED] = "unused",
	};
	return words[v];
}

static void print_findings(const struct cli *cli, const struct lock_finding *f, size_t n)
{
	struct json_object *all = json_object_new_object();
	struct json_object *inputs = json_add_object(all, "inputs");

	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_add_object(inputs, f[i].name);

		if (!cli->json && f[i].verdict != LOCK_OK)
			printf("%s: %s\n", f[i].name, verdict_word(f[i].verdict));
		json_add(o, "state", verdict_word(f[i].verdict));
		json_add(o, "wanted", f[i].want);
		json_add(o, "locked", f[i].have);
	}
	if (cli->json)
		cli_print_json(all);
	else
		json_object_put(all);
}

static int check(struct cli *cli, const struct recipe *r,
		 const struct recipe_options *opt, struct error *err)
{
	struct lock *lock;
	struct lock_finding *f;
	size_t n;

	if (lock_read(r->lock_path, &cli->arena, &lock, err) < 0 ||
	    lock_compare(r, lock, opt, &cli->arena, &f, &n, err) < 0)
		return -1;
	print_findings(cli, f, n);
	for (size_t i = 0; i < n; i++)
		if (f[i].verdict != LOCK_OK)
			return EXIT_LOCK;
	return EXIT_DONE;
}

static int resolve(struct cli *cli, const struct recipe *r, const struct argv *update,
		   bool all, struct error *err)
{
	autostore struct store *st = NULL;
	struct lock *lock;

	if (lock_read(r->lock_path, &cli->arena, &lock, err) < 0 ||
	    cli_find_fetch(cli, err) < 0 ||
	    cli_open_store(cli, STORE_WRITE, &st, err) < 0)
		return -1;
	const struct resolve_options opt = {
		.data_dir = cli->data_dir,
		.fetch = &cli->fetch,
		.store = st,
		.update = (const char *const *)update->v,
		.nupdate = update->n,
		.update_all = all,
	};
	download_begin(cli);
	int changed = resolve_missing(r, lock, &opt, &cli->arena, err);
	download_end(cli);
	if (changed < 0)
		return -1;
	int written = lock_write(lock, r->lock_path, err);
	if (written < 0)
		return -1;
	if (!cli->quiet)
		fprintf(stderr, "%s: %s\n", r->lock_path,
			!written       ? "nothing to change"
			: changed == 1 ? "1 entry changed"
				       : "written");
	return EXIT_DONE;
}

int cmd_lock(struct cli *cli, int argc, char **argv, struct error *err)
{
	bool check_only = false;
	const struct argv none = {0};
	struct recipe *r;
	const struct cli_opt opts[] = {
		{"check", .flag = &check_only,
		 .help = "only compare; exit 3 when recipe and lock disagree"},
		{0},
	};

	if (cli_parse(cli, opts, &argc, argv, err) < 0)
		return -1;
	if (argc != 1)
		return cli_usage(cli, err, "expected one recipe");
	if (cli_find_data(cli, err) < 0)
		return -1;
	const struct recipe_options opt = {.data_dir = cli->data_dir};
	if (recipe_load(argv[0], &opt, &cli->arena, &r, err) < 0)
		return -1;
	return check_only ? check(cli, r, &opt, err) : resolve(cli, r, &none, false, err);
}

int cmd_update(struct cli *cli, int argc, char **argv, struct error *err)
{
	autoargv struct argv inputs = {0};
	struct recipe *r;
	const struct cli_opt opts[] = {{0}};

	if (cli_parse(cli, opts, &argc, argv, err) < 0)
		return -1;
	if (argc < 1)
		return cli_usage(cli, err, "expected a recipe");
	for (int i = 1; i < argc; i++)
		argv_push(&inputs, argv[i]);
	if (cli_find_data(cli, err) < 0)
		return -1;
	const struct recipe_options opt = {.data_dir = cli->data_dir};
	if (recipe_load(argv[0], &opt, &cli->arena, &r, err) < 0)
		return -1;
	return resolve(cli, r, &inputs, inputs.n == 0, err);
}
