// SPDX-License-Identifier: MIT
#include <stdio.h>

#include "base/json.h"
#include "cli/exports.h"

static void print(const struct cli *cli, const struct exports *e)
{
	if (cli->json) {
		struct json_object *all = json_object_new_object();

		exports_json(e, all);
		cli_print_json(all);
		return;
	}
	for (size_t i = 0; i < e->n; i++)
		printf("%s %s/%s\n", e->v[i].new ? "differs" : "same   ", e->shown,
		       e->v[i].path);
}

static int run(struct pipeline *p, struct cli *cli, bool check, struct error *err)
{
	struct exports e;

	if (pipeline_plan(p, cli, err) < 0)
		return -1;
	if (!p->plan.exports) {
		error_class(err, ERROR_RECIPE, "%s has no section `exports`",
			    p->recipe->path);
		return error_hint(err, "docs/recipe.md says what it looks like");
	}
	p->wanted = arena_array(&cli->arena, p->plan.nsteps, bool);
	exports_want(p);
	int rc = pipeline_realise(p, cli, err);
	if (rc)
		return rc < 0 ? -1 : pipeline_failures(p, cli, err);
	if (exports_write(p, cli, check, &e, err) < 0)
		return -1;
	if (check || cli->json)
		print(cli, &e);
	else
		exports_tell(&e);
	return check && e.new ? EXIT_DIFFERS : EXIT_DONE;
}

int cmd_exports(struct cli *cli, int argc, char **argv, struct error *err)
{
	struct pipeline p = {0};
	autoargv struct argv steps = {0};
	bool check = false;
	const struct cli_opt opts[] = {
		PIPELINE_OPTS(&p),
		{"check", .flag = &check,
		 .help = "write nothing, say which files differ; exit 6 if one does"},
		{0},
	};
	int rc = cli_parse(cli, opts, &argc, argv, err);

	if (rc == 0)
		rc = pipeline_target(&p, cli, argc, argv, &steps, err);
	if (rc == 0 && steps.n)
		rc = cli_usage(cli, err, "expected a recipe and nothing else");
	if (rc == 0)
		rc = run(&p, cli, check, err);
	pipeline_finish(&p);
	return rc;
}
