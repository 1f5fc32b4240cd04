// SPDX-License-Identifier: MIT
/* Builds steps a second time, with everything changed that must not matter. */
#include <stdio.h>

#include "base/alloc.h"
#include "base/child.h"
#include "base/dir.h"
#include "base/json.h"
#include "cli/check_report.h"
#include "cli/pipeline.h"
#include "cli/progress.h"

struct check {
	struct pipeline p;
	bool all, keep;
	long times;
	struct checked *steps; /* those that are checked */
	size_t n;
};

/* The inputs of what is checked must be there, too, not only its results. */
static void choose_steps(struct check *c, struct cli *cli)
{
	const struct plan *plan = &c->p.plan;
	bool *asked = c->p.wanted;

	c->p.wanted = arena_array(&cli->arena, plan->nsteps, bool);
	c->steps = arena_array(&cli->arena, plan->nsteps, struct checked);
	for (size_t i = 0; i < plan->nsteps; i++) {
		const struct plan_step *s = &plan->steps[i];

		if (!asked[i])
			continue;
		c->steps[c->n++] = (struct checked){.step = i, .name = s->name};
		c->p.wanted[i] = true;
		for (size_t k = 0; k < s->nneeds; k++)
			c->p.wanted[s->needs[k]] = true;
	}
}

static int realise_first(struct check *c, struct cli *cli, const struct argv *steps,
			 struct error *err)
{
	if (pipeline_plan(&c->p, cli, err) < 0 ||
	    pipeline_want(&c->p, steps, cli, err) < 0)
		return -1;
	for (size_t i = 0; c->all && !steps->n && i < c->p.plan.nsteps; i++)
		c->p.wanted[i] = true;
	choose_steps(c, cli);
	int rc = pipeline_realise(&c->p, cli, err);
	return rc > 0 ? pipeline_failures(&c->p, cli, err) : rc;
}

static bool is_settled(const struct checked *s)
{
	return s->failed || (s->report && !report_is_same(s->report));
}

static void take_results(struct check *c, const size_t *which, size_t n,
			 const struct rebuild_result *results, struct error *failures)
{
	for (size_t i = 0; i < n; i++) {
		struct checked *s = &c->steps[which[i]];
		const struct rebuild_result *r = &results[i];

		s->rounds++;
		s->seconds += r->built.seconds;
		if (r->built.state == STEP_FAILED) {
			s->failed = r->built.failure.what;
			pipeline_failure(&c->p, s->step, &r->built.failure, failures);
		}
		if (r->report) {
			json_object_put(s->report);
			s->report = r->report;
		}
	}
}

/* Builds again what was the same in all rounds before. */
static int run_round(struct check *c, struct cli *cli, const struct rebuild_mode *mode,
		     struct error *failures, struct error *err)
{
	struct arena *a = &cli->arena;
	struct rebuild_job *jobs = arena_array(a, c->n, struct rebuild_job);
	struct rebuild_result *results = arena_array(a, c->n, struct rebuild_result);
	struct realise_step *steps = arena_array(a, c->n, struct realise_step);
	size_t *which = arena_array(a, c->n, size_t);
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++) {
		if (is_settled(&c->steps[i]))
			continue;
		jobs[n].name = steps[n].name = c->steps[i].name;
		jobs[n].text = c->p.results[c->steps[i].step].text;
		which[n++] = i;
	}
	autofree char *root = cli_root(cli);
	struct progress *progress = progress_new(cli, steps, n);
	const struct realise_options opt = pipeline_options(&c->p, cli, root, progress);
	int rc = rebuild(jobs, n, mode, &opt, a, results, err);
	progress_free(progress);
	if (rc < 0)
		return -1;
	take_results(c, which, n, results, failures);
	return 0;
}

static int run_rounds(struct check *c, struct cli *cli, struct error *failures,
		      struct error *err)
{
	autofree char *root = cli_root(cli);
	autofree char *keep = xasprintf("%s/nix/var/kbuild/check", root);
	autofree char *vary = xasprintf("%s/vary", cli->data_dir);
	autofree char *diffoscope = child_find("diffoscope");
	struct rebuild_mode mode = {
		.vary_dir = vary,
		.compare = true,
		.keep_dir = c->keep ? keep : NULL,
		.diffoscope = diffoscope,
	};
	for (long i = 1; i <= c->times; i++) {
		mode.round = (unsigned)i;
		if (run_round(c, cli, &mode, failures, err) < 0)
			return -1;
	}
	return 0;
}

static int verdict(const struct check *c, struct error *failures, struct error *err)
{
	if (error_is_set(failures))
		return error_join(err, failures);
	for (size_t i = 0; i < c->n; i++)
		if (is_settled(&c->steps[i]))
			return EXIT_DIFFERS;
	return EXIT_DONE;
}

static int check(struct check *c, struct cli *cli, const struct argv *steps,
		 struct error *err)
{
	autoerror struct error failures = {0};

	if (realise_first(c, cli, steps, err) < 0 ||
	    run_rounds(c, cli, &failures, err) < 0)
		return -1;
	check_report(cli, c->steps, c->n);
	return verdict(c, &failures, err);
}

int cmd_check(struct cli *cli, int argc, char **argv, struct error *err)
{
	struct check c = {.p = {.no_link = true}, .times = 1};
	autoargv struct argv steps = {0};
	const struct cli_opt opts[] = {
		PIPELINE_OPTS(&c.p),
		{"all", .flag = &c.all, .help = "the internal steps, too"},
		{"times", .number = &c.times, .arg = "N",
		 .help = "build again N times, each under other conditions"},
		{"keep", .flag = &c.keep, .help = "keep trees that differ"},
		{0},
	};
	int rc = cli_parse(cli, opts, &argc, argv, err);

	if (rc == 0 && c.times < 1)
		rc = cli_usage(cli, err, "--times: expected at least 1");
	if (rc == 0)
		rc = pipeline_target(&c.p, cli, argc, argv, &steps, err);
	if (rc == 0)
		rc = check(&c, cli, &steps, err);
	for (size_t i = 0; i < c.n; i++)
		json_object_put(c.steps[i].report);
	pipeline_finish(&c.p);
	return rc;
}
