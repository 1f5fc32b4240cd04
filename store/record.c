// SPDX-License-Identifier: MIT
/* Realisations: what the outputs of a resolved derivation turned out to be. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <time.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "base/log.h"
#include "store/digest.h"
#include "store/import.h"
#include "store/internal.h"
#include "store/path.h"

/* 1 if the object at `key` is a link to `path`. */
static int links_to(struct store *st, const char *key, const char *path)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(st->dirfd, path_base(key), target, sizeof(target) - 1);

	if (n < 0)
		return 0;
	target[n] = '\0';
	return strcmp(target, path) == 0;
}

/* --- claims ----------------------------------------------------------------------- */

static int hash_link(const char *target, struct sha256 *nar, uint64_t *size)
{
	autodigest struct digest *d = digest_new(NULL);
	autoerror struct error ignored = {0};
	int failed = nar_dump_link(target, digest_sink(d), &ignored);

	*nar = digest_end(d, size);
	return failed;
}

const char *realisation_target(const struct path_info *info)
{
	struct sha256 nar;
	uint64_t size;

	if (info->nrefs != 1 || info->ca || strcmp(info->refs[0], info->path) == 0 ||
	    strcmp(path_name(info->refs[0]), path_name(info->path)) != 0)
		return NULL;
	if (hash_link(info->refs[0], &nar, &size) < 0 || size != info->nar_size ||
	    !sha256_equal(&nar, &info->nar))
		return NULL;
	return info->refs[0];
}

bool realisation_trusted(const struct path_info *info, const struct key_public *keys,
			 size_t n)
{
	return info->ultimate || key_count_signed(info, keys, n) > 0;
}

/* 1 if the path is valid and has a content address. */
static int is_addressed(struct store *st, const char *path, struct arena *a,
			struct error *err)
{
	struct path_info info;
	int found = store_info(st, path, a, &info, err);

	return found == 1 ? info.ca != NULL : found;
}

int store_realisation(struct store *st, const char *key, struct arena *a,
		      struct path_info *info, const char **path, struct error *err)
{
	int found = store_info(st, key, a, info, err);

	if (found <= 0)
		return found;
	/*
	 * A valid row's references are valid: the database sees to it. The link tells our
	 * record from an output that plain Nix built in place and that refers to one
	 * path.
	 */
	if (info->nrefs != 1 || !links_to(st, key, info->refs[0]))
		return 0;
	*path = info->refs[0];
	if (info->ultimate)
		return 1;
	/* Whoever signed it may have meant anything: only our kind of record counts. */
	return realisation_target(info) ? is_addressed(st, *path, a, err) : 0;
}

/* --- writing ---------------------------------------------------------------------- */

struct record {
	struct store *st;
	int dir; /* a private directory */
	const struct key_public *trust;
	size_t ntrust;
	struct arena *a;
};

/*
 * The link, made beside and moved to its place in one step: whoever looks sees the old
 * one or the new one.
 */
static int put_link(const struct record *rec, const struct path_info *info, bool replace,
		    struct error *err)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1}};
	const char *base = path_base(info->path);

	if (symlinkat(info->refs[0], rec->dir, base) < 0 ||
	    utimensat(rec->dir, base, times, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, "cannot make a link to %s", info->refs[0]);
	if (!replace)
		return store_move_in(rec->st, rec->dir, base, info->path, err);
	if (renameat(rec->dir, base, rec->st->dirfd, base) < 0)
		return error_errno(err, "cannot replace %s", info->path);
	return 0;
}

/* The same claim: who vouches for it now does so beside the others. */
static int add_support(const struct record *rec, const struct path_info *info,
		       const struct path_info *old, struct error *err)
{
	const char **sigs = arena_array(rec->a, old->nsigs + info->nsigs, const char *);
	size_t n = 0;

	for (; n < old->nsigs; n++)
		sigs[n] = old->sigs[n];
	for (size_t i = 0; i < info->nsigs; i++) {
		bool had = false;

		for (size_t k = 0; k < n && !had; k++)
			had = strcmp(sigs[k], info->sigs[i]) == 0;
		if (!had)
			sigs[n++] = info->sigs[i];
	}
	if (!links_to(rec->st, info->path, info->refs[0]) &&
	    put_link(rec, info, true, err) < 0)
		return -1;
	if (n > old->nsigs && db_set_sigs(rec->st->db, info->path, sigs, n, err) < 0)
		return -1;
	if (!info->ultimate || old->ultimate)
		return 0;
	return db_set_ultimate(rec->st->db, info->path, err);
}

/* 1 if another object refers to the path, which therefore cannot go. */
static int is_used(const struct record *rec, const char *path, struct error *err)
{
	autoargv struct argv users = {0};

	if (db_list(rec->st->db, DB_REFERRERS, path, &users, err) < 0)
		return -1;
	if (!users.n)
		return 0;
	log_say(LOG_WARN, "%s is not trusted, but stays: %s refers to it", path,
		users.v[0]);
	return 1;
}

/* One claim that is believed, inside the transaction. */
static int record(const struct record *rec, struct path_info *info, struct error *err)
{
	struct path_info old;
	int valid = db_info(rec->st->db, info->path, rec->a, &old, err);

	if (valid < 0)
		return -1;
	info->registered = time(NULL);
	if (!valid)
		return put_link(rec, info, false, err) < 0
			       ? -1
			       : db_add(rec->st->db, info, err);
	if (old.nrefs == 1 && sha256_equal(&old.nar, &info->nar) &&
	    strcmp(old.refs[0], info->refs[0]) == 0)
		return add_support(rec, info, &old, err);
	if (!realisation_target(&old) ||
	    realisation_trusted(&old, rec->trust, rec->ntrust))
		return 0;
	int used = is_used(rec, info->path, err);
	if (used)
		return used < 0 ? -1 : 0;
	if (db_remove(rec->st->db, info->path, err) < 0 ||
	    put_link(rec, info, true, err) < 0)
		return -1;
	return db_add(rec->st->db, info, err);
}

static int record_all(const struct record *rec, struct path_info *infos, size_t n,
		      struct error *err)
{
	if (db_begin(rec->st->db, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (record(rec, &infos[i], err) < 0) {
			db_rollback(rec->st->db);
			return -1;
		}
	}
	if (db_commit(rec->st->db, err) == 0)
		return 0;
	db_rollback(rec->st->db);
	return -1;
}

static int record_in_scratch(struct record *rec, struct path_info *infos, size_t n,
			     struct error *err)
{
	struct store *st = rec->st;
	autofree char *scratch = NULL;
	autoclose int dir = -1;

	if (store_need_write(st, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (store_temp_root(st, infos[i].path, err) < 0)
			return -1;
	int failed = store_scratch_begin(st, &scratch, &dir, err);
	rec->dir = dir;
	if (!failed)
		failed = record_all(rec, infos, n, err);
	store_scratch_end(st, scratch);
	return failed;
}

int store_record(struct store *st, const struct realisation *r, size_t n, const char *drv,
		 const struct key_public *trust, size_t ntrust, struct error *err)
{
	struct arena a = {0};
	struct record rec = {.st = st, .trust = trust, .ntrust = ntrust, .a = &a};
	struct path_info *infos = arena_array(&a, n, struct path_info);
	int failed = 0;

	for (size_t i = 0; i < n && !failed; i++) {
		infos[i] = (struct path_info){
			.path = r[i].key,
			.deriver = drv,
			.refs = arena_new(&a, const char *),
			.nrefs = 1,
			.ultimate = true,
		};
		infos[i].refs[0] = r[i].path;
		failed = hash_link(r[i].path, &infos[i].nar, &infos[i].nar_size);
	}
	if (!failed)
		failed = record_in_scratch(&rec, infos, n, err);
	arena_finish(&a);
	return failed ? error_wrap(err, "cannot record the outputs of %s", drv) : 0;
}

/* --- claims of others ------------------------------------------------------------- */

static int import_link(struct record *rec, struct path_info *info, struct error *err)
{
	const char *target = realisation_target(info);

	if (!target)
		return error_class(err, ERROR_INFRA,
				   "it is no link to what it refers to");
	if (!key_count_signed(info, rec->trust, rec->ntrust))
		return error_class(err, ERROR_INFRA, "%s is not signed by a trusted key",
				   info->path);
	int addressed = is_addressed(rec->st, target, rec->a, err);
	if (addressed < 0)
		return -1;
	if (!addressed)
		return error_class(err, ERROR_INFRA,
				   "it leads to %s, which is not content-addressed",
				   target);
	return record_in_scratch(rec, info, 1, err);
}

int store_import_link(struct store *st, const struct path_info *info,
		      const struct key_public *trust, size_t ntrust, struct error *err)
{
	struct arena a = {0};
	struct record rec = {.st = st, .trust = trust, .ntrust = ntrust, .a = &a};
	struct path_info claim = *info;

	claim.ultimate = false;
	int failed = import_link(&rec, &claim, err);
	arena_finish(&a);
	return failed ? error_wrap(err, "cannot import %s", info->path) : 0;
}
