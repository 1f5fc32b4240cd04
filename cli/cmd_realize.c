// SPDX-License-Identifier: MIT
#include <stdio.h>

#include "base/json.h"
#include "cli/exports.h"
#include "cli/pipeline.h"
#include "cli/report.h"

/* The digest of output `out` is the key; the others only share its hash. */
static const char *realisation_key(const struct realise_result *r)
{
	for (size_t i = 0; i < r->noutputs; i++)
		if (strcmp(r->outputs[i].name, "out") == 0)
			return r->outputs[i].key;
	return NULL;
}

static void add_step(const struct pipeline *p, size_t i, struct json_object *step)
{
	const struct realise_result *r = &p->results[i];
	struct json_object *outputs;
	char seconds[32];

	json_add(step, "drv", p->plan.steps[i].drv_path);
	json_add(step, "key", realisation_key(r));
	outputs = json_add_object(step, "outputs");
	for (size_t k = 0; k < r->noutputs; k++) {
		autofree char *physical =
			r->state == STEP_KNOWN
				? NULL
				: pipeline_output(p, i, r->outputs[k].name);
		struct json_object *o = json_add_object(outputs, r->outputs[k].name);

		json_add(o, "path", r->outputs[k].path);
		json_add(o, "physical", physical);
	}
	json_object_object_add(step, "built",
			       json_object_new_boolean(r->state == STEP_BUILT));
	json_object_object_add(step, "pulled",
			       json_object_new_boolean(r->state == STEP_PULLED));
	if (r->state == STEP_FAILED) {
		json_add(step, "failed", r->failure.what);
		json_add(step, "kind", r->failure.kind);
	}
	snprintf(seconds, sizeof(seconds), "%.3f", r->seconds);
	json_object_object_add(step, "seconds",
			       json_object_new_double_s(r->seconds, seconds));
}

static void print_json(const struct pipeline *p, const struct exports *e)
{
	struct json_object *all = json_object_new_object();
	struct json_object *steps = json_add_object(all, "steps");

	for (size_t i = 0; i < p->plan.nsteps; i++) {
		enum realise_state state = p->results[i].state;

		if (state == STEP_HAD || state == STEP_BUILT || state == STEP_PULLED ||
		    state == STEP_KNOWN || state == STEP_FAILED)
			add_step(p, i, json_add_object(steps, p->plan.steps[i].name));
	}
	if (e)
		exports_json(e, all);
	cli_print_json(all);
}

static void print_paths(const struct pipeline *p)
{
	for (size_t i = 0; i < p->plan.nsteps; i++) {
		autofree char *out = p->wanted[i] ? pipeline_output(p, i, "out") : NULL;

		if (out)
			puts(out);
	}
}

/* With --keep-going what failed is told here, since the exit code is not the error's. */
static int finish_some(struct pipeline *p, struct cli *cli, struct error *err)
{
	autobuf struct strbuf text = STRBUF_INIT;

	pipeline_failures(p, cli, err);
	if (!p->keep_going)
		return -1;
	report_error(err, cli->color, &text);
	fputs(text.ptr, stderr);
	return EXIT_SOME_FAILED;
}

static int realize(struct pipeline *p, struct cli *cli, const struct argv *steps,
		   bool no_exports, struct error *err)
{
	struct exports e;

	if (pipeline_plan(p, cli, err) < 0 || pipeline_want(p, steps, cli, err) < 0)
		return -1;
	bool exports = p->plan.exports && steps->n == 0 && !no_exports;
	if (exports)
		exports_want(p);
	int rc = pipeline_realise(p, cli, err);
	if (rc < 0)
		return -1;
	/* Half of the exports would be worse than those of before. */
	exports = exports && rc == 0;
	if (exports && exports_write(p, cli, false, &e, err) < 0)
		return -1;
	if (cli->json)
		print_json(p, exports ? &e : NULL);
	else
		print_paths(p);
	if (exports)
		exports_tell(&e);
	return rc ? finish_some(p, cli, err) : EXIT_DONE;
}

int cmd_realize(struct cli *cli, int argc, char **argv, struct error *err)
{
	struct pipeline p = {0};
	autoargv struct argv steps = {0};
	bool no_exports = false;
	const struct cli_opt opts[] = {
		PIPELINE_OPTS(&p),
		{"no-link", .flag = &p.no_link, .help = "make no result/ links"},
		{"no-exports", .flag = &no_exports, .help = "write no exports"},
		{0},
	};
	int rc = cli_parse(cli, opts, &argc, argv, err);

	if (rc == 0)
		rc = pipeline_target(&p, cli, argc, argv, &steps, err);
	if (rc == 0)
		rc = realize(&p, cli, &steps, no_exports, err);
	pipeline_finish(&p);
	return rc;
}
