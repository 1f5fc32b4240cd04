// SPDX-License-Identifier: MIT
/* Does what the database claims stand in the store directory? */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "store/digest.h"
#include "store/internal.h"
#include "store/narinfo.h"
#include "store/path.h"

struct verify {
	struct store *st;
	store_verify_report *report;
	void *ctx;
	long bad;
	bool reported; /* of the path at hand */
};

static void complain(struct verify *v, const char *path, const char *what)
{
	if (v->report)
		v->report(v->ctx, path, what);
	v->bad += !v->reported;
	v->reported = true;
}

static void check_contents(struct verify *v, const struct path_info *info)
{
	const struct nar_dump dump = {.dir = v->st->dirfd, .path = path_base(info->path)};
	autodigest struct digest *d = digest_new(NULL);
	autoerror struct error err = {0};
	uint64_t size;

	if (nar_dump(&dump, digest_sink(d), &err) < 0) {
		complain(v, info->path, err.msg);
		return;
	}
	struct sha256 h = digest_end(d, &size);
	if (!sha256_equal(&h, &info->nar))
		complain(v, info->path, "its contents were modified");
	else if (size != info->nar_size)
		complain(v, info->path, "the recorded size is wrong");
}

static int check_path(struct verify *v, const char *path, bool contents,
		      struct error *err)
{
	struct arena a = {0};
	struct path_info info;
	struct stat st;

	v->reported = false;
	if (!path_ok(path)) {
		complain(v, path, "is no store path");
		return 0;
	}
	int known = store_info(v->st, path, &a, &info, err);
	if (known == 1 && info.ca) {
		const char *want = path_info_ca_path(&info, &a);

		if (want && strcmp(want, path) != 0)
			complain(v, path, "its content address belongs to another path");
	}
	if (known == 1 &&
	    fstatat(v->st->dirfd, path_base(path), &st, AT_SYMLINK_NOFOLLOW) < 0)
		complain(v, path, errno == ENOENT ? "is gone" : strerror(errno));
	else if (known == 1 && contents)
		check_contents(v, &info);
	arena_finish(&a);
	return known < 0 ? -1 : 0;
}

long store_verify(struct store *st, bool contents, store_verify_report *report, void *ctx,
		  struct error *err)
{
	struct verify v = {.st = st, .report = report, .ctx = ctx};
	autoargv struct argv paths = {0};

	if (!st->db)
		return 0;
	if (db_list(st->db, DB_SINCE, "0", &paths, err) < 0)
		return -1;
	for (size_t i = 0; i < paths.n; i++)
		if (check_path(&v, paths.v[i], contents, err) < 0)
			return -1;
	return v.bad;
}
