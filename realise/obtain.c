// SPDX-License-Identifier: MIT
/* Sources: what is no step's output gets into the store as its origin says. */
#include <fcntl.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "base/json.h"
#include "base/map.h"
#include "fetchers/debline.h"
#include "fetchers/treecache.h"
#include "store/path.h"
#include "realise/message.h"
#include "realise/worker.h"

/* The path it got is the path it must have. */
static int check_path(const struct origin *o, const char *got, struct error *err)
{
	if (strcmp(o->path, got) == 0)
		return 0;
	if (o->kind == ORIGIN_TREE) {
		error_class(err, ERROR_INFRA, "%s changed while it was read",
			    o->physical);
		error_hint(err, "run the command again");
	} else {
		error_class(err, ERROR_LOCK,
			    "%s is not what the lock says: expected %s, got %s", o->name,
			    o->path, got);
		error_hint(err, "if the change is wanted: kbuild update RECIPE %s",
			   o->name);
	}
	return error_place(err, o->at);
}

static bool not_member(void *ctx, const char *path, bool is_dir)
{
	(void)is_dir;
	return !map_find(ctx, path);
}

static int add_tree(struct worker *w, const struct origin *o, struct arena *a,
		    const char **path, struct error *err)
{
	struct fetch_client client = worker_client(w);
	const struct tree_request req = {
		.physical = o->physical,
		.include = o->include,
		.exclude = o->exclude,
		.cache_dir = w->opt->cache_dir,
		.fetch = &client,
	};
	autoargv struct argv members = {0};
	struct map set = {0};
	/* Only here a link is followed: what the recipe names is what it points to. */
	autofree char *physical = path_absolute(o->physical);

	if (!physical)
		return error_errno(err, "cannot read %s", o->physical);
	if (tree_members(&req, &members, err) < 0)
		return -1;
	for (size_t i = 0; i < members.n; i++)
		map_set(&set, members.v[i], w);
	const struct store_add add = {
		.physical = physical,
		.name = path_name(o->path),
		.skip = not_member,
		.skip_ctx = &set,
	};
	int rc = store_add(w->st, &add, a, path, err);
	map_finish(&set);
	return rc;
}

static int take_scratch(struct worker *w, const struct origin *o, const char *file,
			const struct sha256 *flat, struct arena *a, struct error *err)
{
	const struct store_take take = {
		.physical = file,
		.name = path_name(o->path),
		.flat = flat,
		.owner = (uid_t)-1,
	};
	struct path_info info;

	if (store_take(w->st, &take, a, &info, err) < 0)
		return -1;
	return check_path(o, info.path, err);
}

static int add_text(struct worker *w, const struct origin *o, struct arena *a,
		    struct error *err)
{
	autofree char *file = xasprintf("%s/text", w->scratch);

	if (dir_write(AT_FDCWD, file, o->text, o->text_len, o->executable ? 0755 : 0644,
		      false, err) < 0)
		return -1;
	return take_scratch(w, o, file, NULL, a, err);
}

static const char *fact(const struct origin *o, const char *key)
{
	for (size_t i = 0; i < o->npin; i++)
		if (strcmp(o->pin[i].key, key) == 0)
			return o->pin[i].value;
	return NULL;
}

static int fetch_pin(struct worker *w, const struct origin *o, struct arena *a,
		     struct error *err)
{
	struct fetch_client client = worker_client(w);
	struct json_object *request = json_object_new_object(), *result = NULL;
	autofree char *dest = xasprintf("%s/fetched", w->scratch);

	for (size_t i = 0; i < o->npin; i++)
		json_add(request, o->pin[i].key, o->pin[i].value);
	json_add(request, "do", "fetch");
	json_add(request, "input", o->name);
	json_add(request, "dest", dest);
	int rc = fetch_call(&client, request, &result, err);
	json_object_put(request);
	json_object_put(result);
	if (rc < 0) {
		error_wrap(err, "while fetching %s", o->name);
		return error_place(err, o->at);
	}
	return take_scratch(w, o, dest, NULL, a, err);
}

static bool is_flat_deb(const struct origin *o)
{
	return o->kind == ORIGIN_PIN && fact(o, "deb") && !fact(o, "nar");
}

static int request_deb(const struct origin *o, struct json_object *debs,
		       struct deb_line *line, struct arena *a, struct error *err)
{
	struct json_object *d;

	if (deb_line_parse(str_of(fact(o, "deb")), a, line, err) < 0)
		return error_place(err, o->at);
	d = json_object_new_object();
	json_object_array_add(debs, d);
	json_add(d, "name", line->name);
	json_add(d, "sha256", line->sha256);
	json_add_number(d, "size", line->size);
	json_add(d, "pool", line->pool);
	return 0;
}

/* All packages of a toolchain with one request: they come in parallel. */
static int fetch_debs(struct worker *w, const struct origin **list, size_t n,
		      struct arena *a, struct error *err)
{
	struct fetch_client client = worker_client(w);
	struct json_object *request = json_object_new_object(), *result = NULL;
	struct json_object *debs = json_add_list(request, "debs");
	struct deb_line *lines = arena_array(a, n, struct deb_line);
	autofree char *dir = xasprintf("%s/debs", w->scratch);
	int rc = dir_make(AT_FDCWD, dir, 0755, err);

	for (size_t i = 0; i < n && rc == 0; i++)
		rc = request_deb(list[i], debs, &lines[i], a, err);
	json_add(request, "do", "fetch-debs");
	json_add(request, "dest_dir", dir);
	json_add(request, "input", list[0]->name);
	json_add(request, "date", fact(list[0], "date"));
	if (rc == 0)
		rc = fetch_call(&client, request, &result, err);
	json_object_put(request);
	json_object_put(result);
	for (size_t i = 0; i < n && rc == 0; i++) {
		autofree char *file = xasprintf("%s/%s", dir, lines[i].name);
		struct sha256 flat;

		sha256_parse(lines[i].sha256, &flat);
		rc = take_scratch(w, list[i], file, &flat, a, err);
	}
	return rc;
}

static int obtain_one(struct worker *w, const struct origin *o, struct arena *a,
		      struct error *err)
{
	const char *got;
	int lock;

	if (store_lock(w->st, o->path, true, &lock, err) < 0)
		return -1;
	int rc = store_find(w->st, o->path, err);
	if (rc == 0) {
		switch (o->kind) {
		case ORIGIN_TREE:
			rc = add_tree(w, o, a, &got, err);
			rc = rc < 0 ? rc : check_path(o, got, err);
			break;
		case ORIGIN_TEXT:
			rc = add_text(w, o, a, err);
			break;
		case ORIGIN_PIN:
			rc = fetch_pin(w, o, a, err);
			break;
		}
	}
	store_unlock(w->st, o->path, lock);
	return rc < 0 ? -1 : 0;
}

/*
 * Content proves itself, so any cache will do; what is local is not worth asking for.
 * What cannot be had this way has its origin still. True: something came.
 */
static bool pull_sources(struct worker *w, const struct origin *const *list, size_t n,
			 struct arena *a)
{
	const char **paths = arena_array(a, n, const char *);
	struct cache_hit *hits = arena_array(a, n, struct cache_hit);
	autoerror struct error err = {0};
	struct fetch_client client;
	struct caches c;
	size_t npins = 0, found = 0;

	for (size_t i = 0; i < n; i++)
		if (list[i]->kind == ORIGIN_PIN)
			paths[npins++] = list[i]->path;
	if (!npins || !worker_caches(w, &client, &c))
		return false;
	message_phase(w->messages, "pull");
	int rc = caches_ask(&c, paths, npins, a, hits, &err);
	for (size_t i = 0; i < npins && rc == 0; i++)
		if (hits[i].n.url)
			paths[found++] = paths[i];
	if (rc == 0 && found)
		rc = caches_pull(&c, w->st, paths, found, &err);
	if (rc < 0)
		message_text(w->messages, "warn", err.msg);
	return found > 0;
}

/* What is not there yet, each with its origin. */
static int missing_sources(struct worker *w, const struct origin **list, size_t *n,
			   struct error *err)
{
	const struct drv *drv = &w->node->closed;

	*n = 0;
	for (size_t i = 0; i < drv->nsrcs; i++) {
		/* Held first: it must still be there when the builder is. */
		int found = store_temp_root(w->st, drv->srcs[i], err) < 0
				    ? -1
				    : store_find(w->st, drv->srcs[i], err);

		if (found < 0)
			return -1;
		if (found)
			continue;
		list[*n] = map_get(w->origins, drv->srcs[i]);
		if (!list[(*n)++])
			return error_class(
				err, ERROR_INFRA,
				"%s is not in the store and nothing says how to get it",
				drv->srcs[i]);
	}
	return 0;
}

static int obtain_all(struct worker *w, const struct origin **list, size_t n,
		      struct arena *a, struct error *err)
{
	size_t ndebs = 0;

	for (size_t i = 0; i < n; i++) {
		if (is_flat_deb(list[i])) {
			list[ndebs++] = list[i];
			continue;
		}
		message_phase(w->messages, "fetch");
		if (obtain_one(w, list[i], a, err) < 0)
			return -1;
	}
	if (!ndebs)
		return 0;
	message_phase(w->messages, "fetch");
	return fetch_debs(w, list, ndebs, a, err);
}

int obtain_sources(struct worker *w, struct error *err)
{
	struct arena a = {0};
	size_t n = w->node->closed.nsrcs;
	const struct origin **list = arena_array(&a, n, const struct origin *);

	int rc = missing_sources(w, list, &n, err);
	if (rc == 0 && n && pull_sources(w, list, n, &a))
		rc = missing_sources(w, list, &n, err);
	if (rc == 0)
		rc = obtain_all(w, list, n, &a, err);
	arena_finish(&a);
	return rc;
}
