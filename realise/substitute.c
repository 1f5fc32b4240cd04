// SPDX-License-Identifier: MIT
#include "realise/substitute.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "base/json.h"
#include "realise/asking.h"
#include "realise/download.h"
#include "store/address.h"
#include "store/import.h"
#include "store/path.h"

static int ask(const struct caches *c, const char *const *paths, size_t n,
	       struct arena *a, struct cache_hit *found, struct error *err)
{
	struct asking s;

	if (asking_begin(&s, c, a, err) < 0)
		return -1;
	int rc = asking_run(&s, paths, n, 0, asking_believe, &s, found, err);
	for (size_t i = 0; i < n; i++)
		if (found[i].n.url)
			found[i].cache = s.v[found[i].cache].index;
	asking_end(&s);
	return rc;
}

int caches_ask(const struct caches *c, const char *const *paths, size_t n,
	       struct arena *a, struct cache_hit *found, struct error *err)
{
	for (size_t i = 0; i < n; i++)
		found[i] = (struct cache_hit){0};
	return n && c->n ? ask(c, paths, n, a, found, err) : 0;
}

int caches_find(const struct caches *c, const char *digest, struct arena *a,
		const char **path, struct error *err)
{
	const char *wanted = arena_printf(a, STORE_DIR "/%s", digest);
	struct cache_hit hit;

	if (caches_ask(c, &wanted, 1, a, &hit, err) < 0)
		return -1;
	*path = hit.n.info.path;
	return hit.n.url != NULL;
}

const char *cache_hit_target(const struct cache_hit *hit)
{
	return hit->n.url ? realisation_target(&hit->n.info) : NULL;
}

void caches_forget(const char *state_dir, const char *url)
{
	const struct cache_notes n = {.forgot = notes_now()};
	autocacheurl struct cache_url parsed;
	autoerror struct error ignored = {0};

	if (cache_url_parse(url, &parsed, &ignored) == 0)
		notes_write(state_dir, parsed.base, &n);
}

/* --- one tree, for repair --------------------------------------------------------- */

/* Whoever says it has these bytes may try: they will be looked at. */
static const char *same_bytes(void *ctx, const struct narinfo *n, const char *path)
{
	const struct path_info *want = ctx;

	(void)path;
	return sha256_equal(&n->info.nar, &want->nar) &&
			       n->info.nar_size == want->nar_size
		       ? NULL
		       : "it has other contents";
}

/* 1 the tree is right, 0 it is not (and gone), -1. */
static int check_tree(const char *dest, const struct path_info *want, struct error *err)
{
	struct address_facts facts = {0};

	if (address_read(AT_FDCWD, dest, &facts, err) < 0)
		return -1;
	if (sha256_equal(&facts.nar, &want->nar))
		return 1;
	return dir_remove(AT_FDCWD, dest, err);
}

static int get(struct asking *s, const struct path_info *want, const char *dest,
	       struct error *err)
{
	struct path_info copy = *want;
	size_t first = 0;

	for (;;) {
		struct cache_hit hit = {0};
		struct download_item item = {.hit = &hit, .dest = dest};

		if (asking_run(s, &want->path, 1, first, same_bytes, &copy, &hit, err) <
		    0)
			return -1;
		if (!hit.n.url)
			return 0;
		first = hit.cache + 1;
		if (download_items(s, &item, 1, path_name(want->path), err) < 0)
			return -1;
		int right = item.failure ? 0 : check_tree(dest, want, err);
		if (right)
			return right;
		asking_warn(s, "cache %s: %s", s->v[hit.cache].parsed.shown,
			    item.failure ? item.failure : "wrong contents");
	}
}

int caches_get(const struct caches *c, const struct path_info *want, const char *dest,
	       struct error *err)
{
	const char *target = realisation_target(want);
	struct arena a = {0};
	struct asking s;

	if (target)
		return symlink(target, dest) < 0
			       ? error_errno(err, "cannot create %s", dest)
			       : 1;
	if (!c->n)
		return 0;
	int rc = asking_begin(&s, c, &a, err);
	if (rc == 0) {
		rc = get(&s, want, dest, err);
		asking_end(&s);
	}
	arena_finish(&a);
	return rc;
}

/* --- logs ------------------------------------------------------------------------- */

static int get_log(struct asking *s, const struct peer *peer, const char *drv,
		   const char *dest, struct error *err)
{
	struct json_object *request = asking_request(s, "cache-log", peer);
	struct json_object *result = NULL, *found = NULL;

	json_add(request, "drv", path_base(drv));
	json_add(request, "dest", dest);
	int rc = fetch_call(s->c->fetch, request, &result, err);
	if (rc == 0 && json_object_object_get_ex(result, "found", &found))
		rc = json_object_get_boolean(found);
	json_object_put(request);
	json_object_put(result);
	return rc;
}

int caches_log(const struct caches *c, const char *drv, const char *dest,
	       struct error *err)
{
	struct arena a = {0};
	struct asking s;
	int rc = c->n ? asking_begin(&s, c, &a, err) : 0;

	if (!c->n || rc < 0)
		return rc;
	for (size_t i = 0; i < s.n && rc == 0; i++) {
		autoerror struct error why = {0};

		if (s.v[i].down)
			continue;
		rc = get_log(&s, &s.v[i], drv, dest, &why);
		if (rc >= 0)
			continue;
		autofree char *words = error_words(&why);
		asking_warn(&s, "cache %s: %s", s.v[i].parsed.shown, words);
		rc = why.class == ERROR_INTERRUPTED ? error_join(err, &why) : 0;
	}
	asking_end(&s);
	arena_finish(&a);
	return rc;
}
