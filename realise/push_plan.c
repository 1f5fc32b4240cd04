// SPDX-License-Identifier: MIT
#include "realise/push_plan.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/map.h"
#include "store/path.h"

enum { ASK_AT_ONCE = 2000 };

/* --- the closure ------------------------------------------------------------------ */

static int load(struct push_plan *plan, const struct push *p, const char *const *paths,
		size_t n, struct arena *a, struct error *err)
{
	autoargv struct argv closure = {0};

	for (size_t i = 0; i < n; i++)
		if (store_temp_root(p->st, paths[i], err) < 0)
			return -1;
	if (store_closure(p->st, paths, n, &closure, err) < 0)
		return -1;
	plan->v = arena_array(a, closure.n, struct push_object);
	plan->n = closure.n;
	for (size_t i = 0; i < closure.n; i++) {
		int found = store_info(p->st, closure.v[i], a, &plan->v[i].n.info, err);

		if (found <= 0)
			return found < 0
				       ? -1
				       : error_make(err, "%s is not valid", closure.v[i]);
	}
	return 0;
}

/* References form no cycle but that of an object to itself. */
static void set_levels(struct push_plan *plan)
{
	struct map by_path = {0};
	bool changed = true;

	for (size_t i = 0; i < plan->n; i++)
		map_set(&by_path, plan->v[i].n.info.path, &plan->v[i]);
	while (changed) {
		changed = false;
		for (size_t i = 0; i < plan->n; i++) {
			struct push_object *o = &plan->v[i];

			for (size_t k = 0; k < o->n.info.nrefs; k++) {
				const struct push_object *ref =
					map_get(&by_path, o->n.info.refs[k]);

				if (ref == o || ref->level < o->level)
					continue;
				o->level = ref->level + 1;
				changed = true;
			}
		}
	}
	map_finish(&by_path);
}

static int by_level(const void *a, const void *b)
{
	const struct push_object *x = a, *y = b;

	if (x->level != y->level)
		return x->level < y->level ? -1 : 1;
	return strcmp(x->n.info.path, y->n.info.path);
}

/* --- what the cache says ---------------------------------------------------------- */

static char *digest_of(struct arena *a, const struct path_info *info)
{
	return arena_strndup(a, path_base(info->path), PATH_DIGEST_LEN);
}

static int check_answered(struct json_object *result, struct error *err)
{
	struct json_object *failed;

	if (!json_object_object_get_ex(result, "failed", &failed))
		return 0;
	json_object_object_foreach(failed, digest, why)
	{
		return error_class(err, ERROR_INFRA, "cannot look for %s: %s", digest,
				   json_object_get_string(why));
	}
	return 0;
}

/* The narinfos it has of v[from..to): digest -> text. */
static int ask(const struct push *p, const struct push_plan *plan, size_t from, size_t to,
	       struct arena *a, struct map *hits, struct error *err)
{
	struct json_object *request = json_object_new_object(), *result = NULL, *found;
	struct json_object *digests = json_add_list(request, "digests");

	json_add(request, "do", "cache-narinfos");
	json_add(request, "cache", p->cache);
	for (size_t i = from; i < to; i++)
		json_push(digests, digest_of(a, &plan->v[i].n.info));
	int rc = fetch_call(p->fetch, request, &result, err);
	json_object_put(request);
	if (rc == 0)
		rc = check_answered(result, err);
	if (rc == 0 && json_object_object_get_ex(result, "hits", &found)) {
		json_object_object_foreach(found, digest, text) map_set(
			hits, digest, arena_strdup(a, json_object_get_string(text)));
	}
	json_object_put(result);
	return rc;
}

/* --- what follows from it --------------------------------------------------------- */

static bool proves_itself(const struct path_info *info, struct arena *a)
{
	const char *path = info->ca ? path_info_ca_path(info, a) : NULL;

	return path && strcmp(path, info->path) == 0;
}

/* Signatures of both, each once. How many of `more` were new. */
static size_t add_sigs(struct path_info *info, const char *const *more, size_t n,
		       struct arena *a)
{
	const char **all = arena_array(a, info->nsigs + n, const char *);
	size_t count = info->nsigs;

	for (size_t i = 0; i < info->nsigs; i++)
		all[i] = info->sigs[i];
	for (size_t i = 0; i < n; i++) {
		size_t k = 0;

		while (k < count && strcmp(all[k], more[i]) != 0)
			k++;
		if (k == count)
			all[count++] = more[i];
	}
	size_t fresh = count - info->nsigs;
	info->sigs = all;
	info->nsigs = count;
	return fresh;
}

static void sign(struct path_info *info, const struct push *p, struct arena *a)
{
	for (size_t i = 0; i < p->nkeys; i++) {
		const char *sig = key_sign(&p->keys[i], info, a);

		add_sigs(info, &sig, 1, a);
	}
}

static bool same_object(const struct path_info *x, const struct path_info *y)
{
	if (x->nar_size != y->nar_size || !sha256_equal(&x->nar, &y->nar) ||
	    x->nrefs != y->nrefs)
		return false;
	for (size_t i = 0; i < x->nrefs; i++)
		if (strcmp(x->refs[i], y->refs[i]) != 0)
			return false;
	return true;
}

/* A narinfo that cannot be read, or is of something else, is as good as none. */
static bool known(const char *text, const struct path_info *info, struct arena *a,
		  struct narinfo *out)
{
	autoerror struct error err = {0};

	return text && narinfo_parse(str_of(text), a, out, &err) == 0 &&
	       strcmp(out->info.path, info->path) == 0;
}

static void decide(struct push_object *o, const struct push *p, const char *text,
		   bool refs_left_out, struct arena *a)
{
	bool content = proves_itself(&o->n.info, a);
	struct narinfo there;

	/* Our key says that we built it: it is no word about what others did. */
	if (!content && o->n.info.ultimate)
		sign(&o->n.info, p, a);
	if (known(text, &o->n.info, a, &there)) {
		bool same = same_object(&o->n.info, &there.info);

		o->fate = same ? PUSH_HAD : content ? PUSH_SEND : PUSH_OTHER;
		if (same && !content &&
		    add_sigs(&there.info, o->n.info.sigs, o->n.info.nsigs, a)) {
			o->n = there;
			o->fate = PUSH_SIGN;
		}
		return;
	}
	o->fate = refs_left_out || (!content && !o->n.info.nsigs) ? PUSH_LEFT_OUT
								  : PUSH_SEND;
}

int push_plan_make(struct push_plan *plan, const struct push *p, const char *const *paths,
		   size_t n, struct arena *a, struct error *err)
{
	struct map hits = {0}, left_out = {0};
	int rc = load(plan, p, paths, n, a, err);

	if (rc == 0) {
		set_levels(plan);
		qsort(plan->v, plan->n, sizeof(*plan->v), by_level);
	}
	for (size_t i = 0; i < plan->n && rc == 0; i += ASK_AT_ONCE)
		rc = ask(p, plan, i,
			 plan->n - i < ASK_AT_ONCE ? plan->n : i + ASK_AT_ONCE, a, &hits,
			 err);
	for (size_t i = 0; i < plan->n && rc == 0; i++) {
		struct push_object *o = &plan->v[i];
		bool refs_left_out = false;

		for (size_t k = 0; k < o->n.info.nrefs; k++)
			refs_left_out |= map_find(&left_out, o->n.info.refs[k]) != NULL;
		decide(o, p, map_get(&hits, digest_of(a, &o->n.info)), refs_left_out, a);
		if (o->fate == PUSH_LEFT_OUT)
			map_set(&left_out, o->n.info.path, o);
		if (o->fate == PUSH_SEND)
			plan->bytes += o->n.info.nar_size;
	}
	map_finish(&hits);
	map_finish(&left_out);
	return rc;
}
