// SPDX-License-Identifier: MIT
/* `eval`: each stage between the text of a recipe and its derivations, as text. */
#include <stdio.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/map.h"
#include "cli/cmd.h"
#include "cli/pipeline.h"
#include "evaluator/lock.h"
#include "evaluator/plan.h"
#include "evaluator/recipe.h"
#include "store/drv.h"

enum stage { STAGE_NODE, STAGE_RECIPE, STAGE_CHECKED, STAGE_DRV };

static int parse_stage(const struct cli *cli, const char *word, enum stage *out,
		       struct error *err)
{
	static const char *const words[] = {"node", "recipe", "checked", "drv"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcmp(word, words[i]) == 0) {
			*out = (enum stage)i;
			return 0;
		}
	}
	const char *near = word_nearest(word, words, ARRAY_LEN(words));
	cli_usage(cli, err, "expected --stage=node, recipe, checked or drv, found '%s'",
		  word);
	return near ? error_hint(err, "did you mean '%s'?", near) : -1;
}

/* --- nodes --------------------------------------------------------------------- */

static struct json_object *node_json(const struct node *n)
{
	if (node_is_null(n))
		return NULL;
	if (n->kind == NODE_SCALAR)
		return json_object_new_string(n->text);
	struct json_object *o =
		n->kind == NODE_MAP ? json_object_new_object() : json_object_new_array();
	for (size_t i = 0; i < n->n; i++) {
		struct json_object *v = node_json(n->members[i].value);

		if (n->kind == NODE_MAP)
			json_object_object_add(o, n->members[i].key, v);
		else
			json_object_array_add(o, v);
	}
	return o;
}

static void print_node(const struct cli *cli, const struct node *n, bool origin)
{
	autobuf struct strbuf out = STRBUF_INIT;

	if (cli->json) {
		cli_print_json(node_json(n));
		return;
	}
	node_print(n, origin, &out);
	fputs(out.ptr ? out.ptr : "", stdout);
}

/* --- derivations --------------------------------------------------------------- */

/* " a b" for the words a and b; stdio's formats would be half the time of a big plan. */
static void add_words(struct strbuf *out, const char *title, const char *first)
{
	strbuf_adds(out, title);
	if (first) {
		strbuf_addc(out, ' ');
		strbuf_adds(out, first);
	}
}

/* A value of several lines is printed as a block below its key. */
static void add_value(struct strbuf *out, const char *key, const char *value)
{
	struct str rest = str_of(value);

	add_words(out, "   ", key);
	if (!strchr(value, '\n')) {
		add_words(out, " =", value);
		strbuf_addc(out, '\n');
		return;
	}
	strbuf_adds(out, " =\n");
	while (rest.ptr) {
		struct str line = str_cut(&rest, '\n');

		strbuf_adds(out, "      | ");
		strbuf_add(out, line.ptr, line.len);
		strbuf_addc(out, '\n');
	}
}

static int add_step(struct arena *scratch, const struct plan *plan,
		    const struct plan_step *s, struct strbuf *out, struct error *err)
{
	struct drv drv;

	if (drv_read(s->text, scratch, &drv, err) < 0)
		return -1;
	add_words(out, s->name, s->drv_path);
	if (s->why)
		add_words(out, "\n  why", s->why);
	add_words(out, "\n  system", drv.system);
	add_words(out, "\n  builder", drv.builder);
	for (size_t i = 0; i < drv.nargs; i++)
		add_words(out, "", drv.args[i]);
	add_words(out, "\n  outputs", NULL);
	for (size_t i = 0; i < drv.noutputs; i++)
		add_words(out, "", drv.outputs[i].name);
	add_words(out, "\n  needs", NULL);
	for (size_t i = 0; i < s->nneeds; i++)
		add_words(out, "", plan->steps[s->needs[i]].name);
	strbuf_adds(out, "\n  drvs");
	for (size_t i = 0; i < drv.ninputs; i++) {
		add_words(out, "\n   ", drv.inputs[i].path);
		for (size_t k = 0; k < drv.inputs[i].noutputs; k++)
			add_words(out, "", drv.inputs[i].outputs[k]);
	}
	strbuf_adds(out, "\n  sources");
	for (size_t i = 0; i < drv.nsrcs; i++)
		add_words(out, "\n   ", drv.srcs[i]);
	strbuf_adds(out, "\n  env\n");
	for (size_t i = 0; i < drv.nenv; i++)
		add_value(out, drv.env[i].key, drv.env[i].value);
	return 0;
}

static int print_steps(const struct plan *plan, struct error *err)
{
	autobuf struct strbuf out = STRBUF_INIT;

	for (size_t i = 0; i < plan->nsteps; i++) {
		struct arena scratch = {0};

		strbuf_reset(&out);
		int rc = add_step(&scratch, plan, &plan->steps[i], &out, err);
		arena_finish(&scratch);
		if (rc < 0)
			return -1;
		fwrite(out.ptr, 1, out.len, stdout);
	}
	return 0;
}

static void print_origins(const struct plan *plan)
{
	static const char *const kinds[] = {
		[ORIGIN_TREE] = "local", [ORIGIN_TEXT] = "text", [ORIGIN_PIN] = "locked"};

	printf("origins\n");
	for (size_t i = 0; i < plan->norigins; i++)
		printf("  %s %s %s\n", plan->origins[i].path,
		       kinds[plan->origins[i].kind], plan->origins[i].name);
}

static struct json_object *step_json(const struct plan *plan, const struct plan_step *s)
{
	struct json_object *o = json_object_new_object();
	struct json_object *needs;

	json_add(o, "drv", s->drv_path);
	needs = json_add_list(o, "needs");
	for (size_t i = 0; i < s->nneeds; i++)
		json_push(needs, plan->steps[s->needs[i]].name);
	json_add(o, "why", s->why);
	json_object_object_add(o, "internal", json_object_new_boolean(s->internal));
	json_object_object_add(o, "text",
			       json_object_new_string_len(s->text.ptr, (int)s->text.len));
	return o;
}

static int print_plan(struct cli *cli, const struct recipe *r, struct error *err)
{
	struct plan_options opt = {
		.data_dir = cli->data_dir,
		.cache_dir = cli_cache_dir(cli, "trees"),
		.fetch = &cli->fetch,
	};
	struct lock *lock;
	struct plan plan;

	if (cli_find_fetch(cli, err) < 0 ||
	    lock_read(r->lock_path, &cli->arena, &lock, err) < 0 ||
	    plan_make(r, lock, &opt, &cli->arena, &plan, err) < 0)
		return -1;
	if (cli->json) {
		struct json_object *steps = json_object_new_object();

		for (size_t i = 0; i < plan.nsteps; i++)
			json_object_object_add(steps, plan.steps[i].name,
					       step_json(&plan, &plan.steps[i]));
		cli_print_json(steps);
		return 0;
	}
	if (print_steps(&plan, err) < 0)
		return -1;
	print_origins(&plan);
	return 0;
}

int cmd_eval(struct cli *cli, int argc, char **argv, struct error *err)
{
	const char *word = "checked";
	bool origin = false;
	autoargv struct argv overrides = {0};
	const struct cli_opt opts[] = {
		{"stage", .text = &word, .arg = "STAGE",
		 .help = "node, recipe, checked or drv"},
		{"origin", .flag = &origin, .help = "say where each value comes from"},
		{"override", .list = &overrides, .arg = "INPUT=SOURCE",
		 .help = "use another input"},
		{0},
	};
	enum stage stage = STAGE_CHECKED;
	struct recipe *r;

	if (cli_parse(cli, opts, &argc, argv, err) < 0 ||
	    parse_stage(cli, word, &stage, err) < 0)
		return -1;
	if (argc != 1)
		return cli_usage(cli, err, "expected one recipe");
	if (cli_find_data(cli, err) < 0)
		return -1;
	const struct recipe_options opt = {
		.data_dir = cli->data_dir,
		.overrides = (const char *const *)overrides.v,
		.noverrides = overrides.n,
	};
	int rc = recipe_load(argv[0], &opt, &cli->arena, &r, err);
	/* An early stage is not the place to complain about a later one. */
	const struct node *early = stage == STAGE_NODE     ? r->parsed
				   : stage == STAGE_RECIPE ? r->merged
							   : NULL;
	if (early) {
		error_finish(err);
		print_node(cli, early, origin);
		return EXIT_DONE;
	}
	if (rc < 0)
		return -1;
	pipeline_remarks(r);
	if (stage == STAGE_CHECKED)
		print_node(cli, r->checked, origin);
	else if (stage == STAGE_DRV && print_plan(cli, r, err) < 0)
		return -1;
	return EXIT_DONE;
}
