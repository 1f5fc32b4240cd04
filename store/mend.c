// SPDX-License-Identifier: MIT
#include "store/mend.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "store/address.h"
#include "store/durable.h"
#include "store/ingest.h"
#include "store/internal.h"
#include "store/path.h"

/* --- rows ------------------------------------------------------------------------- */

static int amend(struct store *st, const struct path_info *info, struct error *err)
{
	if (db_begin(st->db, err) < 0)
		return -1;
	if (db_amend(st->db, info, err) == 0 && db_commit(st->db, err) == 0)
		return 0;
	db_rollback(st->db);
	return -1;
}

static bool same_texts(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_row(const struct path_info *a, const struct path_info *b)
{
	bool same = sha256_equal(&a->nar, &b->nar) && a->nar_size == b->nar_size &&
		    same_texts(a->ca, b->ca) && a->nrefs == b->nrefs;

	for (size_t i = 0; same && i < a->nrefs; i++)
		same = strcmp(a->refs[i], b->refs[i]) == 0;
	return same;
}

/* With the row's references, or with those that are found in the tree. */
static int prove(const struct mend *m, const struct address_facts *facts,
		 struct path_info *info, struct arena *a, struct error *err)
{
	int dir = m->st->dirfd;
	const char *base = path_base(m->path);

	info->ca = NULL;
	int proven = address_prove(dir, base, facts, info, a, err);
	if (proven)
		return proven;
	info->nrefs = 0;
	info->refs = arena_array(a, m->valid->n, const char *);
	for (size_t i = 0; i < m->valid->n; i++)
		if (refs_found(facts->refs, i))
			info->refs[info->nrefs++] = m->valid->v[i];
	return address_prove(dir, base, facts, info, a, err);
}

/* References that have no row are not among those that are read. */
static int has_dangling(const struct mend *m, struct error *err)
{
	autoargv struct argv all = {0};

	if (db_list(m->st->db, DB_DANGLING, NULL, &all, err) < 0)
		return -1;
	for (size_t i = 0; i < all.n; i++)
		if (strcmp(all.v[i], m->path) == 0)
			return 1;
	return 0;
}

static int prove_row(const struct mend *m, const struct address_facts *facts,
		     struct arena *a, struct error *err)
{
	autoerror struct error unusable = {0};
	struct path_info had, info;

	int known = db_info(m->st->db, m->path, a, &had, &unusable);
	if (known == 0)
		return 0;
	if (known < 0)
		had = (struct path_info){.path = m->path};
	info = had;
	int proven = prove(m, facts, &info, a, err);
	if (proven <= 0)
		return proven;
	int dangling = has_dangling(m, err);
	if (dangling < 0 || (!dangling && known == 1 && same_row(&had, &info)))
		return dangling;
	return amend(m->st, &info, err) < 0 ? -1 : 1;
}

int mend_row(const struct mend *m, struct error *err)
{
	autorefs struct refs *refs =
		refs_new((const char *const *)m->valid->v, m->valid->n);
	struct address_facts facts = {.refs = refs};
	autoerror struct error unreadable = {0};
	struct arena a = {0};

	if (address_read(m->st->dirfd, path_base(m->path), &facts, &unreadable) < 0)
		return 0;
	int rc = prove_row(m, &facts, &a, err);
	arena_finish(&a);
	return rc;
}

/* --- trees ------------------------------------------------------------------------ */

/* Makes it canonical. 1 if these are the bytes that were recorded. */
static int take(int dir, const char *name, const struct path_info *info,
		struct error *err)
{
	struct ingest in = {.owner = (uid_t)-1};

	if (ingest_take(&in, dir, name, err) < 0)
		return -1;
	return sha256_equal(&in.nar, &info->nar);
}

static int note_inode(void *ctx, const struct nar_node *n, struct error *err)
{
	(void)err;
	if (!S_ISDIR(n->st.st_mode) && n->st.st_nlink > 1)
		inodes_add(ctx, n->st.st_ino);
	return 0;
}

static int throw_away(struct nar_sink *s, struct error *err)
{
	(void)err;
	s->len = 0;
	return 0;
}

/* What the tree shared through .links, as far as it can still be walked. */
static void note_shared(const struct mend *m, int dir, const char *name)
{
	const struct nar_visitor visitor = {.enter = note_inode, .ctx = m->replaced};
	const struct nar_dump dump = {
		.dir = dir, .path = name, .visitor = &visitor, .sizes_only = true};
	char buf[NAR_SINK_MIN];
	struct nar_sink sink = {.buf = buf, .cap = sizeof(buf), .flush = throw_away};
	autoerror struct error ignored = {0};

	nar_dump(&dump, &sink, &ignored);
}

/*
 * dir/name is the object now; what was there is dir/name afterwards, or nothing. A
 * directory can only be moved by who may write it.
 */
static int exchange(const struct mend *m, int dir, const char *name, struct error *err)
{
	const char *base = path_base(m->path);
	int store = m->st->dirfd;
	struct stat st;

	if (fstatat(store, base, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
		fchmodat(store, base, 0755, 0);
	if (renameat2(dir, name, store, base, RENAME_EXCHANGE) == 0) {
		note_shared(m, dir, name);
		return 0;
	}
	/* Some file systems cannot; for a moment the path is missing there. */
	if (errno == EINVAL && renameat(store, base, dir, "old") == 0)
		note_shared(m, dir, "old");
	if (renameat2(dir, name, store, base, RENAME_NOREPLACE) < 0)
		return error_errno(err, "cannot move %s into the store", m->path);
	return 0;
}

static int put_in(const struct mend *m, int dir, const char *name, struct error *err)
{
	if (durable_before(m->st, err) < 0 || exchange(m, dir, name, err) < 0 ||
	    ingest_seal(m->st->dirfd, path_base(m->path), err) < 0)
		return -1;
	return 1;
}

/* A copy is ours, whoever owns what it is made of. */
static int copy_over(const struct mend *m, const struct path_info *info,
		     struct error *err)
{
	autofree char *physical = store_physical(m->st, m->path);
	struct ingest in = {.owner = (uid_t)-1};
	autofree char *scratch = NULL;
	autoclose int dir = -1;
	int rc = store_scratch_begin(m->st, &scratch, &dir, err);

	if (rc == 0)
		rc = ingest_copy(&in, physical, dir, "x", err);
	if (rc == 0 && sha256_equal(&in.nar, &info->nar))
		rc = put_in(m, dir, "x", err);
	store_scratch_end(m->st, scratch);
	return rc;
}

static int make_canonical(const struct mend *m, const struct path_info *info,
			  struct error *err)
{
	const char *base = path_base(m->path);
	autoerror struct error ignored = {0};

	if (faccessat(m->st->dirfd, base, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	int rc = take(m->st->dirfd, base, info, err);
	if (rc == 1)
		return ingest_seal(m->st->dirfd, base, err) < 0 ? -1 : 1;
	ingest_seal(m->st->dirfd, base, &ignored);
	return rc < 0 && copy_over(m, info, &ignored) == 1 ? 1 : rc;
}

int mend_metadata(const struct mend *m, struct error *err)
{
	autoerror struct error unusable = {0};
	struct arena a = {0};
	struct path_info info;
	int rc = db_info(m->st->db, m->path, &a, &info, &unusable);

	rc = rc == 1 ? make_canonical(m, &info, err) : 0;
	arena_finish(&a);
	return rc;
}

/* --- realisations ----------------------------------------------------------------- */

/* The link leads to what is valid and is the one that was recorded. */
static int relink_row(const struct mend *m, struct path_info *info, struct error *err)
{
	struct address_facts facts = {0};
	autoerror struct error ignored = {0};
	char target[PATH_MAX];
	ssize_t n =
		readlinkat(m->st->dirfd, path_base(m->path), target, sizeof(target) - 1);

	if (n < 0)
		return 0;
	target[n] = '\0';
	if (address_read(m->st->dirfd, path_base(m->path), &facts, &ignored) < 0 ||
	    !sha256_equal(&facts.nar, &info->nar))
		return 0;
	int valid = db_find(m->st->db, target, err);
	if (valid <= 0)
		return valid;
	const char *refs[] = {target};
	struct path_info linked = *info;
	linked.refs = refs;
	linked.nrefs = 1;
	if (same_row(info, &linked))
		return 0;
	return amend(m->st, &linked, err) < 0 ? -1 : 1;
}

static int relink_tree(const struct mend *m, const struct path_info *info,
		       struct error *err)
{
	autofree char *scratch = NULL;
	autoclose int dir = -1;

	if (info->nrefs != 1)
		return 0;
	int rc = store_scratch_begin(m->st, &scratch, &dir, err);
	if (rc == 0 && symlinkat(info->refs[0], dir, "x") < 0)
		rc = error_errno(err, "cannot make a link to %s", info->refs[0]);
	if (rc == 0)
		rc = take(dir, "x", info, err);
	if (rc == 1)
		rc = put_in(m, dir, "x", err);
	store_scratch_end(m->st, scratch);
	return rc;
}

int mend_link(const struct mend *m, struct error *err)
{
	autoerror struct error unusable = {0};
	struct path_info info;
	struct arena a = {0};
	int rc = db_info(m->st->db, m->path, &a, &info, &unusable);

	if (rc == 1 && !info.ca) {
		rc = relink_row(m, &info, err);
		if (rc == 0)
			rc = relink_tree(m, &info, err);
	} else {
		rc = 0;
	}
	arena_finish(&a);
	return rc;
}

/* --- from elsewhere --------------------------------------------------------------- */

static int obtain(const struct mend *m, const struct repair_source *source,
		  const struct path_info *info, struct error *err)
{
	autofree char *scratch = NULL;
	autoclose int dir = -1;
	int rc = store_scratch_begin(m->st, &scratch, &dir, err);

	if (rc == 0) {
		autofree char *dest = xasprintf("%s/%s/x", m->st->scratch, scratch);

		rc = source->obtain(source->ctx, info, dest, err);
	}
	if (rc == 1)
		rc = take(dir, "x", info, err);
	if (rc == 1)
		rc = put_in(m, dir, "x", err);
	else if (rc == 0 && faccessat(dir, "x", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		rc = error_make(err, "what was %s has other bytes", source->how);
	store_scratch_end(m->st, scratch);
	return rc;
}

int mend_contents(const struct mend *m, const struct repair_source *source,
		  struct error *err)
{
	autoerror struct error unusable = {0};
	struct path_info info;
	struct arena a = {0};
	int rc = db_info(m->st->db, m->path, &a, &info, &unusable);

	rc = rc == 1 ? obtain(m, source, &info, err) : 0;
	arena_finish(&a);
	return rc;
}
