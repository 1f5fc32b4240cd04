// SPDX-License-Identifier: MIT
/* Build logs: a log is of use as long as somebody has what was built, or it is young. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "store/collect.h"
#include "store/internal.h"
#include "store/path.h"

/* Digests of the derivations that are there, or that something there was made by. */
static int known_drvs(struct gc *gc, struct map *out, struct error *err)
{
	autoargv struct argv derivers = {0};

	if (db_list(gc->st->db, DB_DERIVERS, NULL, &derivers, err) < 0)
		return -1;
	for (size_t i = 0; i < derivers.n; i++)
		map_set(out, derivers.v[i], gc);
	for (uint32_t i = 0; i < gc->reach.n; i++)
		if (!gc->reach.v[i].gone && str_ends(gc->reach.v[i].path, ".drv"))
			map_set(out, gc->reach.v[i].path, gc);
	return 0;
}

/* "z5" / "mhgfp...-name.drv.zst" */
static int prune(struct gc *gc, int dir, const char *front, const char *name,
		 const struct map *known, struct error *err)
{
	const char *tail = strrchr(name, '.');
	struct stat st;

	if (!tail || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISREG(st.st_mode) || st.st_mtime > time(NULL) - gc->opt->older_than_s)
		return 0;
	autofree char *drv =
		xasprintf(STORE_DIR "/%s%.*s", front, (int)(tail - name), name);
	if (map_find(known, drv))
		return 0;
	if (!gc->opt->dry_run && unlinkat(dir, name, 0) < 0)
		return error_errno(err, "cannot remove the log %s", name);
	gc->res->logs++;
	gc->res->freed += (uint64_t)st.st_blocks * 512;
	return 0;
}

static int prune_dir(struct gc *gc, int logs, const char *front, const struct map *known,
		     struct error *err)
{
	autoclose int dir =
		openat(logs, front, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	autoargv struct argv names = {0};

	if (dir < 0)
		return errno == ENOTDIR ? 0 : error_errno(err, "cannot open the logs");
	if (dir_names(dir, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++)
		if (prune(gc, dir, front, names.v[i], known, err) < 0)
			return -1;
	if (!gc->opt->dry_run)
		unlinkat(logs, front, AT_REMOVEDIR); /* if it is empty now */
	return 0;
}

int sweep_logs(struct gc *gc, struct error *err)
{
	autofree char *path = xasprintf("%s/nix/var/log/nix/drvs", gc->st->root);
	autoclose int logs = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoargv struct argv fronts = {0};
	struct map known = {0};

	if (logs < 0)
		return errno == ENOENT ? 0 : error_errno(err, "cannot open %s", path);
	int rc = dir_names(logs, &fronts, err);
	if (rc == 0)
		rc = known_drvs(gc, &known, err);
	for (size_t i = 0; i < fronts.n && rc == 0; i++)
		rc = prune_dir(gc, logs, fronts.v[i], &known, err);
	map_finish(&known);
	return rc;
}
