// SPDX-License-Identifier: MIT
/* Modules of a recipe into a machine that runs. */
#include "base/alloc.h"
#include "base/json.h"
#include "cli/deploy.h"

/* The kernel's headers, the modules, and those of the recipe that they need. */
static int want(struct deployment *d, const struct argv *asked, struct error *err)
{
	struct pipeline *p = d->p;
	const struct plan *plan = &p->plan;

	if (pipeline_want(p, asked, d->cli, err) < 0)
		return -1;
	/* A step comes after what it needs. */
	for (size_t i = plan->nsteps; i-- > 0;) {
		const struct plan_step *s = &plan->steps[i];

		for (size_t k = 0; k < s->nneeds && p->wanted[i]; k++) {
			const char *name = plan->steps[s->needs[k]].name;

			if (str_starts(name, "modules.") || !strcmp(name, "kernel"))
				p->wanted[s->needs[k]] = true;
		}
	}
	return 0;
}

/* The words: a recipe, its modules, an address. */
static int read_words(struct deployment *d, int argc, char **argv, struct argv *names,
		      struct error *err)
{
	const char *last = argc > 1 ? argv[argc - 1] : "";

	if (!board_is_address(last))
		return cli_usage(d->cli, err,
				 "expected a recipe and ssh://[USER@]HOST[:PORT]");
	const struct argv *options = d->board.options;
	if (board_parse(last, d->a, &d->board, err) < 0)
		return -1;
	d->board.options = options;
	return pipeline_target(d->p, d->cli, argc - 1, argv, names, err);
}

static int deploy(struct deployment *d, const struct argv *names,
		  const struct argv *params, struct error *err)
{
	struct pipeline *p = d->p;
	autoargv struct argv asked = {0};

	if (pipeline_plan(p, d->cli, err) < 0 ||
	    deploy_steps(d, names, &asked, err) < 0 || want(d, &asked, err) < 0)
		return -1;
	int rc = pipeline_realise(p, d->cli, err);
	if (rc)
		return rc < 0 ? -1 : pipeline_failures(p, d->cli, err);
	if (deploy_collect(d, &asked, err) < 0)
		return -1;
	for (size_t i = 0; i < params->n; i++)
		if (deploy_params(d, params->v[i], err) < 0)
			return -1;
	const char *kernel = arena_printf(d->a, "the kernel of %s", p->recipe_arg);
	return deploy_judge(d, &d->target, kernel, err) < 0 ? -1 : deploy_run(d, err);
}

/* One word is for a shell, several are a command and its arguments. */
static char *command_of(char **words, int n)
{
	autobuf struct strbuf text = STRBUF_INIT;

	for (int i = 1; i < n; i++) {
		if (n == 2) {
			strbuf_adds(&text, words[i]);
			break;
		}
		if (i > 1)
			strbuf_addc(&text, ' ');
		board_quote(&text, words[i]);
	}
	return strbuf_take(&text);
}

static void print_result(struct deployment *d)
{
	struct json_object *list = json_add_list(d->json, "modules");

	json_add(d->json, "machine", d->board.shown);
	for (size_t i = 0; i < d->n; i++) {
		const struct deploy_module *m = &d->modules[i];
		struct json_object *one = json_object_new_object();

		json_object_array_add(list, one);
		json_add(one, "name", m->name);
		json_add(one, "file", m->path);
		json_add(one, "step", m->step);
		json_object_object_add(one, "was_loaded",
				       json_object_new_boolean(m->skipped));
	}
	cli_print_json(d->json);
}

int cmd_deploy(struct cli *cli, int argc, char **argv, struct error *err)
{
	struct pipeline p = {0};
	struct deployment d = {.cli = cli, .a = &cli->arena, .p = &p};
	autoargv struct argv names = {0}, params = {0}, ssh_options = {0};
	const struct cli_opt opts[] = {
		PIPELINE_OPTS(&p),
		{"to", .text = &d.to, .arg = "DIR",
		 .help = "copy there, and leave the modules there"},
		{"keep", .flag = &d.keep, .help = "leave what was copied"},
		{"unload", .flag = &d.unload,
		 .help = "unload them first, if they are loaded"},
		{"params", .list = &params, .arg = "WORDS",
		 .help = "parameters: x=1, or hello.x=1 of several modules"},
		{"ssh-option", .list = &ssh_options, .arg = "OPTION",
		 .help = "for ssh -o, as in IdentityFile=key; several times"},
		{0},
	};
	int rest = cli_split(&argc, argv);
	autofree char *command = rest > 1 ? command_of(argv + argc, rest) : NULL;

	p.no_link = true;
	d.command = command;
	d.board.options = &ssh_options;
	int rc = cli_parse(cli, opts, &argc, argv, err);
	if (rc == 0)
		d.json = cli->json ? json_object_new_object() : NULL;
	if (rc == 0)
		rc = read_words(&d, argc, argv, &names, err);
	if (rc == 0)
		rc = deploy(&d, &names, &params, err);
	if (d.json && (rc >= 0 || err->class == ERROR_VERDICT))
		print_result(&d);
	else if (d.json)
		json_object_put(d.json);
	deploy_finish(&d);
	pipeline_finish(&p);
	return rc;
}
