// SPDX-License-Identifier: MIT
#include "store/repair.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "store/ingest.h"
#include "store/internal.h"
#include "store/mend.h"
#include "store/path.h"

struct patient {
	const char *path;
	bool done;
	bool waits;        /* not tried yet, or a source waits for something else */
	struct strbuf why; /* what was tried in vain */
	char *needed_by;
};

struct ward {
	struct store *st;
	const struct repair *r;
	struct patient *v;
	size_t n;
	struct map sick; /* path -> patient, those that are not done */
	struct argv valid;
	struct inodes replaced;
	long failed;
};

static void end(struct ward *w, struct patient *p, enum repair_end how, const char *words)
{
	p->done = true;
	map_set(&w->sick, p->path, NULL);
	w->failed += how != REPAIR_MENDED;
	w->r->tell(w->r->ctx, p->path, how, words);
}

static const char *reasons(const struct patient *p)
{
	return p->why.len ? p->why.ptr : "nobody has it";
}

static void add_reason(struct patient *p, const struct error *err)
{
	for (const struct error *e = err; e && e->msg; e = e->cause)
		strbuf_printf(&p->why, "%s%s",
			      e != err     ? ": "
			      : p->why.len ? "; "
					   : "",
			      e->msg);
}

/* --- one object ------------------------------------------------------------------- */

static int is_whole(struct ward *w, const char *path, struct error *err)
{
	const struct verify_options opt = {.contents = true, .paths = &path, .npaths = 1};
	struct verify_report left;
	struct arena a = {0};
	int rc = store_verify(w->st, &opt, &a, &left, err);

	arena_finish(&a);
	return rc < 0 ? -1 : left.n == 0;
}

/* Is the derivation there, and all that it needs? */
static int can_build(struct ward *w, const struct path_info *info, struct patient *p,
		     struct error *err)
{
	autoargv struct argv needs = {0};
	int valid = info->deriver ? store_find(w->st, info->deriver, err) : 0;

	if (valid <= 0)
		return valid;
	if (store_closure(w->st, &info->deriver, 1, &needs, err) < 0)
		return -1;
	for (size_t i = 0; i < needs.n; i++)
		if (map_get(&w->sick, needs.v[i]))
			p->waits = true;
	return !p->waits;
}

static int ask(struct ward *w, struct patient *p, const struct repair_source *source,
	       const struct mend *m, struct error *err)
{
	autoerror struct error unusable = {0};
	struct path_info info;
	struct arena a = {0};
	int rc = 1;

	if (source->builds) {
		rc = db_info(w->st->db, p->path, &a, &info, &unusable);
		rc = rc == 1 ? can_build(w, &info, p, err) : 0;
	}
	if (rc == 1)
		rc = mend_contents(m, source, err);
	arena_finish(&a);
	return rc;
}

static const struct {
	int (*run)(const struct mend *m, struct error *err);
	const char *how;
} ways[] = {
	{mend_row, "its row was written anew"},
	{mend_metadata, "made canonical again"},
	{mend_link, "made of its row again"},
};

/* First what is there, then the sources. 1 mended, 0 not, -1 nothing makes sense now. */
static int mend(struct ward *w, struct patient *p, struct error *err)
{
	const struct mend m = {w->st, p->path, &w->valid, &w->replaced};
	const char *how = "whole by now";
	int whole = is_whole(w, p->path, err);

	p->waits = false;
	for (size_t i = 0; whole == 0 && i < ARRAY_LEN(ways) + w->r->nsources; i++) {
		const struct repair_source *s =
			i < ARRAY_LEN(ways) ? NULL : &w->r->sources[i - ARRAY_LEN(ways)];
		autoerror struct error vain = {0};

		how = s ? s->how : ways[i].how;
		int changed = s ? ask(w, p, s, &m, &vain) : ways[i].run(&m, &vain);
		if (changed < 0 && vain.class == ERROR_INTERRUPTED)
			return error_join(err, &vain);
		if (changed < 0)
			add_reason(p, &vain);
		if (changed > 0)
			whole = is_whole(w, p->path, err);
	}
	if (whole == 1)
		end(w, p, REPAIR_MENDED, how);
	return whole;
}

static int mend_locked(struct ward *w, struct patient *p, struct error *err)
{
	int lock;

	if (!p->waits || !path_ok(p->path))
		return 0;
	if (store_temp_root(w->st, p->path, err) < 0 ||
	    store_lock(w->st, p->path, true, &lock, err) < 0)
		return -1;
	int rc = mend(w, p, err);
	store_unlock(w->st, p->path, lock);
	return rc;
}

/* --- forgetting ------------------------------------------------------------------- */

/*
 * Derivations and realisations are claims about other objects; a build or a realisation
 * makes them again when they are needed.
 */
static bool is_claim(struct ward *w, const char *path)
{
	autoerror struct error unusable = {0};
	struct path_info info;
	struct arena a = {0};
	struct stat st;
	int rc = db_info(w->st->db, path, &a, &info, &unusable);

	if (rc == 1 && info.ca)
		rc = str_starts(info.ca, "text:") && str_ends(path, ".drv");
	else if (rc == 1)
		rc = info.nrefs == 1 && (fstatat(w->st->dirfd, path_base(path), &st,
						 AT_SYMLINK_NOFOLLOW) < 0 ||
					 S_ISLNK(st.st_mode));
	arena_finish(&a);
	return rc == 1;
}

/* Appends what must go before path, and path. 1, 0 and what needs it, -1. */
static int list_claims(struct ward *w, const char *path, struct argv *out,
		       const char **needed_by, struct arena *a, struct error *err)
{
	autoargv struct argv referrers = {0};

	if (db_list(w->st->db, DB_REFERRERS, path, &referrers, err) < 0)
		return -1;
	for (size_t i = 0; i < referrers.n; i++) {
		const char *r = referrers.v[i];

		if (strcmp(r, path) == 0)
			continue;
		if (!is_claim(w, r)) {
			*needed_by = arena_strdup(a, r);
			return 0;
		}
		int rc = list_claims(w, r, out, needed_by, a, err);
		if (rc <= 0)
			return rc;
	}
	argv_push(out, path);
	return 1;
}

/* Inside the transaction. */
static int forget(struct ward *w, struct patient *p, const char **needed_by,
		  struct arena *a, struct error *err)
{
	autoargv struct argv all = {0};
	int rc = list_claims(w, p->path, &all, needed_by, a, err);

	for (size_t i = 0; rc == 1 && i < all.n; i++)
		if (db_remove(w->st->db, all.v[i], err) < 0)
			rc = -1;
	return rc;
}

static int forget_one(struct ward *w, struct patient *p, struct error *err)
{
	const char *needed_by = NULL;
	struct arena a = {0};

	if (db_begin(w->st->db, err) < 0)
		return -1;
	int rc = forget(w, p, &needed_by, &a, err);
	if (rc == 1 && db_commit(w->st->db, err) < 0)
		rc = -1;
	if (rc != 1)
		db_rollback(w->st->db);
	free(take_ptr(&p->needed_by));
	if (rc == 0)
		p->needed_by = xasprintf("%s needs it", needed_by);
	if (rc == 1)
		end(w, p, REPAIR_FORGOTTEN, reasons(p));
	arena_finish(&a);
	return rc;
}

/* --- all -------------------------------------------------------------------------- */

typedef int treatment(struct ward *w, struct patient *p, struct error *err);

/* As long as it helps: a build waits for its inputs, a row for those that refer to it. */
static int treat_all(struct ward *w, treatment *treat, struct error *err)
{
	for (bool helped = true; helped;) {
		helped = false;
		for (size_t i = 0; i < w->n; i++) {
			int rc = w->v[i].done ? 0 : treat(w, &w->v[i], err);

			if (rc < 0)
				return -1;
			helped |= rc == 1;
		}
	}
	return 0;
}

static int drop_shared(struct ward *w, const struct verify_finding *f, struct error *err)
{
	if (unlinkat(w->st->dirfd, path_base(f->path), 0) < 0 && errno != ENOENT)
		return error_errno(err, "cannot remove %s", f->path);
	w->r->tell(w->r->ctx, f->path, REPAIR_MENDED, "dropped, nobody shared it");
	return 0;
}

static int admit(struct ward *w, const struct verify_report *damage, struct error *err)
{
	autoargv struct argv all = {0};

	if (db_remove_orphans(w->st->db, err) < 0)
		return -1;
	w->v = xcalloc(damage->n, sizeof(*w->v));
	for (size_t i = 0; i < damage->n; i++) {
		const struct verify_finding *f = &damage->v[i];

		if (f->kind == VERIFY_SHARED && drop_shared(w, f, err) < 0)
			return -1;
		if (f->kind == VERIFY_SHARED || f->kind == VERIFY_GARBAGE ||
		    f->kind == VERIFY_SIGNATURE || map_get(&w->sick, f->path))
			continue;
		w->v[w->n] = (struct patient){.path = f->path, .waits = true};
		map_set(&w->sick, f->path, &w->v[w->n++]);
	}
	if (db_list(w->st->db, DB_SINCE, "0", &all, err) < 0)
		return -1;
	for (size_t i = 0; i < all.n; i++)
		if (path_ok(all.v[i]))
			argv_push(&w->valid, all.v[i]);
	return 0;
}

/* What a damaged tree shared is no longer to be had for others. */
static int drop_replaced(struct ward *w, struct error *err)
{
	autoargv struct argv bad = {0};

	if (!w->replaced.n || links_check(w->st, &w->replaced, &bad, err) < 0)
		return w->replaced.n ? -1 : 0;
	for (size_t i = 0; i < bad.n; i++) {
		autofree char *name = xasprintf(".links/%s", bad.v[i]);

		if (unlinkat(w->st->dirfd, name, 0) < 0 && errno != ENOENT)
			return error_errno(err, "cannot remove %s", name);
	}
	return 0;
}

static int repair(struct ward *w, const struct verify_report *damage, struct error *err)
{
	if (admit(w, damage, err) < 0 || treat_all(w, mend_locked, err) < 0 ||
	    drop_replaced(w, err) < 0 || treat_all(w, forget_one, err) < 0)
		return -1;
	for (size_t i = 0; i < w->n; i++) {
		struct patient *p = &w->v[i];

		if (p->done)
			continue;
		strbuf_printf(&p->why, "%s%s", p->why.len ? "; " : "", p->needed_by);
		end(w, p, REPAIR_FAILED, reasons(p));
	}
	/* The rows are old: the next start after a power cut would not look at them. */
	return syncfs(w->st->dirfd) < 0 ? error_errno(err, "cannot sync the store") : 0;
}

long store_repair(struct store *st, const struct repair *r,
		  const struct verify_report *damage, struct error *err)
{
	struct ward w = {.st = st, .r = r};

	if (store_need_write(st, err) < 0)
		return -1;
	int rc = repair(&w, damage, err);
	for (size_t i = 0; i < w.n; i++) {
		strbuf_finish(&w.v[i].why);
		free(w.v[i].needed_by);
	}
	free(w.v);
	map_finish(&w.sick);
	argv_finish(&w.valid);
	inodes_finish(&w.replaced);
	return rc < 0 ? error_wrap(err, "cannot repair the store") : w.failed;
}
