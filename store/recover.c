// SPDX-License-Identifier: MIT
#include "store/recover.h"

#include <limits.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/crew.h"
#include "base/dir.h"
#include "store/address.h"
#include "store/drv.h"
#include "store/durable.h"
#include "store/import.h"
#include "store/internal.h"
#include "store/path.h"
#include "store/repair.h"

struct find {
	struct path_info info;
	bool proven, visited, registered;
};

struct search {
	struct store *st;
	struct recovery *r;
	struct argv present; /* every path that has a tree */
	struct find *finds;  /* those without a row */
	size_t n;
	struct map by_path;

	pthread_mutex_t lock; /* of all below */
	struct arena arena;
	uint64_t done;
};

/* --- what a tree proves ------------------------------------------------------------ */

/* What the text of a derivation needs is said in it; what it would make is not needed. */
static bool read_drv_refs(struct search *s, struct path_info *info, struct arena *a)
{
	autobuf struct strbuf text = STRBUF_INIT;
	autoerror struct error ignored = {0};
	autoargv struct argv all = {0};
	struct drv drv;

	if (dir_read(s->st->dirfd, path_base(info->path), &text, &ignored) < 0 ||
	    drv_read((struct str){text.ptr, text.len}, a, &drv, &ignored) < 0)
		return false;
	for (size_t i = 0; i < drv.nsrcs; i++)
		argv_push(&all, drv.srcs[i]);
	for (size_t i = 0; i < drv.ninputs; i++)
		argv_push(&all, drv.inputs[i].path);
	argv_sort(&all);
	argv_unique(&all);
	info->nrefs = all.n;
	info->refs = arena_array(a, all.n, const char *);
	for (size_t i = 0; i < all.n; i++)
		info->refs[i] = arena_strdup(a, all.v[i]);
	return true;
}

static bool proves(struct search *s, const struct address_facts *facts,
		   struct path_info *info, struct arena *a)
{
	autoerror struct error ignored = {0};

	return address_prove(s->st->dirfd, path_base(info->path), facts, info, a,
			     &ignored) == 1;
}

/*
 * Nothing says what was looked for when the tree came in: the references may be all that
 * it mentions, what a derivation names, or none, as of any source.
 */
static bool prove(struct search *s, const struct address_facts *facts,
		  struct path_info *info, struct arena *a)
{
	info->refs = arena_array(a, s->present.n, const char *);
	for (size_t i = 0; i < s->present.n; i++)
		if (refs_found(facts->refs, i))
			info->refs[info->nrefs++] = s->present.v[i];
	if (facts->is_text && str_ends(info->path, ".drv"))
		return read_drv_refs(s, info, a) && proves(s, facts, info, a);
	if (proves(s, facts, info, a))
		return true;
	info->nrefs = 0;
	return proves(s, facts, info, a);
}

static void copy_info(struct path_info *to, const struct path_info *from, struct arena *a)
{
	to->ca = arena_strdup(a, from->ca);
	to->nrefs = from->nrefs;
	to->refs = arena_array(a, from->nrefs, const char *);
	for (size_t i = 0; i < from->nrefs; i++)
		to->refs[i] = arena_strdup(a, from->refs[i]);
}

static void look(void *ctx, size_t i)
{
	struct search *s = ctx;
	struct find *f = &s->finds[i];
	autorefs struct refs *refs =
		refs_new((const char *const *)s->present.v, s->present.n);
	struct address_facts facts = {.refs = refs};
	struct path_info info = {.path = f->info.path};
	autoerror struct error unreadable = {0};
	struct arena a = {0};
	bool proven = address_read(s->st->dirfd, path_base(info.path), &facts,
				   &unreadable) == 0 &&
		      prove(s, &facts, &info, &a);

	pthread_mutex_lock(&s->lock);
	f->proven = proven;
	f->info.nar = facts.nar;
	f->info.nar_size = facts.nar_size;
	if (proven)
		copy_info(&f->info, &info, &s->arena);
	s->done++;
	if (s->r->progress)
		s->r->progress(s->r->ctx, s->done, s->n);
	pthread_mutex_unlock(&s->lock);
	arena_finish(&a);
}

/* --- rows ------------------------------------------------------------------------- */

static int add_row(struct search *s, struct find *f, struct error *err);

/* 1 if all it refers to is valid, by now. */
static int add_refs(struct search *s, const struct find *f, struct error *err)
{
	const struct path_info *info = &f->info;

	for (size_t i = 0; i < info->nrefs; i++) {
		struct find *ref = map_get(&s->by_path, info->refs[i]);

		if (ref == f)
			continue;
		if (ref && add_row(s, ref, err) < 0)
			return -1;
		int valid = db_find(s->st->db, info->refs[i], err);
		if (valid <= 0)
			return valid;
	}
	return 1;
}

/* References first. No tree refers to one that refers to it: hashes see to that. */
static int add_row(struct search *s, struct find *f, struct error *err)
{
	if (f->visited || !f->proven)
		return 0;
	f->visited = true;
	int ready = add_refs(s, f, err);
	if (ready <= 0)
		return ready;
	if (store_register(s->st, &f->info, err) < 0)
		return -1;
	f->registered = true;
	argv_push(&s->r->registered, f->info.path);
	return 0;
}

/* --- realisations ----------------------------------------------------------------- */

/* A link that a build made, if one can believe what lies there: 1, 0, -1. */
static int claims(struct search *s, struct find *f, struct arena *a, struct error *err)
{
	struct path_info *info = &f->info, target;
	autoargv struct argv derivers = {0};
	char to[PATH_MAX];
	ssize_t n = readlinkat(s->st->dirfd, path_base(info->path), to, sizeof(to) - 1);

	if (n < 0)
		return 0;
	to[n] = '\0';
	int valid = path_ok(to) ? db_info(s->st->db, to, a, &target, err) : 0;
	if (valid <= 0 || !target.ca)
		return valid < 0 ? -1 : 0;
	info->refs = arena_array(a, 1, const char *);
	info->refs[0] = target.path;
	info->nrefs = 1;
	info->ultimate = true;
	if (!realisation_target(info))
		return 0;
	if (db_list(s->st->db, DB_MAKERS, info->path, &derivers, err) < 0)
		return -1;
	if (derivers.n)
		info->deriver = arena_strdup(a, derivers.v[0]);
	return derivers.n > 0;
}

static int add_realisation(struct search *s, struct find *f, struct error *err)
{
	int rc = claims(s, f, &s->arena, err);

	if (rc == 1 && store_register(s->st, &f->info, err) < 0)
		return -1;
	if (rc == 1)
		argv_push(&s->r->registered, f->info.path);
	f->registered = rc == 1;
	return rc < 0 ? -1 : 0;
}

/* --- all -------------------------------------------------------------------------- */

static int list_trees(struct search *s, struct error *err)
{
	autoargv struct argv names = {0};

	if (dir_names(s->st->dirfd, &names, err) < 0)
		return -1;
	s->finds = arena_array(&s->arena, names.n, struct find);
	for (size_t i = 0; i < names.n; i++) {
		char *path = arena_printf(&s->arena, STORE_DIR "/%s", names.v[i]);
		int valid = path_ok(path) && !str_ends(path, ".lock")
				    ? db_find(s->st->db, path, err)
				    : 2;

		if (valid < 0)
			return -1;
		if (valid < 2)
			argv_push(&s->present, path);
		if (valid)
			continue;
		s->finds[s->n].info.path = path;
		map_set(&s->by_path, path, &s->finds[s->n++]);
	}
	return 0;
}

/* A crash may have come before the last step, which makes the root read-only. */
static void ignore_end(void *ctx, const char *path, enum repair_end end, const char *how)
{
	(void)ctx;
	(void)path;
	(void)end;
	(void)how;
}

static int make_canonical(struct search *s, struct error *err)
{
	const struct repair repair = {.tell = ignore_end};
	const struct verify_options opt = {
		.paths = (const char *const *)s->r->registered.v,
		.npaths = s->r->registered.n,
	};
	struct verify_report damage;

	if (store_verify(s->st, &opt, &s->arena, &damage, err) < 0)
		return -1;
	return damage.n && store_repair(s->st, &repair, &damage, err) < 0 ? -1 : 0;
}

static int recover(struct search *s, struct error *err)
{
	if (list_trees(s, err) < 0 || durable_before(s->st, err) < 0)
		return -1;
	crew_run(s->n, look, s);
	for (size_t i = 0; i < s->n; i++)
		if (add_row(s, &s->finds[i], err) < 0)
			return -1;
	for (size_t i = 0; s->r->unproven && i < s->n; i++)
		if (!s->finds[i].proven && add_realisation(s, &s->finds[i], err) < 0)
			return -1;
	for (size_t i = 0; i < s->n; i++)
		if (!s->finds[i].registered)
			argv_push(&s->r->left, s->finds[i].info.path);
	argv_sort(&s->r->registered);
	return make_canonical(s, err);
}

int store_recover(struct store *st, struct recovery *r, struct error *err)
{
	struct search s = {.st = st, .r = r, .lock = PTHREAD_MUTEX_INITIALIZER};

	if (store_need_write(st, err) < 0)
		return -1;
	r->broken = st->broken_db;
	int failed = recover(&s, err);
	argv_finish(&s.present);
	map_finish(&s.by_path);
	arena_finish(&s.arena);
	return failed ? error_wrap(err, "cannot recover the store") : 0;
}
