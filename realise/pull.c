// SPDX-License-Identifier: MIT
#include "realise/pull.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "realise/download.h"
#include "store/import.h"
#include "store/path.h"

enum { BATCH = 96 }; /* each path of a batch is one open lock */

/* --- locks ------------------------------------------------------------------------ */

static void unlock(struct pull *p, struct pull_object **batch, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		store_unlock(p->st, batch[i]->path, batch[i]->lock);
		batch[i]->lock = -1;
	}
}

/* 1 all are ours, 0 *busy is somebody else's and none is ours, -1. */
static int try_lock(struct pull *p, struct pull_object **batch, size_t n,
		    struct pull_object **busy, struct error *err)
{
	for (size_t i = 0; i < n; i++) {
		int got = batch[i]->link || batch[i]->stage == PULL_DONE
				  ? 1
				  : store_lock(p->st, batch[i]->path, false,
					       &batch[i]->lock, err);

		if (got == 1)
			continue;
		unlock(p, batch, i);
		*busy = batch[i];
		return got;
	}
	return 1;
}

/*
 * Who waits holds nothing, so nobody waits in a circle. What somebody else brought in
 * meanwhile is done.
 */
static int lock_batch(struct pull *p, struct pull_object **batch, size_t n,
		      struct error *err)
{
	for (;;) {
		struct pull_object *busy;
		int fd, got = try_lock(p, batch, n, &busy, err);

		if (got)
			break;
		if (store_lock(p->st, busy->path, true, &fd, err) < 0)
			return -1;
		store_unlock(p->st, busy->path, fd);
		int here = pull_is_here(p, busy->path, err);
		if (here < 0)
			return -1;
		if (here)
			busy->stage = PULL_DONE;
	}
	for (size_t i = 0; i < n; i++) {
		int here = pull_is_here(p, batch[i]->path, err);

		if (here < 0)
			return -1;
		if (here)
			batch[i]->stage = PULL_DONE;
	}
	return 0;
}

/* --- a batch ---------------------------------------------------------------------- */

static bool same_claim(const struct path_info *a, const struct path_info *b)
{
	if (!sha256_equal(&a->nar, &b->nar) || a->nar_size != b->nar_size ||
	    a->nrefs != b->nrefs)
		return false;
	for (size_t i = 0; i < a->nrefs; i++)
		if (strcmp(a->refs[i], b->refs[i]) != 0)
			return false;
	return true;
}

static const char *judge_again(void *ctx, const struct narinfo *n, const char *path)
{
	struct pull *p = ctx;
	const struct pull_object *o = pull_object_at(p, path);

	if (!same_claim(&n->info, &o->hit.n.info))
		return "it has other contents";
	return asking_believe(&p->s, n, path);
}

/* This cache's bytes are no use: the next one that says the same, if there is one. */
static int try_next(struct pull *p, struct pull_object *o, const char *why,
		    struct error *err)
{
	struct cache_hit next = {0};
	size_t cache = o->hit.cache;
	autoerror struct error ignored = {0};

	asking_warn(&p->s, "cache %s: %s", p->s.v[cache].parsed.shown, why);
	o->failure = arena_strdup(&p->a, why);
	dir_remove(AT_FDCWD, o->dest, &ignored);
	if (asking_run(&p->s, &o->path, 1, cache + 1, judge_again, p, &next, err) < 0)
		return -1;
	o->stage = next.n.url ? PULL_MISSING : PULL_LOST;
	if (next.n.url)
		o->hit = next;
	return 0;
}

static int download(struct pull *p, struct pull_object **batch, size_t n,
		    struct error *err)
{
	struct download_item *items = arena_array(&p->a, n, struct download_item);
	struct pull_object **of = arena_array(&p->a, n, struct pull_object *);
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		if (batch[i]->stage != PULL_MISSING || batch[i]->link)
			continue;
		items[k] = (struct download_item){.hit = &batch[i]->hit,
						  .dest = batch[i]->dest};
		of[k++] = batch[i];
	}
	if (!k)
		return 0;
	autofree char *what =
		k > 1 ? xasprintf("%zu store paths", k) : xstrdup(path_name(of[0]->path));
	if (download_items(&p->s, items, k, what, err) < 0)
		return -1;
	for (size_t i = 0; i < k; i++) {
		of[i]->stage = PULL_ARRIVED;
		if (items[i].failure && try_next(p, of[i], items[i].failure, err) < 0)
			return -1;
	}
	return 0;
}

static bool refs_done(const struct pull *p, const struct pull_object *o)
{
	const struct path_info *info = &o->hit.n.info;

	for (size_t i = 0; i < info->nrefs; i++) {
		const struct pull_object *ref = pull_object_at(p, info->refs[i]);

		if (ref && ref != o && ref->stage != PULL_DONE)
			return false;
	}
	return true;
}

static int import(struct pull *p, struct pull_object *o, struct error *err)
{
	const struct store_import in = {
		.physical = o->dest,
		.info = &o->hit.n.info,
		.trust = p->c->trust,
		.ntrust = p->c->ntrust,
	};
	autoerror struct error why = {0};
	int rc = o->link ? store_import_link(p->st, in.info, in.trust, in.ntrust, &why)
			 : store_import(p->st, &in, &why);

	if (rc == 0) {
		o->stage = PULL_DONE;
		return 0;
	}
	autofree char *words = error_words(&why);
	if (o->link) {
		o->stage = PULL_LOST;
		o->failure = arena_strdup(&p->a, words);
		return 0;
	}
	return try_next(p, o, words, err);
}

/* Until nothing is left to be asked for. */
static int bring_batch(struct pull *p, struct pull_object **batch, size_t n,
		       struct error *err)
{
	bool again = true;

	while (again) {
		if (download(p, batch, n, err) < 0)
			return -1;
		again = false;
		for (size_t i = 0; i < n; i++) {
			struct pull_object *o = batch[i];
			bool ready = o->stage == PULL_ARRIVED ||
				     (o->link && o->stage == PULL_MISSING);

			if (ready && refs_done(p, o) && import(p, o, err) < 0)
				return -1;
			again |= o->stage == PULL_MISSING && !o->link;
		}
	}
	return 0;
}

static int check_batch(struct pull_object **batch, size_t n, struct error *err)
{
	for (size_t i = 0; i < n; i++) {
		if (batch[i]->stage != PULL_LOST)
			continue;
		error_class(err, ERROR_INFRA, "%s", batch[i]->failure);
		return error_wrap(err, "cannot pull %s", batch[i]->path);
	}
	return 0;
}

/* --- all of it -------------------------------------------------------------------- */

static int bring(struct pull *p, struct error *err)
{
	if (store_make_scratch(p->c->scratch_dir, "pull", &p->scratch, &p->scratch_fd,
			       err) < 0)
		return -1;
	for (size_t i = 0; i < p->n; i++)
		p->v[i]->dest = arena_printf(&p->a, "%s/%zu", p->scratch, i);
	for (size_t i = 0; i < p->n; i += BATCH) {
		struct pull_object **batch = p->v + i;
		size_t n = p->n - i < BATCH ? p->n - i : BATCH;
		int rc = lock_batch(p, batch, n, err);

		if (rc == 0)
			rc = bring_batch(p, batch, n, err);
		unlock(p, batch, n);
		if (rc < 0 || check_batch(batch, n, err) < 0)
			return -1;
	}
	return 0;
}

int caches_pull(const struct caches *c, struct store *st, const char *const *paths,
		size_t n, struct error *err)
{
	struct pull p = {.st = st, .c = c, .scratch_fd = -1};
	autoerror struct error ignored = {0};
	int rc = pull_plan(&p, paths, n, err);

	if (rc == 0 && p.n)
		rc = bring(&p, err);
	asking_end(&p.s);

	if (p.scratch)
		dir_remove(AT_FDCWD, p.scratch, &ignored);
	cleanup_close(&p.scratch_fd);
	free(p.scratch);
	map_finish(&p.seen);
	arena_finish(&p.a);
	return rc;
}
