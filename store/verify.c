// SPDX-License-Identifier: MIT
#include "store/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/crew.h"
#include "base/dir.h"
#include "store/internal.h"
#include "store/links.h"
#include "store/narinfo.h"
#include "store/path.h"
#include "store/verify_tree.h"

struct verify {
	struct store *st;
	const struct verify_options *opt;
	struct arena *arena; /* of the findings */
	struct verify_report *out;
	struct verify_tree tree;
	struct map wanted; /* every path with a row that is looked at */

	struct arena infos;
	struct path_info *rows; /* the usable ones */
	size_t nrows, rows_cap;

	pthread_mutex_t lock; /* of all below, of `out` and of the database */
	uint64_t done, total;
	struct error *err;
	bool failed;
};

static int by_path(const struct verify_finding *x, const struct verify_finding *y)
{
	int order = strcmp(x->path, y->path);

	return order ? order : (int)x->kind - (int)y->kind;
}

void verify_add(struct verify_report *report, struct arena *a, enum verify_kind kind,
		const char *path, const char *what)
{
	const struct verify_finding f = {kind, arena_strdup(a, path),
					 arena_strdup(a, what)};
	size_t i = report->n;

	ARENA_PUSH(a, report->v, report->n, report->cap) = f;
	/* There are few. */
	for (; i && by_path(&report->v[i - 1], &f) > 0; i--)
		report->v[i] = report->v[i - 1];
	report->v[i] = f;
}

static void found(struct verify *v, enum verify_kind kind, const char *path,
		  const char *what)
{
	verify_add(v->out, v->arena, kind, path, what);
}

/* --- rows ------------------------------------------------------------------------- */

static int check_row(struct verify *v, const char *path, struct error *err)
{
	autoerror struct error why = {0};
	struct path_info info;

	map_set(&v->wanted, path, v);
	if (!path_ok(path)) {
		found(v, VERIFY_ROW, path, "is no store path");
		return 0;
	}
	int known = db_info(v->st->db, path, &v->infos, &info, &why);
	if (known < 0) {
		/* If the row is there all the same, it is the row that is broken. */
		if (db_find(v->st->db, path, err) < 0)
			return -1;
		found(v, VERIFY_ROW, path, why.msg);
	}
	if (known != 1)
		return 0;
	const char *want = info.ca ? path_info_ca_path(&info, &v->infos) : path;
	if (want && strcmp(want, path) != 0) {
		found(v, VERIFY_ADDRESS, path,
		      "its content address belongs to another path");
		info.ca = NULL; /* no need to say it twice */
	}
	ARENA_PUSH(&v->infos, v->rows, v->nrows, v->rows_cap) = info;
	v->total += v->opt->contents ? info.nar_size : 1;
	return 0;
}

static int check_references(struct verify *v, enum db_list what, const char *words,
			    struct error *err)
{
	autoargv struct argv paths = {0};

	if (db_list(v->st->db, what, NULL, &paths, err) < 0)
		return -1;
	for (size_t i = 0; i < paths.n; i++)
		if (map_get(&v->wanted, paths.v[i]))
			found(v, VERIFY_REFERENCE, paths.v[i], words);
	return 0;
}

static int check_rows(struct verify *v, struct error *err)
{
	autoargv struct argv all = {0};

	for (size_t i = 0; i < v->opt->npaths; i++)
		argv_push(&all, v->opt->paths[i]);
	if (!v->opt->paths && db_list(v->st->db, DB_SINCE, "0", &all, err) < 0)
		return -1;
	for (size_t i = 0; i < all.n; i++)
		if (check_row(v, all.v[i], err) < 0)
			return -1;
	if (check_references(v, DB_DANGLING, "refers to something that has no row", err) <
	    0)
		return -1;
	return check_references(v, DB_ORPHANED, "something that has no row refers to it",
				err);
}

/* --- trees ------------------------------------------------------------------------ */

static void advance(struct verify *v, uint64_t n)
{
	v->done += n;
	if (v->opt->progress)
		v->opt->progress(v->opt->ctx, v->done, v->total);
}

static void read_more(void *ctx, uint64_t n)
{
	struct verify *v = ctx;

	pthread_mutex_lock(&v->lock);
	advance(v, n);
	pthread_mutex_unlock(&v->lock);
}

static void check_tree(void *ctx, size_t i)
{
	struct verify *v = ctx;
	const struct path_info *info = &v->rows[i];
	enum verify_kind kind;
	autofree char *what = verify_tree(&v->tree, info, &kind);

	pthread_mutex_lock(&v->lock);
	if (!v->opt->contents)
		advance(v, 1);
	if (what && !v->failed) {
		/* Deleted by a collector since we read the row? */
		int valid = db_find(v->st->db, info->path, v->err);

		v->failed = valid < 0;
		if (valid == 1)
			found(v, kind, info->path, what);
	}
	pthread_mutex_unlock(&v->lock);
}

/* --- what has no row -------------------------------------------------------------- */

static int check_names(struct verify *v, struct error *err)
{
	autoargv struct argv names = {0};

	if (dir_names(v->st->dirfd, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		autofree char *path = xasprintf(STORE_DIR "/%s", names.v[i]);

		if (strcmp(names.v[i], ".links") == 0 || str_ends(path, ".lock") ||
		    map_get(&v->wanted, path))
			continue;
		/* It may have become valid since. */
		int valid = db_find(v->st->db, path, err);
		if (valid < 0)
			return -1;
		if (!valid)
			found(v, VERIFY_GARBAGE, path, "is garbage: it has no row");
	}
	return 0;
}

/* A corrupt shared file would come into the next object that is optimised. */
static int check_shared(struct verify *v, struct error *err)
{
	autoargv struct argv bad = {0};

	if (links_check(v->st, NULL, &bad, err) < 0)
		return -1;
	for (size_t i = 0; i < bad.n; i++) {
		autofree char *path = xasprintf(STORE_DIR "/.links/%s", bad.v[i]);

		found(v, VERIFY_SHARED, path, "is not what its name says");
	}
	return 0;
}

/* --- all -------------------------------------------------------------------------- */

static int verify(struct verify *v, struct error *err)
{
	struct stat s;

	if (fstat(v->st->dirfd, &s) < 0)
		return error_errno(err, "cannot examine %s", v->st->dir);
	v->tree.owner = s.st_uid;
	if (!v->opt->paths && db_check(v->st->db, v->opt->contents, err) < 0)
		return -1;
	if (check_rows(v, err) < 0)
		return -1;
	crew_run(v->nrows, check_tree, v);
	if (v->failed)
		return -1;
	if (v->opt->paths)
		return 0;
	if (v->opt->contents && check_shared(v, err) < 0)
		return -1;
	return check_names(v, err);
}

int store_verify(struct store *st, const struct verify_options *opt, struct arena *a,
		 struct verify_report *out, struct error *err)
{
	struct verify v = {
		.st = st,
		.opt = opt,
		.arena = a,
		.out = out,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.err = err,
	};

	*out = (struct verify_report){0};
	if (!st->db)
		return 0;
	v.tree = (struct verify_tree){
		.st = st,
		.contents = opt->contents,
		.read = opt->contents && opt->progress ? read_more : NULL,
		.ctx = &v,
	};
	int rc = verify(&v, err);
	map_finish(&v.wanted);
	arena_finish(&v.infos);
	return rc;
}

const char *verify_kind_name(enum verify_kind kind)
{
	static const char *const names[] = {
		[VERIFY_ROW] = "row",
		[VERIFY_ADDRESS] = "address",
		[VERIFY_REFERENCE] = "reference",
		[VERIFY_GONE] = "gone",
		[VERIFY_CONTENTS] = "contents",
		[VERIFY_SIZE] = "size",
		[VERIFY_LINK] = "link",
		[VERIFY_METADATA] = "metadata",
		[VERIFY_SIGNATURE] = "signature",
		[VERIFY_SHARED] = "shared",
		[VERIFY_GARBAGE] = "garbage",
	};

	return names[kind];
}

size_t verify_damaged(const struct verify_report *report)
{
	const char *last = "";
	size_t n = 0;

	for (size_t i = 0; i < report->n; i++) {
		const struct verify_finding *f = &report->v[i];

		if (f->kind == VERIFY_GARBAGE || strcmp(f->path, last) == 0)
			continue;
		last = f->path;
		n++;
	}
	return n;
}
