// SPDX-License-Identifier: MIT
#include "store/gc.h"

#include <stdlib.h>
#include <time.h>

#include "base/alloc.h"
#include "base/log.h"
#include "store/collect.h"
#include "store/gcserver.h"
#include "store/import.h"
#include "store/internal.h"
#include "store/lock.h"
#include "store/path.h"

/* --- beginning and end ------------------------------------------------------------ */

/* In the server's thread. */
static void want(void *ctx, const char *path)
{
	struct gc *gc = ctx;
	char digest[PATH_DIGEST_LEN + 1] = {0};

	if (!path_ok(path))
		return;
	memcpy(digest, path + PATH_PREFIX_LEN, PATH_DIGEST_LEN);
	pthread_mutex_lock(&gc->lock);
	map_set(&gc->rooted, digest, gc);
	if (gc->loaded)
		reach_mark(&gc->reach, reach_find(&gc->reach, digest));
	pthread_mutex_unlock(&gc->lock);
}

/* 1 alone with the store, 0 another collector runs and we need not wait. */
static int begin(struct gc *gc, struct error *err)
{
	int fd = gc->st->statefd;

	if (gc->opt->dry_run)
		return 1;
	if (store_need_write(gc->st, err) < 0 || gcserver_prepare(fd, err) < 0)
		return -1;
	gc->lock_fd = lock_open(fd, "gc.lock", err);
	if (gc->lock_fd < 0)
		return -1;
	int got = lock_take(gc->lock_fd, true, false, err);
	if (got == 0 && gc->opt->no_wait)
		return 0;
	if (got == 0) {
		log_say(LOG_INFO, "waiting for another garbage collector");
		got = lock_take(gc->lock_fd, true, true, err);
	}
	if (got < 0)
		return -1;
	return gcserver_start(fd, want, gc, &gc->server, err) < 0 ? -1 : 1;
}

static void end(struct gc *gc)
{
	if (gc->server)
		store_reserve(gc->st);
	gcserver_stop(gc->server);
	if (gc->lock_fd >= 0)
		close(gc->lock_fd);
	map_finish(&gc->rooted);
	arena_finish(&gc->arena);
	pthread_mutex_destroy(&gc->lock);
}

static void init(struct gc *gc, struct store *st, const struct gc_options *opt,
		 struct gc_result *res)
{
	*res = (struct gc_result){0};
	*gc = (struct gc){.st = st, .opt = opt, .res = res, .lock_fd = -1};
	gc->live = (struct live){
		.st = st, .a = &gc->arena, .reach = &gc->reach, .tidy = !opt->dry_run};
	pthread_mutex_init(&gc->lock, NULL);
}

/* --- what is alive ---------------------------------------------------------------- */

static void add_temporary(struct live *l, const struct live_temp *temps, size_t n)
{
	for (size_t i = 0; i < n; i++)
		live_add(l, &(struct gc_root){
				    .kind = GC_ROOT_TEMP,
				    .path = temps[i].path,
				    .from = arena_printf(l->a, "process %d, at work",
							 (int)temps[i].pid),
			    });
}

/* Roots in l, and the graph; the order is explained in liveroots.h. */
static int find_roots(struct live *l, struct reach *reach, struct live_temp **temps,
		      size_t *ntemps, struct error *err)
{
	if (live_temporary(l, temps, ntemps, err) < 0 ||
	    reach_load(l->st->db, l->a, reach, err) < 0)
		return -1;
	add_temporary(l, *temps, *ntemps);
	if (live_permanent(l, err) < 0)
		return -1;
	return live_processes(l, err);
}

static int mark(struct gc *gc, struct error *err)
{
	struct live_temp *temps;
	size_t n;

	if (find_roots(&gc->live, &gc->reach, &temps, &n, err) < 0)
		return -1;
	pthread_mutex_lock(&gc->lock);
	for (size_t i = 0; i < n; i++) {
		char digest[PATH_DIGEST_LEN + 1] = {0};

		memcpy(digest, temps[i].path + PATH_PREFIX_LEN, PATH_DIGEST_LEN);
		map_set(&gc->rooted, digest, gc);
	}
	for (size_t i = 0; i < gc->live.n; i++)
		reach_mark(&gc->reach,
			   reach_find(&gc->reach, gc->live.v[i].path + PATH_PREFIX_LEN));
	/* What was asked for while we looked. */
	map_each (&gc->rooted, e)
		reach_mark(&gc->reach, reach_find(&gc->reach, e->key));
	gc->loaded = true;
	pthread_mutex_unlock(&gc->lock);
	return 0;
}

int store_gc_roots(struct store *st, struct arena *a, struct gc_roots *out,
		   struct error *err)
{
	struct reach reach;
	struct live l = {.st = st, .a = a, .reach = &reach};
	struct live_temp *temps;
	size_t n;

	*out = (struct gc_roots){0};
	if (!st->db)
		return 0;
	if (find_roots(&l, &reach, &temps, &n, err) < 0)
		return -1;
	*out = (struct gc_roots){l.v, l.n};
	return 0;
}

int store_size(struct store *st, uint64_t *bytes, struct error *err)
{
	*bytes = 0;
	return st->db ? db_size(st->db, bytes, err) : 0;
}

/* --- collecting ------------------------------------------------------------------- */

struct limit {
	uint64_t keep, size;
	int64_t before; /* registered earlier than this */
};

static enum reach_choice within_limits(void *ctx, const struct reach_node *n)
{
	struct limit *l = ctx;

	if (l->keep && l->size <= l->keep)
		return REACH_STOP;
	if (n->registered >= l->before)
		return REACH_LEAVE;
	l->size -= n->size;
	return REACH_TAKE;
}

static void choose(struct gc *gc, reach_want *choice, void *ctx)
{
	gc->order = arena_array(&gc->arena, gc->reach.n, uint32_t);
	pthread_mutex_lock(&gc->lock);
	gc->norder = reach_order(&gc->reach, choice, ctx, gc->order);
	pthread_mutex_unlock(&gc->lock);
}

static int collect(struct gc *gc, struct error *err)
{
	const struct gc_options *opt = gc->opt;
	struct limit limit = {
		.keep = opt->keep_bytes,
		.before = opt->older_than_s ? time(NULL) - opt->older_than_s : INT64_MAX,
	};

	if (mark(gc, err) < 0)
		return -1;
	limit.size = gc->reach.size;
	choose(gc, within_limits, &limit);
	if (opt->dry_run ? measure_all(gc, err) < 0
			 : sweep_paths(gc, err) < 0 || sweep_strays(gc, err) < 0 ||
				   sweep_links(gc, err) < 0)
		return -1;
	return opt->older_than_s ? sweep_logs(gc, err) : 0;
}

static void count_rest(struct gc *gc)
{
	gc->res->stay = gc->reach.n - gc->res->paths;
	gc->res->kept = gc->reach.size;
}

int store_gc(struct store *st, const struct gc_options *opt, struct gc_result *res,
	     struct error *err)
{
	struct gc gc;

	init(&gc, st, opt, res);
	int rc = begin(&gc, err);
	if (rc == 0)
		res->busy = true;
	else if (rc > 0 && st->db)
		rc = collect(&gc, err);
	count_rest(&gc);
	end(&gc);
	return rc < 0 ? error_wrap(err, "while collecting garbage") : 0;
}

/* --- deleting by name ------------------------------------------------------------- */

static const char *root_of(const struct gc *gc, const struct reach_node *n)
{
	for (size_t i = 0; i < gc->live.n; i++) {
		const struct gc_root *r = &gc->live.v[i];

		if (r->path == n->path)
			return r->place ? r->place : r->from;
	}
	return "a process that began meanwhile";
}

/* "result -> /nix/store/a -> /nix/store/b", the middle of a long way left out. */
static void explain(const struct gc *gc, int32_t node, struct strbuf *out)
{
	enum { SHOWN = 3 };
	uint32_t n = 0, left;

	for (int32_t i = node; i >= 0; i = gc->reach.v[i].via)
		gc->reach.queue[n++] = (uint32_t)i;
	strbuf_adds(out, root_of(gc, &gc->reach.v[gc->reach.queue[n - 1]]));
	for (left = n; left--;) {
		if (left >= SHOWN && left + SHOWN < n) {
			strbuf_adds(out, " -> ...");
			left = SHOWN;
			continue;
		}
		strbuf_printf(out, " -> %s", gc->reach.v[gc->reach.queue[left]].path);
	}
}

static int refuse(struct gc *gc, int32_t node, struct error *err)
{
	autobuf struct strbuf chain = STRBUF_INIT;

	pthread_mutex_lock(&gc->lock);
	explain(gc, node, &chain);
	pthread_mutex_unlock(&gc->lock);
	error_class(err, ERROR_RECIPE, "%s is in use: %s", gc->reach.v[node].path,
		    chain.ptr);
	return error_hint(err, "kbuild store roots lists every root");
}

struct named {
	struct gc *gc;
	bool *yes; /* one a node */
};

static enum reach_choice is_named(void *ctx, const struct reach_node *n)
{
	const struct named *d = ctx;

	return d->yes[n - d->gc->reach.v] ? REACH_TAKE : REACH_LEAVE;
}

static bool is_record(struct gc *gc, const char *path)
{
	autoerror struct error ignored = {0};
	struct path_info info;

	return store_info(gc->st, path, &gc->arena, &info, &ignored) == 1 &&
	       realisation_target(&info);
}

/*
 * A dead path that refers to a named one must be named too, or be a record of a build,
 * which then goes with it: 1 if one was found, 0, -1.
 */
static int check_referrers(struct named *d, struct error *err)
{
	const struct reach *r = &d->gc->reach;
	int more = 0;

	for (uint32_t i = 0; i < r->n; i++) {
		const struct reach_node *from = &r->v[i];

		for (uint32_t k = 0; !d->yes[i] && k < from->nrefs; k++) {
			const char *to = r->v[from->refs[k]].path;

			if (!d->yes[from->refs[k]])
				continue;
			if (from->nrefs == 1 && is_record(d->gc, from->path)) {
				d->yes[i] = true;
				more = 1;
				continue;
			}
			error_class(err, ERROR_RECIPE, "%s refers to %s", from->path, to);
			return error_hint(err, "delete both, or collect all garbage");
		}
	}
	return more;
}

static int delete_named(struct gc *gc, const char *const *paths, size_t n,
			struct error *err)
{
	struct named d = {.gc = gc};

	if (mark(gc, err) < 0)
		return -1;
	d.yes = arena_array(&gc->arena, gc->reach.n, bool);
	for (size_t i = 0; i < n; i++) {
		int32_t node = path_ok(paths[i]) ? reach_find(&gc->reach,
							      paths[i] + PATH_PREFIX_LEN)
						 : -1;

		if (node < 0)
			error_class(err, ERROR_RECIPE, "%s is not valid", paths[i]);
		else if (gc->reach.v[node].alive)
			refuse(gc, node, err);
		else
			d.yes[node] = true;
	}
	int more = error_is_set(err) ? -1 : 1;
	while (more > 0)
		more = check_referrers(&d, err);
	if (more < 0)
		return -1;
	choose(gc, is_named, &d);
	return sweep_paths(gc, err) < 0 ? -1 : sweep_links(gc, err);
}

int store_delete(struct store *st, const char *const *paths, size_t n,
		 const struct gc_options *opt, struct gc_result *res, struct error *err)
{
	struct gc gc;

	init(&gc, st, opt, res);
	gc.live.by_name = true;
	int rc = begin(&gc, err);
	if (rc > 0)
		rc = delete_named(&gc, paths, n, err);
	count_rest(&gc);
	end(&gc);
	return rc < 0 ? -1 : 0;
}
