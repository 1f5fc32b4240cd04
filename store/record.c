// SPDX-License-Identifier: MIT
/* Realisations: what the outputs of a resolved derivation turned out to be. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <time.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "store/digest.h"
#include "store/durable.h"
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
	return 1;
}

static int make_link(int dir, const char *name, const char *target,
		     struct path_info *info, struct error *err)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1}};
	const struct nar_dump dump = {.dir = dir, .path = name};
	autodigest struct digest *d = digest_new(NULL);

	if (symlinkat(target, dir, name) < 0 ||
	    utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, "cannot make a link to %s", target);
	if (nar_dump(&dump, digest_sink(d), err) < 0)
		return -1;
	info->nar = digest_end(d, &info->nar_size);
	return 0;
}

/* One record, inside the transaction. A key that is known already keeps its value. */
static int record(struct store *st, const struct realisation *r, const char *drv, int dir,
		  struct error *err)
{
	const char *refs[] = {r->path};
	struct path_info info = {
		.path = r->key,
		.deriver = drv,
		.refs = refs,
		.nrefs = 1,
		.registered = time(NULL),
		.ultimate = true,
	};
	int valid = db_find(st->db, r->key, err);

	if (valid)
		return valid < 0 ? -1 : 0;
	if (make_link(dir, path_base(r->key), r->path, &info, err) < 0 ||
	    store_move_in(st, dir, path_base(r->key), r->key, err) < 0)
		return -1;
	return db_add(st->db, &info, err);
}

static int record_all(struct store *st, const struct realisation *r, size_t n,
		      const char *drv, int dir, struct error *err)
{
	if (db_begin(st->db, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (record(st, &r[i], drv, dir, err) < 0) {
			db_rollback(st->db);
			return -1;
		}
	}
	if (db_commit(st->db, err) == 0)
		return 0;
	db_rollback(st->db);
	return -1;
}

int store_record(struct store *st, const struct realisation *r, size_t n, const char *drv,
		 struct error *err)
{
	autofree char *scratch = NULL;
	autofree char *prefix = xasprintf("record-%d-", getpid());
	autoerror struct error ignored = {0};

	if (store_need_write(st, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (store_temp_root(st, r[i].key, err) < 0)
			return -1;
	if (durable_before(st, err) < 0 ||
	    dir_temp(st->scratchfd, prefix, &scratch, err) < 0)
		return -1;
	autoclose int dir =
		openat(st->scratchfd, scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int failed = dir < 0 ? error_errno(err, "cannot open %s", scratch)
			     : record_all(st, r, n, drv, dir, err);
	dir_remove(st->scratchfd, scratch, &ignored);
	return failed ? error_wrap(err, "cannot record the outputs of %s", drv) : 0;
}
