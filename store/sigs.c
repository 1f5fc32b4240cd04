// SPDX-License-Identifier: MIT
#include "store/sigs.h"

#include "base/alloc.h"
#include "store/internal.h"
#include "store/narinfo.h"

static bool has(const struct path_info *info, const char *sig)
{
	for (size_t i = 0; i < info->nsigs; i++)
		if (strcmp(info->sigs[i], sig) == 0)
			return true;
	return false;
}

/* Inside a transaction: what others sign meanwhile is not lost. */
static int add_sig(struct store *st, const char *path, const struct key_secret *key,
		   struct arena *a, struct error *err)
{
	struct path_info info;
	int found = db_info(st->db, path, a, &info, err);

	if (found <= 0)
		return found < 0 ? -1 : error_make(err, "%s is not valid", path);
	const char *sig = key_sign(key, &info, a);
	if (has(&info, sig))
		return 0;
	const char **sigs = arena_array(a, info.nsigs + 1, const char *);
	for (size_t i = 0; i < info.nsigs; i++)
		sigs[i] = info.sigs[i];
	sigs[info.nsigs] = sig;
	return db_set_sigs(st->db, path, sigs, info.nsigs + 1, err) < 0 ? -1 : 1;
}

int store_sign(struct store *st, const char *path, const struct key_secret *key,
	       struct error *err)
{
	struct arena a = {0};

	if (store_need_write(st, err) < 0 || db_begin(st->db, err) < 0)
		return -1;
	int rc = add_sig(st, path, key, &a, err);
	if (rc < 0 || db_commit(st->db, err) < 0) {
		db_rollback(st->db);
		rc = -1;
	}
	arena_finish(&a);
	return rc;
}

/* 1 if enough have signed it, or nobody has to. */
static int enough(struct store *st, const char *path, const struct key_public *keys,
		  size_t n, size_t need, size_t *have, struct error *err)
{
	struct arena a = {0};
	struct path_info info;
	int rc = store_info(st, path, &a, &info, err);

	if (rc == 1) {
		const char *own = info.ca ? path_info_ca_path(&info, &a) : NULL;

		*have = key_count_signed(&info, keys, n);
		rc = *have >= need || (own && strcmp(own, path) == 0);
	} else if (rc == 0) {
		rc = 1; /* it went meanwhile */
	}
	arena_finish(&a);
	return rc;
}

long store_verify_sigs(struct store *st, const struct key_public *keys, size_t n,
		       size_t need, sigs_report *report, void *ctx, struct error *err)
{
	autoargv struct argv paths = {0};
	long bad = 0;

	if (!st->db)
		return 0;
	if (db_list(st->db, DB_SINCE, "0", &paths, err) < 0)
		return -1;
	for (size_t i = 0; i < paths.n; i++) {
		size_t have = 0;
		int rc = enough(st, paths.v[i], keys, n, need, &have, err);

		if (rc < 0)
			return -1;
		if (rc)
			continue;
		autofree char *what =
			xasprintf("is signed by %zu trusted %s, expected %zu", have,
				  have == 1 ? "key" : "keys", need);
		report(ctx, paths.v[i], what);
		bad++;
	}
	return bad;
}
