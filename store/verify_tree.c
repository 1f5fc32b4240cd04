// SPDX-License-Identifier: MIT
/* One object of the store, beside what its row says. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>

#include "base/alloc.h"
#include "store/digest.h"
#include "store/ingest.h"
#include "store/internal.h"
#include "store/lock.h"
#include "store/path.h"
#include "store/verify_tree.h"

struct look {
	const struct verify_tree *v;
	char *blemish;       /* the first one */
	char link[PATH_MAX]; /* where the root leads, if it is a link */
};

static int see_node(void *ctx, const struct nar_node *n, struct error *err)
{
	struct look *l = ctx;

	(void)err;
	if (!l->blemish)
		l->blemish = ingest_blemish(n, l->v->owner);
	return 0;
}

static int see_bytes(void *ctx, const void *bytes, size_t n, struct error *err)
{
	struct look *l = ctx;

	(void)bytes;
	(void)err;
	l->v->read(l->v->ctx, n);
	return 0;
}

static int see_link(void *ctx, const struct nar_node *n, const char *target,
		    struct error *err)
{
	struct look *l = ctx;

	(void)err;
	if (n->depth == 0)
		snprintf(l->link, sizeof(l->link), "%s", target);
	return 0;
}

/* Sizes need no reading; what comes into the buffer is thrown away. */
static int throw_away(struct nar_sink *s, struct error *err)
{
	(void)err;
	s->len = 0;
	return 0;
}

static int measure(struct nar_dump *dump, uint64_t *size, struct error *err)
{
	char buf[NAR_SINK_MIN];
	struct nar_sink sink = {.buf = buf, .cap = sizeof(buf), .flush = throw_away};

	dump->sizes_only = true;
	if (nar_dump(dump, &sink, err) < 0)
		return -1;
	*size = sink.total;
	return 0;
}

/* A link at an input-addressed path is a claim; claim and row must agree. */
static char *wrong_link(const struct look *l, const struct path_info *info)
{
	if (!*l->link || info->ca || !path_ok(l->link))
		return NULL;
	for (size_t i = 0; i < info->nrefs; i++)
		if (strcmp(info->refs[i], l->link) == 0)
			return NULL;
	return xasprintf("it leads to %s, which is not its reference", l->link);
}

static char *judge(struct look *l, const struct path_info *info, const struct sha256 *nar,
		   uint64_t size, enum verify_kind *kind)
{
	char *link;

	*kind = VERIFY_CONTENTS;
	if (nar && !sha256_equal(nar, &info->nar))
		return xstrdup("its contents were modified");
	*kind = nar ? VERIFY_SIZE : VERIFY_CONTENTS;
	if (size != info->nar_size)
		return xasprintf("its archive has %ju bytes, expected %ju",
				 (uintmax_t)size, (uintmax_t)info->nar_size);
	*kind = VERIFY_LINK;
	if ((link = wrong_link(l, info)))
		return link;
	*kind = VERIFY_METADATA;
	return take_ptr(&l->blemish);
}

static char *look(const struct verify_tree *v, const struct path_info *info,
		  struct look *l, enum verify_kind *kind)
{
	const char *base = path_base(info->path);
	const struct nar_visitor visitor = {
		.enter = see_node,
		.bytes = v->read ? see_bytes : NULL,
		.link = see_link,
		.ctx = l,
	};
	struct nar_dump dump = {.dir = v->st->dirfd, .path = base, .visitor = &visitor};
	autoerror struct error err = {0};
	struct sha256 nar;
	struct stat s;
	uint64_t size;
	int failed;

	*kind = VERIFY_GONE;
	if (fstatat(v->st->dirfd, base, &s, AT_SYMLINK_NOFOLLOW) < 0)
		return xstrdup(errno == ENOENT ? "is gone" : strerror(errno));
	*kind = VERIFY_CONTENTS;
	/* Hashing a link costs nothing. */
	bool hashed = v->contents || S_ISLNK(s.st_mode);
	if (hashed) {
		autodigest struct digest *d = digest_new(NULL);

		failed = nar_dump(&dump, digest_sink(d), &err);
		nar = digest_end(d, &size);
	} else {
		failed = measure(&dump, &size, &err);
	}
	if (failed)
		return take_ptr(&err.msg);
	return judge(l, info, hashed ? &nar : NULL, size, kind);
}

static void wait_for_others(struct store *st, const char *path)
{
	autofree char *name = xasprintf("%s.lock", path_base(path));
	autoerror struct error ignored = {0};

	if (map_get(&st->locked, path))
		return;
	autoclose int fd = openat(st->dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0)
		lock_take(fd, false, true, &ignored);
}

char *verify_tree(const struct verify_tree *v, const struct path_info *info,
		  enum verify_kind *kind)
{
	char *what = NULL;

	/* Whoever was at work on it may have been the reason: then look again. */
	for (int tries = 0; tries < 2; tries++) {
		struct look l = {.v = v};

		free(what);
		what = look(v, info, &l, kind);
		free(l.blemish);
		if (!what)
			break;
		wait_for_others(v->st, info->path);
	}
	return what;
}
