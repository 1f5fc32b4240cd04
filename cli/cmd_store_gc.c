// SPDX-License-Identifier: MIT
/* kbuild store gc, delete: making room. */
#include <stdio.h>

#include "base/alloc.h"
#include "base/json.h"
#include "cli/cmd_store.h"
#include "store/gc.h"

/* Where the paths go that are reported. */
struct listing {
	struct json_object *list; /* with --json */
	bool print;
};

static void take_path(void *ctx, const char *path, uint64_t bytes)
{
	struct listing *l = ctx;

	if (l->print)
		puts(path);
	if (l->list) {
		struct json_object *o = json_object_new_object();

		json_add(o, "path", path);
		json_add_number(o, "bytes", bytes);
		json_object_array_add(l->list, o);
	}
}

static void print_json(const struct gc_result *r, bool dry_run, struct json_object *list)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "dryRun", json_object_new_boolean(dry_run));
	json_add_number(o, "freedBytes", r->freed);
	json_add_number(o, "deletedPaths", r->paths);
	json_add_number(o, "deletedStrays", r->strays);
	json_add_number(o, "deletedLinks", r->links);
	json_add_number(o, "deletedLogs", r->logs);
	json_add_number(o, "keptPaths", r->stay);
	json_add_number(o, "keptNarBytes", r->kept);
	json_object_object_add(o, "deleted", list);
	cli_print_json(o);
}

static void print_summary(const struct cli *cli, const struct gc_result *r, bool dry_run)
{
	autobuf struct strbuf freed = STRBUF_INIT, kept = STRBUF_INIT;
	size_t n = r->paths + r->strays;

	if (cli->quiet)
		return;
	strbuf_add_size(&freed, r->freed);
	strbuf_add_size(&kept, r->kept);
	fprintf(stderr, "%s %zu %s, %s %s; %zu %s of %s stay\n",
		dry_run ? "would delete" : "deleted", n, n == 1 ? "path" : "paths",
		dry_run ? "free" : "freed", freed.ptr, r->stay,
		r->stay == 1 ? "path" : "paths", kept.ptr);
	if (r->logs)
		fprintf(stderr, "%s %zu old build %s\n",
			dry_run ? "would delete" : "deleted", r->logs,
			r->logs == 1 ? "log" : "logs");
}

static void finish(struct store_cmd *c, const struct gc_result *r, struct listing *l)
{
	if (l->list)
		print_json(r, c->dry_run, l->list);
	else
		print_summary(c->cli, r, c->dry_run);
}

static struct listing listing_of(const struct store_cmd *c)
{
	return (struct listing){
		.list = c->cli->json ? json_object_new_array() : NULL,
		.print = !c->cli->json && (c->dry_run || c->cli->verbose),
	};
}

int store_cmd_gc(struct store_cmd *c, struct error *err)
{
	struct listing l = listing_of(c);
	const struct gc_options opt = {
		.dry_run = c->dry_run,
		.keep_bytes = c->keep,
		.older_than_s = c->older_s,
		.report = take_path,
		.ctx = &l,
	};
	autostore struct store *st = NULL;
	struct gc_result res;

	if (cli_open_store(c->cli, c->dry_run ? STORE_READ : STORE_COLLECT, &st, err) <
		    0 ||
	    store_gc(st, &opt, &res, err) < 0) {
		json_object_put(l.list);
		return -1;
	}
	finish(c, &res, &l);
	return EXIT_DONE;
}

static int delete_paths(struct store_cmd *c, struct listing *l, struct error *err)
{
	const struct gc_options opt = {.report = take_path, .ctx = l};
	const char **paths = arena_array(&c->cli->arena, c->argc, const char *);
	autostore struct store *st = NULL;
	struct gc_result res;

	if (cli_open_store(c->cli, STORE_COLLECT, &st, err) < 0)
		return -1;
	for (int i = 0; i < c->argc; i++) {
		struct store_ref ref;

		if (store_ref_parse(c, st, c->argv[i], &ref, err) < 0)
			return -1;
		if (*ref.sub)
			return cli_usage(c->cli, err,
					 "'%s' is only a part of a store path",
					 c->argv[i]);
		paths[i] = ref.path;
	}
	if (store_delete(st, paths, (size_t)c->argc, &opt, &res, err) < 0)
		return -1;
	finish(c, &res, l);
	return EXIT_DONE;
}

int store_cmd_delete(struct store_cmd *c, struct error *err)
{
	struct listing l = listing_of(c);
	int rc;

	if (c->dry_run || c->keep || c->older_s)
		rc = cli_usage(c->cli, err,
			       "--dry-run, --keep and --older-than belong to gc");
	else
		rc = delete_paths(c, &l, err);
	if (rc < 0)
		json_object_put(l.list);
	return rc;
}
