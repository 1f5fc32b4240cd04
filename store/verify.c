// SPDX-License-Identifier: MIT
/* Does what the database claims stand in the store directory? */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "store/digest.h"
#include "store/internal.h"
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

/*
 * The path a content address stands for; NULL if the text means nothing to us. A self
 * reference is `self` at the end of the type, not one of the references.
 */
static const char *path_of_ca(const struct path_info *info, struct arena *a)
{
	const char *name = path_name(info->path), *ca = info->ca;
	struct sha256 h;
	bool recursive = str_starts(ca, "fixed:r:sha256:");

	if (str_starts(ca, "fixed:sha256:") && hash_parse(ca + strlen("fixed:"), &h) == 0)
		return path_flat(a, &h, name);
	if (!recursive && !str_starts(ca, "text:sha256:"))
		return NULL;
	if (hash_parse(strchr(ca, ':') + 1 + 2 * recursive, &h) < 0)
		return NULL;
	autobuf struct strbuf type = STRBUF_INIT;
	bool self = false;
	strbuf_adds(&type, recursive ? "source" : "text");
	for (size_t i = 0; i < info->nrefs; i++) {
		if (strcmp(info->refs[i], info->path) == 0)
			self = true;
		else
			strbuf_printf(&type, ":%s", info->refs[i]);
	}
	strbuf_adds(&type, self ? ":self" : "");
	return path_make(a, type.ptr, &h, name);
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
		const char *want = path_of_ca(&info, &a);

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
