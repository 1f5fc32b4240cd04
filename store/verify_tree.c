// SPDX-License-Identifier: MIT
/* One object of the store, beside what its row says. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>

#include "base/alloc.h"
#include "store/address.h"
#include "store/digest.h"
#include "store/ingest.h"
#include "store/internal.h"
#include "store/lock.h"
#include "store/narinfo.h"
#include "store/path.h"
#include "store/verify_tree.h"

struct look {
	const struct verify_tree *v;
	char *blemish;       /* the first one */
	char link[PATH_MAX]; /* where the root leads, if it is a link */
	struct address_facts facts;
	struct sha256_ctx *bytes; /* of a file that is addressed by them, else NULL */
};

static int see_node(void *ctx, const struct nar_node *n, struct error *err)
{
	struct look *l = ctx;

	(void)err;
	if (!l->blemish)
		l->blemish = ingest_blemish(n, l->v->owner);
	if (n->depth == 0)
		l->facts.is_text = S_ISREG(n->st.st_mode) && !(n->st.st_mode & S_IXUSR);
	return 0;
}

static int see_bytes(void *ctx, const void *bytes, size_t n, struct error *err)
{
	struct look *l = ctx;

	(void)err;
	if (l->bytes)
		sha256_add(l->bytes, bytes, n);
	if (l->v->read)
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

static int measure(struct nar_dump *dump, struct address_facts *facts, struct error *err)
{
	char buf[NAR_SINK_MIN];
	struct nar_sink sink = {.buf = buf, .cap = sizeof(buf), .flush = throw_away};

	dump->sizes_only = true;
	if (nar_dump(dump, &sink, err) < 0)
		return -1;
	facts->nar_size = sink.total;
	return 0;
}

static int hash(struct nar_dump *dump, struct look *l, bool with_bytes, struct error *err)
{
	autodigest struct digest *d = digest_new(NULL);

	l->bytes = with_bytes ? sha256_new() : NULL;
	int failed = nar_dump(dump, digest_sink(d), err);
	if (l->bytes)
		l->facts.bytes = sha256_end(take_ptr(&l->bytes));
	if (failed == 0)
		l->facts.nar = digest_end(d, &l->facts.nar_size);
	return failed;
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

/* Contents and row agree; do they with the content address? */
static char *wrong_address(const struct look *l, const struct path_info *info)
{
	autoerror struct error err = {0};
	struct path_info proven = *info;
	struct arena a = {0};
	char *what = NULL;

	if (!info->ca || !path_info_ca_path(info, &a))
		return NULL;
	proven.ca = NULL;
	if (address_prove(l->v->st->dirfd, path_base(info->path), &l->facts, &proven, &a,
			  &err) < 0)
		what = take_ptr(&err.msg);
	else if (!proven.ca || strcmp(proven.ca, info->ca) != 0)
		what = xstrdup("its content address is not that of its contents");
	arena_finish(&a);
	return what;
}

static char *judge(struct look *l, const struct path_info *info, bool hashed,
		   enum verify_kind *kind)
{
	const struct address_facts *f = &l->facts;
	char *what;

	*kind = VERIFY_CONTENTS;
	if (hashed && !sha256_equal(&f->nar, &info->nar))
		return xstrdup("its contents were modified");
	*kind = hashed ? VERIFY_SIZE : VERIFY_CONTENTS;
	if (f->nar_size != info->nar_size)
		return xasprintf("its archive has %ju bytes, expected %ju",
				 (uintmax_t)f->nar_size, (uintmax_t)info->nar_size);
	*kind = VERIFY_LINK;
	if ((what = wrong_link(l, info)))
		return what;
	*kind = VERIFY_ADDRESS;
	if (l->v->contents && (what = wrong_address(l, info)))
		return what;
	*kind = VERIFY_METADATA;
	return take_ptr(&l->blemish);
}

/* The address is that of the bytes of a file, not that of its archive. */
static bool addressed_by_bytes(const struct path_info *info)
{
	return info->ca && (str_starts(info->ca, "text:sha256:") ||
			    str_starts(info->ca, "fixed:sha256:"));
}

static char *look(struct look *l, const struct path_info *info, enum verify_kind *kind)
{
	const struct verify_tree *v = l->v;
	bool with_bytes = v->contents && addressed_by_bytes(info);
	const char *base = path_base(info->path);
	const struct nar_visitor visitor = {
		.enter = see_node,
		.bytes = v->read || with_bytes ? see_bytes : NULL,
		.link = see_link,
		.ctx = l,
	};
	struct nar_dump dump = {.dir = v->st->dirfd, .path = base, .visitor = &visitor};
	autoerror struct error err = {0};
	struct stat s;

	*kind = VERIFY_GONE;
	if (fstatat(v->st->dirfd, base, &s, AT_SYMLINK_NOFOLLOW) < 0)
		return xstrdup(errno == ENOENT ? "is gone" : strerror(errno));
	*kind = VERIFY_CONTENTS;
	/* Hashing a link costs nothing. */
	bool hashed = v->contents || S_ISLNK(s.st_mode);
	if ((hashed ? hash(&dump, l, with_bytes, &err)
		    : measure(&dump, &l->facts, &err)) < 0)
		return take_ptr(&err.msg);
	return judge(l, info, hashed, kind);
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
		what = look(&l, info, kind);
		free(l.blemish);
		if (!what)
			break;
		wait_for_others(v->st, info->path);
	}
	return what;
}
