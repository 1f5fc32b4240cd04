// SPDX-License-Identifier: MIT
/* kbuild store verify: what is damaged. */
#include <stdio.h>

#include "base/alloc.h"
#include "base/json.h"
#include "cli/cmd_store.h"
#include "cli/meter.h"
#include "store/verify.h"

static void print_finding(const struct verify_finding *f)
{
	autobuf struct strbuf what = STRBUF_INIT;

	strbuf_add_masked(&what, f->path, strlen(f->path));
	strbuf_adds(&what, ": ");
	strbuf_add_masked(&what, f->what, strlen(f->what));
	printf("%s\n", what.ptr);
}

static void print_text(const struct verify_report *r)
{
	size_t damaged = verify_damaged(r);

	for (size_t i = 0; i < r->n; i++)
		print_finding(&r->v[i]);
	if (damaged)
		fprintf(stderr, "%zu damaged %s\n", damaged,
			damaged == 1 ? "path" : "paths");
}

static void print_json(const struct verify_report *r)
{
	struct json_object *o = json_object_new_object();
	struct json_object *damaged = json_add_list(o, "damaged");
	struct json_object *garbage = json_add_list(o, "garbage");

	for (size_t i = 0; i < r->n; i++) {
		const struct verify_finding *f = &r->v[i];
		struct json_object *one;

		if (f->kind == VERIFY_GARBAGE) {
			json_push(garbage, f->path);
			continue;
		}
		one = json_object_new_object();
		json_add(one, "path", f->path);
		json_add(one, "kind", verify_kind_name(f->kind));
		json_add(one, "what", f->what);
		json_object_array_add(damaged, one);
	}
	cli_print_json(o);
}

static void show(void *ctx, uint64_t done, uint64_t total)
{
	meter_show(ctx, "verify", done < total ? done : total, total);
}

/* The words of the command line as valid paths; NULL when there are none. */
static const char **named_paths(struct store_cmd *c, struct store *st, struct error *err)
{
	const char **paths = arena_array(&c->cli->arena, c->argc + 1, const char *);

	for (int i = 0; i < c->argc; i++) {
		struct store_ref ref;

		if (store_ref_parse(c, st, c->argv[i], &ref, err) == 0)
			paths[i] = ref.path;
	}
	return paths;
}

struct signing {
	struct store_cmd *c;
	const struct verify_options *opt;
	struct verify_report *report;
};

static void add_unsigned(void *ctx, const char *path, const char *what)
{
	struct signing *s = ctx;
	bool wanted = !s->opt->paths;

	for (size_t i = 0; i < s->opt->npaths; i++)
		wanted |= strcmp(s->opt->paths[i], path) == 0;
	if (wanted)
		verify_add(s->report, &s->c->cli->arena, VERIFY_SIGNATURE, path, what);
}

int store_cmd_verify(struct store_cmd *c, struct error *err)
{
	struct arena *a = &c->cli->arena;
	autostore struct store *st = NULL;
	struct verify_report report;
	struct meter meter;

	if (cli_open_store(c->cli, STORE_READ, &st, err) < 0)
		return -1;
	struct verify_options opt = {
		.contents = c->contents,
		.paths = c->argc ? named_paths(c, st, err) : NULL,
		.npaths = (size_t)c->argc,
		.progress = c->contents && c->cli->live ? show : NULL,
		.ctx = &meter,
	};
	if (error_is_set(err))
		return -1;
	meter_begin(&meter, c->cli);
	int rc = store_verify(st, &opt, a, &report, err);
	meter_end(&meter);
	struct signing s = {c, &opt, &report};
	if (rc < 0 ||
	    (c->sigs && store_cmd_verify_sigs(c, st, add_unsigned, &s, err) < 0))
		return -1;
	(c->cli->json ? print_json : print_text)(&report);
	return verify_damaged(&report) ? EXIT_SOME_FAILED : EXIT_DONE;
}
