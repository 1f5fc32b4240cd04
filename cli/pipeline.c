// SPDX-License-Identifier: MIT
#include "cli/pipeline.h"

#include <errno.h>
#include <fcntl.h>

#include "base/alloc.h"
#include "base/crew.h"
#include "base/dir.h"
#include "base/log.h"
#include "cli/download.h"
#include "cli/progress.h"
#include "cli/roots.h"
#include "evaluator/lock.h"
#include "evaluator/resolve.h"
#include "store/gc.h"

int pipeline_target(struct pipeline *p, struct cli *cli, int argc, char **argv,
		    struct argv *steps, struct error *err)
{
	if (argc < 1 || !*argv[0])
		return cli_usage(cli, err, "expected a recipe");
	char *word = arena_strdup(&cli->arena, argv[0]);
	char *hash = strrchr(word, '#');

	/* A step has no slash in its name, a folder may have a # in its own. */
	if (hash && !strchr(hash, '/')) {
		*hash = '\0';
		if (!hash[1])
			return cli_usage(cli, err, "expected a step after '#'");
		argv_push(steps, hash + 1);
	}
	p->recipe_arg = word;
	for (int i = 1; i < argc; i++)
		argv_push(steps, argv[i][0] == '#' ? argv[i] + 1 : argv[i]);
	return 0;
}

/* Missing and stale entries are pinned now; written unless inputs are overridden. */
static int complete_lock(struct pipeline *p, struct cli *cli, struct lock *lock,
			 struct error *err)
{
	autostore struct store *st = NULL;

	if (cli_find_fetch(cli, err) < 0 ||
	    cli_open_store(cli, STORE_WRITE, &st, err) < 0)
		return -1;
	const struct resolve_options opt = {
		.data_dir = cli->data_dir, .fetch = &cli->fetch, .store = st};
	download_begin(cli);
	int changed = resolve_missing(p->recipe, lock, &opt, &cli->arena, err);
	download_end(cli);
	if (changed < 0)
		return -1;
	if (!changed || p->overrides.n)
		return 0;
	log_say(LOG_INFO, "writing %s", p->recipe->lock_path);
	return lock_write(lock, p->recipe->lock_path, err) < 0 ? -1 : 0;
}

int pipeline_plan(struct pipeline *p, struct cli *cli, struct error *err)
{
	struct lock *lock;

	if (cli_find_data(cli, err) < 0 || cli_find_fetch(cli, err) < 0)
		return -1;
	const struct recipe_options ropt = {
		.data_dir = cli->data_dir,
		.overrides = (const char *const *)p->overrides.v,
		.noverrides = p->overrides.n,
	};
	const struct plan_options popt = {
		.data_dir = cli->data_dir,
		.cache_dir = cli_cache_dir(cli, "trees"),
		.fetch = &cli->fetch,
		.lenient = p->lenient,
		.minimal = p->minimal,
		.explain = (const char *const *)p->explain.v,
		.nexplain = p->explain.n,
	};
	if (recipe_load(p->recipe_arg, &ropt, &cli->arena, &p->recipe, err) < 0 ||
	    lock_read(p->recipe->lock_path, &cli->arena, &lock, err) < 0)
		return -1;

	if (settings_load(p->recipe, &cli->arena, &p->settings, err) < 0)
		return -1;
	cli_caches(cli, &p->settings, &p->caches);
	if (p->no_cache)
		p->caches.n = 0;

	autoerror struct error first = {0};
	if (plan_make(p->recipe, lock, &popt, &cli->arena, &p->plan, &first) == 0)
		return 0;
	if (first.class != ERROR_LOCK || p->locked)
		return error_join(err, &first);
	if (complete_lock(p, cli, lock, err) < 0)
		return -1;
	return plan_make(p->recipe, lock, &popt, &cli->arena, &p->plan, err);
}

int pipeline_want(struct pipeline *p, const struct argv *steps, struct cli *cli,
		  struct error *err)
{
	p->wanted = arena_array(&cli->arena, p->plan.nsteps, bool);
	for (size_t i = 0; i < steps->n; i++) {
		long step = plan_find(&p->plan, steps->v[i], err);

		if (step >= 0)
			p->wanted[step] = true;
	}
	for (size_t i = 0; i < p->plan.nsteps && !steps->n; i++)
		p->wanted[i] = !p->plan.steps[i].internal;
	return error_is_set(err) ? -1 : 0;
}

struct realise_step *pipeline_steps(const struct pipeline *p, struct cli *cli)
{
	struct realise_step *steps =
		arena_array(&cli->arena, p->plan.nsteps, struct realise_step);

	for (size_t i = 0; i < p->plan.nsteps; i++) {
		const struct plan_step *s = &p->plan.steps[i];

		steps[i] = (struct realise_step){
			.name = s->name,
			.drv_path = s->drv_path,
			.text = s->text,
			.needs = s->needs,
			.nneeds = s->nneeds,
			.wanted = p->wanted && p->wanted[i],
		};
	}
	return steps;
}

char *pipeline_output(const struct pipeline *p, size_t step, const char *name)
{
	const struct realise_result *r = &p->results[step];

	for (size_t i = 0; i < r->noutputs; i++)
		if (strcmp(r->outputs[i].name, name) == 0 && r->outputs[i].path)
			return xasprintf("%s%s", p->root, r->outputs[i].path);
	return NULL;
}

/* Nothing is written if it points there already. */
static int point_link(int dir, const char *name, const char *target, struct error *err)
{
	char old[4096];
	ssize_t n = readlinkat(dir, name, old, sizeof(old) - 1);

	if (n >= 0 && (size_t)n == strlen(target) && memcmp(old, target, (size_t)n) == 0)
		return 0;
	if (dir_link(dir, name, target, err) < 0)
		return error_wrap(err, "while linking to the results");
	return 0;
}

/* 0 done, 1 what the links lead to was collected meanwhile, -1. */
static int make_links(const struct pipeline *p, struct cli *cli, struct error *err)
{
	autofree char *path = xasprintf("%s/result", p->recipe->dir);

	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return error_errno(err, "cannot create %s", path);
	autoclose int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return error_errno(err, "cannot open %s", path);
	for (size_t i = 0; i < p->plan.nsteps; i++) {
		const struct plan_step *s = &p->plan.steps[i];
		autofree char *out = p->wanted[i] ? pipeline_output(p, i, "out") : NULL;

		if (!out)
			continue;
		autofree char *target =
			s->link_subpath ? path_join(out, s->link_subpath) : xstrdup(out);
		if (point_link(dir, s->link ? s->link : s->name, target, err) < 0)
			return -1;
	}
	return roots_update(p, cli, err);
}

struct realise_options pipeline_options(const struct pipeline *p, struct cli *cli,
					const char *root, struct progress *progress)
{
	return (struct realise_options){
		.root = root,
		.cache_dir = cli_cache_dir(cli, "trees"),
		.fetch = &cli->fetch,
		.caches = &p->caches,
		.origins = p->plan.origins,
		.norigins = p->plan.norigins,
		.jobs = p->jobs > 0 ? p->jobs : crew_processors(),
		.timeout_s = p->timeout_s,
		.silent_s = p->silent_s,
		.log_bytes = (uint64_t)p->log_mib << 20,
		.keep_failed = p->keep_failed,
		.keep_going = p->keep_going,
		.lines = cli->verbose,
		.event = progress ? progress_event : NULL,
		.ctx = progress,
	};
}

static bool made_something(const struct pipeline *p)
{
	for (size_t i = 0; i < p->plan.nsteps; i++)
		if (p->results[i].state == STEP_BUILT ||
		    p->results[i].state == STEP_PULLED)
			return true;
	return false;
}

static int trim_store(const struct pipeline *p, struct cli *cli, struct gc_result *res,
		      struct error *err)
{
	const struct gc_options opt = {.no_wait = true, .keep_bytes = p->settings.keep};
	autostore struct store *look = NULL, *st = NULL;
	uint64_t size;

	if (cli_open_store(cli, STORE_READ, &look, err) < 0 ||
	    store_size(look, &size, err) < 0)
		return -1;
	if (size <= p->settings.keep)
		return 0;
	return cli_open_store(cli, STORE_COLLECT, &st, err) < 0
		       ? -1
		       : store_gc(st, &opt, res, err);
}

/* store.keep: garbage beyond that goes. What was asked for is there, whatever happens. */
static void trim(const struct pipeline *p, struct cli *cli)
{
	autobuf struct strbuf freed = STRBUF_INIT, size = STRBUF_INIT;
	autoerror struct error err = {0};
	struct gc_result res = {0};

	if (!p->settings.keeps || !made_something(p))
		return;
	if (trim_store(p, cli, &res, &err) < 0) {
		autofree char *why = error_words(&err);

		log_say(LOG_WARN, "the store was not trimmed: %s", why);
	} else if (res.paths) {
		strbuf_add_size(&freed, res.freed);
		strbuf_add_size(&size, p->settings.keep);
		log_say(LOG_INFO, "freed %s of the store, which is to keep to %s",
			freed.ptr, size.ptr);
	}
}

void pipeline_remarks(const struct recipe *r)
{
	if (r->kernel_why)
		log_say(LOG_INFO, "%s", r->kernel_why);
	for (size_t i = 0; i < r->nwarnings; i++)
		log_say(LOG_WARN, "%s", r->warnings[i]);
}

int pipeline_realise(struct pipeline *p, struct cli *cli, struct error *err)
{
	struct realise_step *steps = pipeline_steps(p, cli);
	autofree char *root = cli_root(cli);
	struct progress *progress = progress_new(cli, steps, p->plan.nsteps);
	struct realise_options opt = pipeline_options(p, cli, root, progress);
	int rc, links;

	pipeline_remarks(p->recipe);
	/* Nothing holds what was there already until it is rooted. */
	do {
		autostore struct store *hold = NULL;

		opt.hold = &hold;
		p->results =
			arena_array(&cli->arena, p->plan.nsteps, struct realise_result);
		rc = realise(steps, p->plan.nsteps, &opt, &cli->arena, p->results, err);
		autofree char *absolute = path_absolute(root);
		p->root = arena_strdup(&cli->arena, absolute ? absolute : root);
		links = rc < 0 || p->no_link ? 0 : make_links(p, cli, err);
	} while (links > 0);
	progress_free(progress);
	if (links < 0)
		rc = -1;
	if (rc == 0 && !p->no_link)
		trim(p, cli);
	return rc;
}

void pipeline_finish(struct pipeline *p)
{
	argv_finish(&p->overrides);
	argv_finish(&p->explain);
}
