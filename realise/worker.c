// SPDX-License-Identifier: MIT
#include "realise/worker.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "realise/known.h"
#include "realise/message.h"
#include "store/import.h"

/* The .drv, every output, then the mapping: from now on the step is known. */
static int publish(struct worker *w, const struct argv *closure, struct error *err)
{
	struct arena *a = w->graph->arena;
	struct realise_result *r = w->node->result;
	const struct drv *drv = &w->node->closed;
	const struct caches *c = w->opt->caches;
	struct realisation *all = arena_array(a, r->noutputs, struct realisation);
	const char **keys = arena_array(a, r->noutputs, const char *);
	const char *drv_file;

	for (size_t i = 0; i < r->noutputs; i++)
		keys[i] = r->outputs[i].key;
	autofree char *file = xasprintf("%s.drv", w->node->name);
	if (store_add_text(w->st, file, w->node->text, drv->srcs, drv->nsrcs, a,
			   &drv_file, err) < 0)
		return -1;
	for (size_t i = 0; i < r->noutputs; i++) {
		struct realise_output *o = &r->outputs[i];
		autofree char *physical =
			xasprintf("%s/store/%s", w->scratch, path_base(o->key));
		const struct store_take take = {
			.physical = physical,
			.name = path_name(o->key),
			.candidates = (const char *const *)closure->v,
			.ncandidates = closure->n,
			.forbidden = keys,
			.nforbidden = r->noutputs,
			.deriver = drv_file,
			.owner = getuid(),
			.ultimate = true,
		};
		struct path_info info;

		if (store_take(w->st, &take, a, &info, err) < 0)
			return error_wrap(err, "output '%s' cannot enter the store",
					  o->name);
		o->path = info.path;
		all[i] = (struct realisation){o->key, o->path};
	}
	if (store_record(w->st, all, r->noutputs, drv_file, c ? c->trust : NULL,
			 c ? c->ntrust : 0, err) < 0)
		return -1;
	/* Somebody may have been faster, with another result: there is only one. */
	for (size_t i = 0; i < r->noutputs; i++) {
		struct path_info info;
		const char *path;
		int found =
			store_realisation(w->st, r->outputs[i].key, a, &info, &path, err);

		if (found < 0)
			return -1;
		if (found &&
		    realisation_trusted(&info, c ? c->trust : NULL, c ? c->ntrust : 0))
			r->outputs[i].path = path;
	}
	return 0;
}

char *worker_build_dir(const struct worker *w)
{
	bool again = w->mode && w->mode->round;

	return xasprintf("%s/%s", w->scratch, again ? "moved/down/build" : "build");
}

static int make_scratch(struct worker *w, struct error *err)
{
	const char *dir = store_scratch_dir(w->st);

	if (dir_make(AT_FDCWD, dir, 0755, err) < 0)
		return -1;
	/* Made by the parent's choice of name, so that the parent can clear it away. */
	if (mkdir(w->scratch, 0755) < 0)
		return error_errno(err, "cannot create %s", w->scratch);
	/* Held until we die: see store_clear_scratch. */
	int fd = open(w->scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return error_errno(err, "cannot lock %s", w->scratch);
	return 0;
}

static int run_builder(struct worker *w, struct error *err)
{
	if (make_scratch(w, err) < 0 || obtain_sources(w, err) < 0)
		return -1;
	return build_run(w, err);
}

static int pull_outputs(struct worker *w, const struct caches *c, struct error *err)
{
	const struct realise_result *r = w->node->result;
	const char **keys = arena_array(w->graph->arena, r->noutputs, const char *);

	for (size_t i = 0; i < r->noutputs; i++)
		keys[i] = r->outputs[i].key;
	message_phase(w->messages, "pull");
	if (caches_pull(c, w->st, keys, r->noutputs, err) < 0)
		return -1;
	/* The store may have kept a record of its own: that is what counts. */
	int found = graph_lookup(w->graph, w->node, w->st, c, err);
	if (found == 0)
		error_class(err, ERROR_INFRA, "%s was pulled and is not there", keys[0]);
	return found == 1 ? 0 : -1;
}

/* A cache that fails us is no reason not to build. True: the outputs are here now. */
static bool found_in_cache(struct worker *w)
{
	autoerror struct error err = {0};
	struct fetch_client client;
	struct caches c;

	if (w->node->asked || !worker_caches(w, &client, &c))
		return false;
	if (known_ask(w->graph, &w->node, 1, w->opt->root, &c, &err) == 0) {
		if (w->node->result->state != STEP_KNOWN)
			return false;
		if (pull_outputs(w, &c, &err) == 0)
			return true;
	}
	autofree char *text = error_words(&err);
	message_text(w->messages, "warn", text);
	return false;
}

/* How its outputs came to be here, or STEP_FAILED with err. The step's lock is held. */
static enum realise_state build_or_find(struct worker *w, struct error *err)
{
	autoargv struct argv closure = {0};
	const struct drv *drv = &w->node->closed;
	int found = graph_lookup(w->graph, w->node, w->st, w->opt->caches, err);

	if (found)
		return found < 0 ? STEP_FAILED : STEP_HAD;
	if (found_in_cache(w))
		return STEP_PULLED;
	if (run_builder(w, err) < 0)
		return STEP_FAILED;
	message_text(w->messages, "publish", "publish");
	if (store_closure(w->st, drv->srcs, drv->nsrcs, &closure, err) < 0 ||
	    publish(w, &closure, err) < 0)
		return STEP_FAILED;
	return STEP_BUILT;
}

static enum realise_state locked_build(struct worker *w, struct error *err)
{
	const char *key = w->node->result->outputs[0].key;
	int lock;
	int got = store_lock(w->st, key, false, &lock, err);

	if (got == 0) {
		message_phase(w->messages, "waiting for another kbuild that builds it");
		got = store_lock(w->st, key, true, &lock, err);
	}
	if (got < 0)
		return STEP_FAILED;
	enum realise_state state = build_or_find(w, err);
	store_unlock(w->st, key, lock);
	return state;
}

static enum realise_state pull(struct worker *w, struct error *err)
{
	struct fetch_client client;
	struct caches c;

	if (!worker_caches(w, &client, &c)) {
		error_make(err, "there is no cache to pull it from");
		return STEP_FAILED;
	}
	return pull_outputs(w, &c, err) < 0 ? STEP_FAILED : STEP_PULLED;
}

/* Nobody else is kept from building it: what we make goes nowhere. */
static enum realise_state build_again(struct worker *w, struct error *err)
{
	const struct realise_result *r = w->node->result;

	/* What it may be compared with must not be collected meanwhile. */
	for (size_t i = 0; i < r->noutputs; i++)
		if (store_temp_root(w->st, r->outputs[i].key, err) < 0)
			return STEP_FAILED;
	if (run_builder(w, err) < 0)
		return STEP_FAILED;
	message_phase(w->messages, "hash");
	return rebuild_finish(w, err) < 0 ? STEP_FAILED : STEP_BUILT;
}

static void keep_build_dir(struct worker *w)
{
	autofree char *build = worker_build_dir(w);
	autofree char *dir = xasprintf("%s/../failed", store_scratch_dir(w->st));
	autoerror struct error err = {0};

	if (dir_make(AT_FDCWD, dir, 0755, &err) < 0)
		return;
	const char *kept =
		arena_printf(w->graph->arena, "%s/nix/var/kbuild/failed/%s-%d",
			     store_root(w->st), w->node->step->name, (int)getpid());
	if (rename(build, kept) == 0)
		w->failure.kept = kept;
}

static const char *kind_of(enum error_class class)
{
	switch (class) {
	case ERROR_BUILD:
		return "builder";
	case ERROR_CONFIG:
		return "config";
	case ERROR_VERDICT:
		return "verdict";
	default:
		return "infrastructure";
	}
}

static void tell_failure(struct worker *w, const struct error *err)
{
	autofree char *what = error_words(err);
	const char *hint = NULL;

	for (const struct error *e = err; e && !hint; e = e->cause)
		hint = e->hint;
	w->failure.class = err->class;
	if (!w->failure.kind)
		w->failure.kind = kind_of(err->class);
	w->failure.retry = err->class == ERROR_INFRA && !w->no_space;
	w->failure.what = what;
	w->failure.hint = hint;
	if (w->opt->keep_failed)
		keep_build_dir(w);
	message_failed(w->messages, &w->failure);
}

static void remove_tree(const struct worker *w, const char *path)
{
	autoerror struct error err = {0};

	if (dir_remove(AT_FDCWD, path, &err) < 0)
		message_text(w->messages, "warn", err.msg);
}

static void clean_scratch(const struct worker *w, bool keep_outputs)
{
	static const char *const others[] = {"build", "moved", "vary"};

	if (!keep_outputs) {
		remove_tree(w, w->scratch);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		autofree char *path = path_join(w->scratch, others[i]);

		remove_tree(w, path);
	}
}

/* The step is built instead: what is said here is a remark. */
static void tell_pull_failure(struct worker *w, const struct error *err)
{
	autofree char *words = error_words(err);
	autofree char *text = xasprintf("%s; it is built here instead", words);

	message_text(w->messages, "warn", text);
	tell_failure(w, err);
}

static void tell_end(struct worker *w, enum realise_state state, const struct error *err)
{
	enum job job = w->node->job;

	if (state == STEP_FAILED && job == JOB_PULL)
		tell_pull_failure(w, err);
	else if (state == STEP_FAILED)
		tell_failure(w, err);
	else if (job == JOB_AGAIN)
		message_send(w->messages, w->outcome);
	else
		message_done(w->messages, state, w->node->result);
}

void worker_main(struct worker *w)
{
	static enum realise_state (*const jobs[])(struct worker *, struct error *) = {
		[JOB_BUILD] = locked_build,
		[JOB_PULL] = pull,
		[JOB_AGAIN] = build_again,
	};
	struct error err = {0};
	enum job job = w->node->job;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* It may have died before that. */
	if (getppid() != w->parent)
		_exit(1);
	int rc = store_open(w->opt->root, STORE_WRITE, &w->st, &err);
	enum realise_state state = rc < 0 ? STEP_FAILED : jobs[job](w, &err);
	tell_end(w, state, &err);
	/* The parent goes on meanwhile. */
	bool keep = job == JOB_AGAIN && state != STEP_FAILED;
	clean_scratch(w, keep && !(w->mode && w->mode->compare));
	store_close(w->st);
	_exit(0);
}
