// SPDX-License-Identifier: MIT
/* What has to be pulled for a closure to be complete, and in which order. */
#include <inttypes.h>
#include <string.h>
#include <sys/statvfs.h>

#include "realise/pull.h"
#include "store/import.h"

/* How much others may make us ask: an honest closure has some thousands, in a dozen
 * levels. */
enum { OBJECTS_MAX = 100000, LEVELS_MAX = 2000 };

int pull_is_here(struct pull *p, const char *path, struct error *err)
{
	struct path_info info;
	int found = store_info(p->st, path, &p->a, &info, err);

	if (found <= 0 || !realisation_target(&info))
		return found;
	return realisation_trusted(&info, p->c->trust, p->c->ntrust);
}

/* Kept alive first, then looked at: nothing can collect it in between. */
static int consider(struct pull *p, const char *path, const char *user, struct error *err)
{
	if (map_find(&p->seen, path))
		return 0;
	if (p->n >= OBJECTS_MAX)
		return error_class(err, ERROR_INFRA, "more than %d paths are needed",
				   OBJECTS_MAX);
	if (store_temp_root(p->st, path, err) < 0)
		return -1;
	int here = pull_is_here(p, path, err);
	if (here) {
		map_set(&p->seen, path, p);
		return here < 0 ? -1 : 0;
	}
	struct pull_object *o = arena_new(&p->a, struct pull_object);
	o->path = arena_strdup(&p->a, path);
	o->user = user;
	o->lock = -1;
	map_set(&p->seen, path, o);
	ARENA_PUSH(&p->a, p->v, p->n, p->cap) = o;
	return 0;
}

static int nobody_has(const struct pull_object *o, struct error *err)
{
	const char *needed = o->user ? ", needed by " : "",
		   *user = o->user ? o->user : "";

	if (!o->hit.why)
		return error_class(err, ERROR_INFRA, "no cache has %s%s%s", o->path,
				   needed, user);
	error_class(err, ERROR_INFRA, "%s", o->hit.why);
	return error_wrap(err, "no cache has %s%s%s", o->path, needed, user);
}

/* Asks about the objects from `first` on. */
static int ask_level(struct pull *p, size_t first, struct error *err)
{
	size_t n = p->n - first;
	const char **paths = arena_array(&p->a, n, const char *);
	struct cache_hit *hits = arena_array(&p->a, n, struct cache_hit);

	for (size_t i = 0; i < n; i++)
		paths[i] = p->v[first + i]->path;
	if (asking_run(&p->s, paths, n, 0, asking_believe, &p->s, hits, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct pull_object *o = p->v[first + i];

		o->hit = hits[i];
		if (!o->hit.n.url)
			return nobody_has(o, err);
		o->link = realisation_target(&o->hit.n.info);
	}
	return 0;
}

static int consider_refs(struct pull *p, const struct pull_object *o, struct error *err)
{
	const struct path_info *info = &o->hit.n.info;

	for (size_t r = 0; r < info->nrefs; r++)
		if (consider(p, info->refs[r], o->path, err) < 0)
			return -1;
	return 0;
}

/* Level by level: what a level refers to is the next one. */
static int collect(struct pull *p, struct error *err)
{
	unsigned levels = 0;

	for (size_t first = 0, end; first < p->n; first = end) {
		end = p->n;
		if (++levels > LEVELS_MAX)
			return error_class(err, ERROR_INFRA,
					   "references go on for more than %d levels",
					   LEVELS_MAX);
		if (ask_level(p, first, err) < 0)
			return -1;
		for (size_t i = first; i < end; i++)
			if (consider_refs(p, p->v[i], err) < 0)
				return -1;
	}
	return 0;
}

struct pull_object *pull_object_at(const struct pull *p, const char *path)
{
	void *v = map_get(&p->seen, path);

	return v == p ? NULL : v;
}

/* References first. Without recursion: how deep a closure is, is said by others. */
static int sort_objects(struct pull *p, struct error *err)
{
	struct pull_object **sorted = arena_array(&p->a, p->n, struct pull_object *);
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++) {
		struct pull_object *o = p->v[i];
		const struct path_info *info = &o->hit.n.info;

		for (size_t r = 0; r < info->nrefs; r++) {
			struct pull_object *ref = pull_object_at(p, info->refs[r]);

			if (!ref || ref == o)
				continue;
			ARENA_PUSH(&p->a, ref->users, ref->nusers, ref->cap_users) = i;
			o->waits++;
		}
	}
	for (size_t i = 0; i < p->n; i++)
		if (!p->v[i]->waits)
			sorted[n++] = p->v[i];
	for (size_t i = 0; i < n; i++)
		for (size_t u = 0; u < sorted[i]->nusers; u++)
			if (--p->v[sorted[i]->users[u]]->waits == 0)
				sorted[n++] = p->v[sorted[i]->users[u]];
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i]->waits)
			return error_class(err, ERROR_INFRA,
					   "%s refers to itself in a circle",
					   p->v[i]->path);
	p->v = sorted;
	return 0;
}

static int check_space(struct pull *p, struct error *err)
{
	struct statvfs fs;
	uint64_t need = 0;

	for (size_t i = 0; i < p->n; i++) {
		uint64_t size = p->v[i]->hit.n.info.nar_size;

		need = size > UINT64_MAX - need ? UINT64_MAX : need + size;
	}
	if (statvfs(p->c->scratch_dir, &fs) < 0)
		return error_errno(err, "cannot examine %s", p->c->scratch_dir);
	if (need / fs.f_frsize <= fs.f_bavail)
		return 0;
	return error_class(err, ERROR_INFRA, "%" PRIu64 " MiB do not fit into %s",
			   need >> 20, p->c->scratch_dir);
}

int pull_plan(struct pull *p, const char *const *paths, size_t n, struct error *err)
{
	for (size_t i = 0; i < n; i++)
		if (consider(p, paths[i], NULL, err) < 0)
			return -1;
	if (!p->n)
		return 0;
	if (asking_begin(&p->s, p->c, &p->a, err) < 0 || collect(p, err) < 0 ||
	    sort_objects(p, err) < 0)
		return -1;
	return check_space(p, err);
}
