// SPDX-License-Identifier: MIT
/* kbuild store verify: what is damaged, and mending it. */
#include <stdio.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/log.h"
#include "cli/cmd_store.h"
#include "cli/meter.h"
#include "cli/rebuilds.h"
#include "store/repair.h"
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

static struct json_object *json_of(const struct verify_report *r)
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
	return o;
}

static void show(void *ctx, uint64_t done, uint64_t total)
{
	meter_show(ctx, "verify", done < total ? done : total, total);
}

/* --- mending ---------------------------------------------------------------------- */

struct mending {
	struct cli *cli;
	struct json_object *ends; /* of --json: an object with a list for each end */
	size_t forgotten;
};

static const char *const end_names[] = {
	[REPAIR_MENDED] = "mended",
	[REPAIR_FORGOTTEN] = "forgotten",
	[REPAIR_FAILED] = "failed",
};

static void tell_end(void *ctx, const char *path, enum repair_end end, const char *how)
{
	static const char *const words[] = {
		[REPAIR_MENDED] = "mended",
		[REPAIR_FORGOTTEN] = "cannot be mended and is forgotten",
		[REPAIR_FAILED] = "cannot be mended",
	};
	struct mending *m = ctx;
	struct json_object *one;

	m->forgotten += end == REPAIR_FORGOTTEN;
	if (m->ends) {
		one = json_object_new_object();
		json_add(one, "path", path);
		json_add(one, "how", how);
		json_object_array_add(json_list(m->ends, end_names[end]), one);
		return;
	}
	const struct verify_finding f = {
		.path = path,
		.what = arena_printf(&m->cli->arena, "%s: %s", words[end], how),
	};
	print_finding(&f);
}

static int from_caches(void *ctx, const struct path_info *want, const char *dest,
		       struct error *err)
{
	const struct caches *caches = ctx;

	return caches->n ? caches_get(caches, want, dest, err) : 0;
}

static int mend(struct store_cmd *c, struct store *st, const struct verify_report *report,
		struct json_object *json, struct error *err)
{
	struct caches caches;
	struct rebuilds rebuilds;
	const struct repair_source sources[] = {
		{"fetched from a cache", false, from_caches, &caches},
		{"built again", true, rebuilds_obtain, &rebuilds},
	};
	struct mending m = {.cli = c->cli, .ends = json};
	const struct repair r = {sources, ARRAY_LEN(sources), tell_end, &m};

	if (store_take_caches(c, &caches, err) < 0)
		return -1;
	caches.scratch_dir = store_scratch_dir(st);
	for (size_t i = 0; json && i < ARRAY_LEN(end_names); i++)
		json_add_list(json, end_names[i]);
	rebuilds_begin(&rebuilds, c->cli, st);
	long failed = store_repair(st, &r, report, err);
	rebuilds_end(&rebuilds);
	if (failed < 0)
		return -1;
	if (m.forgotten)
		log_say(LOG_INFO, "kbuild realize makes or fetches again what was "
				  "forgotten and is needed");
	return failed ? EXIT_SOME_FAILED : EXIT_DONE;
}

/* --- the command ------------------------------------------------------------------ */

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

static int look(struct store_cmd *c, struct store *st, struct verify_report *report,
		struct error *err)
{
	struct meter meter;
	const char **paths = store_named_paths(c, st, err);
	struct verify_options opt = {
		.contents = c->contents,
		.paths = c->argc ? paths : NULL,
		.npaths = (size_t)c->argc,
		.progress = c->contents && c->cli->live ? show : NULL,
		.ctx = &meter,
	};
	struct signing s = {c, &opt, report};

	if (!paths)
		return -1;
	meter_begin(&meter, c->cli);
	int rc = store_verify(st, &opt, &c->cli->arena, report, err);
	meter_end(&meter);
	if (rc < 0 ||
	    (c->sigs && store_cmd_verify_sigs(c, st, add_unsigned, &s, err) < 0))
		return -1;
	return 0;
}

int store_cmd_verify(struct store_cmd *c, struct error *err)
{
	autostore struct store *st = NULL;
	struct verify_report report;
	struct json_object *json;

	if (cli_open_store(c->cli, c->repair ? STORE_WRITE : STORE_READ, &st, err) < 0 ||
	    look(c, st, &report, err) < 0)
		return -1;
	int code = verify_damaged(&report) ? EXIT_SOME_FAILED : EXIT_DONE;
	json = c->cli->json ? json_of(&report) : NULL;
	if (!json)
		print_text(&report);
	if (c->repair)
		code = mend(c, st, &report, json, err);
	/* More signatures is nothing that could be mended. */
	for (size_t i = 0; i < report.n && code == EXIT_DONE; i++)
		if (report.v[i].kind == VERIFY_SIGNATURE)
			code = EXIT_SOME_FAILED;
	if (json)
		cli_print_json(json);
	return code;
}
