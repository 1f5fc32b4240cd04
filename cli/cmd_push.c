// SPDX-License-Identifier: MIT
/* kbuild push: what is here becomes what others need not build. */
#include <inttypes.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "base/json.h"
#include "base/log.h"
#include "base/map.h"
#include "cli/cmd_store.h"
#include "cli/download.h"
#include "cli/pipeline.h"
#include "fetchers/cacheurl.h"
#include "realise/push.h"
#include "realise/substitute.h"
#include "store/drv.h"
#include "store/path.h"

struct push_cmd {
	struct cli *cli;
	const char *to; /* NULL: what the settings say */
	const char *compression;
	long level, jobs;
	struct argv key_files;
	bool sources;

	struct settings settings; /* of the recipe and the user, or the user alone */
	struct key_secret *keys;
	size_t nkeys;
	struct argv paths;     /* to push */
	struct strbuf unknown; /* steps of which only caches know */
};

/* --- what is asked for ------------------------------------------------------------ */

/*
 * A recipe's name, or something in the store: result/kernel is that, and so is the
 * beginning of a digest, unless a file is called so.
 */
static bool is_store_path(const char *word)
{
	autofree char *real = path_absolute(word);
	const char *text = real ? real : word;
	size_t digest = strspn(word, "0123456789abcdfghijklmnpqrsvwxyz");

	return strstr(text, STORE_DIR "/") != NULL ||
	       (!real && (digest == PATH_DIGEST_LEN || (digest >= 4 && !word[digest])));
}

static int take_paths(struct push_cmd *c, struct store *st, int argc, char **argv,
		      struct error *err)
{
	struct store_cmd look = {.cli = c->cli};

	if (argc > 1)
		c->to = argv[--argc];
	if (settings_load(NULL, &c->cli->arena, &c->settings, err) < 0)
		return -1;
	for (int i = 0; i < argc; i++) {
		struct store_ref ref;

		if (store_ref_parse(&look, st, argv[i], &ref, err) < 0)
			return -1;
		argv_push(&c->paths, ref.path);
	}
	return 0;
}

/* The derivation with all it refers to; without it, what it was made of and is here. */
static int take_sources(struct push_cmd *c, struct store *st,
			const struct realise_result *result, struct error *err)
{
	struct drv drv;

	if (drv_read(result->text, &c->cli->arena, &drv, err) < 0)
		return -1;
	for (size_t i = 0; i < drv.nsrcs; i++) {
		int found = store_find(st, drv.srcs[i], err);

		if (found < 0)
			return -1;
		if (found)
			argv_push(&c->paths, drv.srcs[i]);
	}
	const char *name = drv_get(&drv, "name");
	const char *path =
		name ? drv_path(&c->cli->arena, name, &drv, result->text) : NULL;
	int found = path ? store_find(st, path, err) : 0;
	if (found > 0)
		argv_push(&c->paths, path);
	return found < 0 ? -1 : 0;
}

/* Every key on the way from the sources to what is wanted, and what each stands for. */
static int take_results(struct push_cmd *c, struct store *st, const struct pipeline *p,
			struct error *err)
{
	for (size_t i = 0; i < p->plan.nsteps; i++) {
		const struct realise_result *r = &p->results[i];

		if (r->state == STEP_KNOWN)
			strbuf_printf(&c->unknown, "%s%s", c->unknown.len ? ", " : "",
				      p->plan.steps[i].name);
		if (r->state != STEP_HAD)
			continue;
		for (size_t k = 0; k < r->noutputs; k++)
			argv_push(&c->paths, r->outputs[k].key);
		if (c->sources && take_sources(c, st, r, err) < 0)
			return -1;
	}
	return 0;
}

static int check_realised(const struct pipeline *p, struct error *err)
{
	autobuf struct strbuf missing = STRBUF_INIT;

	for (size_t i = 0; i < p->plan.nsteps; i++)
		if (p->wanted[i] && p->results[i].state != STEP_HAD)
			strbuf_printf(&missing, "%s%s", missing.len ? ", " : "",
				      p->plan.steps[i].name);
	if (!missing.len)
		return 0;
	error_class(err, ERROR_RECIPE, "not realised here: %s", missing.ptr);
	return error_hint(err, "kbuild realize %s", p->recipe_arg);
}

static int take_recipe(struct push_cmd *c, struct store *st, int argc, char **argv,
		       struct error *err)
{
	struct pipeline p = {.locked = true};
	autoargv struct argv steps = {0};
	autofree char *root = cli_root(c->cli);

	/* A step has a # before it here; what has none is an address. */
	if (argc > 1 && *argv[argc - 1] != '#')
		c->to = argv[--argc];
	if (pipeline_target(&p, c->cli, argc, argv, &steps, err) < 0 ||
	    pipeline_plan(&p, c->cli, err) < 0 ||
	    pipeline_want(&p, &steps, c->cli, err) < 0)
		return -1;
	p.results = arena_array(&c->cli->arena, p.plan.nsteps, struct realise_result);
	const struct realise_options opt = pipeline_options(&p, c->cli, root, NULL);
	if (realise_known(pipeline_steps(&p, c->cli), p.plan.nsteps, &opt, &c->cli->arena,
			  p.results, err) < 0 ||
	    check_realised(&p, err) < 0)
		return -1;
	c->settings = p.settings;
	return take_results(c, st, &p, err);
}

/* --- where to, and whose word it is ----------------------------------------------- */

static char *address(const struct push_cmd *c, struct error *err)
{
	autofree char *cwd = path_absolute(".");

	if (c->to)
		return cache_url_absolute(c->to, cwd ? cwd : "/");
	if (c->settings.push)
		return xstrdup(c->settings.push);
	error_class(err, ERROR_RECIPE, "nothing says where to push to");
	error_hint(err, "name a cache, or put `cache: {push: ADDRESS}` into the recipe");
	return NULL;
}

static int read_keys(struct push_cmd *c, struct error *err)
{
	const char *usual = cli_key_file(c->cli);

	if (!c->key_files.n && c->settings.key)
		argv_push(&c->key_files, c->settings.key);
	else if (!c->key_files.n && usual && access(usual, F_OK) == 0)
		argv_push(&c->key_files, usual);
	c->keys = arena_array(&c->cli->arena, c->key_files.n, struct key_secret);
	for (; c->nkeys < c->key_files.n; c->nkeys++)
		if (key_secret_read(c->key_files.v[c->nkeys], &c->keys[c->nkeys], err) <
		    0)
			return -1;
	return 0;
}

static void wipe_keys(struct push_cmd *c)
{
	for (size_t i = 0; i < c->nkeys; i++)
		key_wipe(&c->keys[i]);
}

/* --- telling ---------------------------------------------------------------------- */

static void add_paths(struct json_object *o, const char *key, const struct argv *paths)
{
	struct json_object *list = json_add_list(o, key);

	for (size_t i = 0; i < paths->n; i++)
		json_push(list, paths->v[i]);
}

static void print_json(const struct push_report *r)
{
	struct json_object *o = json_object_new_object();

	add_paths(o, "pushed", &r->pushed_paths);
	add_paths(o, "leftOut", &r->left_out);
	add_paths(o, "different", &r->other);
	json_add_number(o, "had", r->had);
	json_add_number(o, "signed", r->resigned);
	json_add_number(o, "bytes", r->bytes);
	cli_print_json(o);
}

static void tell(const struct push_cmd *c, const struct push_report *r)
{
	for (size_t i = 0; i < r->other.n; i++)
		log_say(LOG_WARN, "the cache keeps another result of %s",
			path_base(r->other.v[i]));
	if (c->unknown.len)
		log_say(LOG_WARN,
			"not here, and so not pushed: %s; caches had it, nobody needed "
			"it",
			c->unknown.ptr);
	if (r->left_out.n)
		log_say(LOG_WARN,
			"%zu realisation%s not pushed, since nobody has signed them: "
			"without them others cannot find the content\n  try: kbuild %s",
			r->left_out.n, r->left_out.n == 1 ? "" : "s",
			c->nkeys ? "store sign PATH, if you vouch for what others built"
				 : "key generate NAME");
	log_say(LOG_INFO, "%zu object%s, %.1f MiB pushed, %zu already there", r->pushed,
		r->pushed == 1 ? "" : "s", (double)r->bytes / (1 << 20), r->had);
	if (r->resigned)
		log_say(LOG_INFO, "%zu of these got a signature", r->resigned);
	if (c->cli->json)
		print_json(r);
}

static int push(struct push_cmd *c, struct store *st, struct error *err)
{
	autofree char *to = address(c, err);
	struct push_report report;

	if (!to || read_keys(c, err) < 0)
		return -1;
	const struct push p = {
		.st = st,
		.fetch = &c->cli->fetch,
		.cache = to,
		.compression = c->compression,
		.level = c->level,
		.parallel = c->jobs,
		.keys = c->keys,
		.nkeys = c->nkeys,
	};

	argv_sort(&c->paths);
	argv_unique(&c->paths);
	download_begin(c->cli);
	int rc = push_run(&p, (const char *const *)c->paths.v, c->paths.n, &report, err);
	download_end(c->cli);
	/* Even a push that failed may have put something there. */
	caches_forget(cli_cache_dir(c->cli, "caches"), to);
	if (rc == 0)
		tell(c, &report);
	push_report_finish(&report);
	return rc;
}

static int run(struct push_cmd *c, int argc, char **argv, struct error *err)
{
	autostore struct store *st = NULL;

	if (argc < 1)
		return cli_usage(c->cli, err,
				 "expected a recipe or store paths, and where to");
	if (cli_find_fetch(c->cli, err) < 0 ||
	    cli_open_store(c->cli, STORE_WRITE, &st, err) < 0)
		return -1;
	int rc = is_store_path(argv[0]) ? take_paths(c, st, argc, argv, err)
					: take_recipe(c, st, argc, argv, err);
	return rc < 0 ? -1 : push(c, st, err);
}

int cmd_push(struct cli *cli, int argc, char **argv, struct error *err)
{
	struct push_cmd c = {.cli = cli, .compression = "zstd"};
	const struct cli_opt opts[] = {
		{"compression", .text = &c.compression, .arg = "KIND",
		 .help = "zstd, xz or none"},
		{"level", .number = &c.level, .arg = "N", .help = "of the compression"},
		{"key", .list = &c.key_files, .arg = "FILE",
		 .help = "signs; default ~/.config/kbuild/key.secret"},
		{"sources", .flag = &c.sources, .help = "what was built from, too"},
		{"jobs", 'j', .number = &c.jobs, .arg = "N",
		 .help = "files at a time; default 8"},
		{0},
	};
	int rc = cli_parse(cli, opts, &argc, argv, err);

	if (rc == 0)
		rc = run(&c, argc, argv, err);
	wipe_keys(&c);
	argv_finish(&c.key_files);
	argv_finish(&c.paths);
	strbuf_finish(&c.unknown);
	return rc < 0 ? -1 : EXIT_DONE;
}
