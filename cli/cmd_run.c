// SPDX-License-Identifier: MIT
/* `run` and `debug`: realize, then become the script that was made. */
#include <errno.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "cli/pipeline.h"

static int become(struct pipeline *p, size_t step, const char *script,
		  const struct argv *words, struct error *err)
{
	autoargv struct argv args = {0};
	autofree char *out = pipeline_output(p, step, "out");

	argv_pushf(&args, "%s/bin/%s", out, script);
	for (size_t i = 0; i < words->n; i++)
		argv_push(&args, words->v[i]);
	execv(args.v[0], args.v);
	return error_errno(err, "cannot run %s", args.v[0]);
}

static int realize_and_become(struct cli *cli, int argc, char **argv, const char *name,
			      const char *script, const struct argv *words,
			      struct pipeline *p, struct error *err)
{
	autoargv struct argv steps = {0};

	if (pipeline_target(p, cli, argc, argv, &steps, err) < 0)
		return -1;
	if (steps.n)
		return cli_usage(cli, err,
				 "expected one recipe; the command follows after --");
	argv_push(&steps, name);
	if (pipeline_plan(p, cli, err) < 0 || pipeline_want(p, &steps, cli, err) < 0)
		return -1;
	int rc = pipeline_realise(p, cli, err);
	if (rc)
		return rc < 0 ? -1 : pipeline_failures(p, cli, err);
	long step = plan_find(&p->plan, name, err);
	return step < 0 ? -1 : become(p, (size_t)step, script, words, err);
}

int cmd_run(struct cli *cli, int argc, char **argv, struct error *err)
{
	struct pipeline p = {0};
	autoargv struct argv words = {0}, shares = {0}, ports = {0};
	bool gdb = false, wait = false, test = false, print = false, cwd = false;
	const struct cli_opt opts[] = {
		PIPELINE_OPTS(&p),
		{"gdb", .flag = &gdb, .help = "let gdb attach (kbuild debug)"},
		{"wait", .flag = &wait,
		 .help = "with --gdb: stop before the first instruction"},
		{"test", .flag = &test, .help = "run the recipe's run.test"},
		{"share", .list = &shares, .arg = "HOST[:GUEST[:MODE]]",
		 .help = "share a directory: rw, ro or overlay"},
		{"port", .list = &ports, .arg = "HOST:GUEST",
		 .help = "a TCP port of this machine that leads to the guest's"},
		{"cwd", .flag = &cwd, .help = "share this directory and start in it"},
		{"print", .flag = &print, .help = "print QEMU's command instead"},
		{0},
	};
	int rest = cli_split(&argc, argv);
	char **command = argv + argc;
	int rc = cli_parse(cli, opts, &argc, argv, err);

	if (gdb)
		argv_push(&words, "--gdb");
	if (wait)
		argv_push(&words, "--wait");
	if (test)
		argv_push(&words, "--test");
	if (cwd)
		argv_push(&words, "--cwd");
	if (print)
		argv_push(&words, "--print");
	for (size_t i = 0; i < shares.n; i++)
		argv_pushl(&words, "--share", shares.v[i], NULL);
	for (size_t i = 0; i < ports.n; i++)
		argv_pushl(&words, "--port", ports.v[i], NULL);
	for (int i = 0; i < rest; i++)
		argv_push(&words, command[i]);
	if (rc == 0)
		rc = realize_and_become(cli, argc, argv, "run", "runvm", &words, &p, err);
	pipeline_finish(&p);
	return rc;
}

int cmd_debug(struct cli *cli, int argc, char **argv, struct error *err)
{
	struct pipeline p = {0};
	autoargv struct argv words = {0};
	const struct cli_opt opts[] = {PIPELINE_OPTS(&p), {0}};
	int rest = cli_split(&argc, argv);
	char **command = argv + argc;
	int rc = cli_parse(cli, opts, &argc, argv, err);

	for (int i = 1; i < rest; i++)
		argv_push(&words, command[i]);
	if (rc == 0)
		rc = realize_and_become(cli, argc, argv, "gdb", "rungdb", &words, &p,
					err);
	pipeline_finish(&p);
	return rc;
}
