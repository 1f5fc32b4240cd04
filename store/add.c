// SPDX-License-Identifier: MIT
/* Everything that becomes a store object comes in through here. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "store/digest.h"
#include "store/drv.h"
#include "store/durable.h"
#include "store/ingest.h"
#include "store/internal.h"
#include "store/path.h"

/* --- publishing ------------------------------------------------------------------- */

int store_move_in(struct store *st, int dir, const char *name, const char *path,
		  struct error *err)
{
	const char *base = path_base(path);

	/* Without a row whatever is there is garbage: of a crash, of a refused import. */
	if (dir_remove(st->dirfd, base, err) < 0)
		return error_wrap(err, "cannot clear the way for %s", path);
	if (renameat2(dir, name, st->dirfd, base, RENAME_NOREPLACE) < 0)
		return error_errno(err, "cannot move %s into the store", path);
	return ingest_seal(st->dirfd, base, err);
}

/* A derivation may only claim what is proven to be its own: others would believe it. */
static int claim_outputs(struct store *st, const char *path, const struct drv *drv,
			 struct arena *a, struct error *err)
{
	const char *file = path_name(path);
	char *name = arena_strndup(a, file, strlen(file) - strlen(".drv"));
	int own = drv_check_outputs(drv, name, a, err);

	if (own <= 0)
		return own;
	for (size_t i = 0; i < drv->noutputs; i++)
		if (db_add_output(st->db, path, drv->outputs[i].name,
				  drv->outputs[i].path, err) < 0)
			return -1;
	return 0;
}

static int add_drv_outputs(struct store *st, const char *path, struct error *err)
{
	struct arena a = {0};
	autobuf struct strbuf text = STRBUF_INIT;
	struct drv drv;

	int failed = dir_read(st->dirfd, path_base(path), &text, err) < 0 ||
		     drv_read((struct str){text.ptr, text.len}, &a, &drv, err) < 0 ||
		     claim_outputs(st, path, &drv, &a, err) < 0;
	arena_finish(&a);
	return failed ? error_wrap(err, "cannot register %s", path) : 0;
}

int store_register(struct store *st, struct path_info *info, struct error *err)
{
	bool is_drv =
		str_ends(info->path, ".drv") && info->ca && str_starts(info->ca, "text:");

	info->registered = time(NULL);
	if (db_begin(st->db, err) < 0)
		return -1;
	if (db_add(st->db, info, err) == 0 &&
	    (!is_drv || add_drv_outputs(st, info->path, err) == 0) &&
	    db_commit(st->db, err) == 0)
		return 0;
	db_rollback(st->db);
	return -1;
}

static int publish_locked(struct store *st, int dir, const char *name,
			  struct path_info *info, struct error *err)
{
	int valid = db_find(st->db, info->path, err);

	if (valid < 0)
		return -1;
	if (valid)
		return dir_remove(dir, name, err);
	if (durable_before(st, err) < 0 ||
	    store_move_in(st, dir, name, info->path, err) < 0)
		return -1;
	return store_register(st, info, err);
}

int store_publish(struct store *st, int dir, const char *name, struct path_info *info,
		  struct error *err)
{
	int fd = -1;

	if (store_temp_root(st, info->path, err) < 0)
		return -1;
	/* The caller may hold the lock already, and would wait for itself. */
	if (!map_get(&st->locked, info->path) &&
	    store_lock(st, info->path, true, &fd, err) < 0)
		return -1;
	int failed = publish_locked(st, dir, name, info, err);
	store_unlock(st, info->path, fd);
	return failed;
}

/* --- text ------------------------------------------------------------------------- */

static int text_info(const char *name, struct str text, const char *const *refs,
		     size_t nrefs, struct arena *a, struct path_info *out,
		     struct error *err)
{
	autodigest struct digest *d = digest_new(NULL);
	struct sha256 h = sha256_of(text.ptr, text.len);

	if (!path_name_ok(name))
		return error_make(err, "'%s' cannot be the name of a store path", name);
	if (nar_dump_text(text.ptr, text.len, digest_sink(d), err) < 0)
		return -1;
	out->path = path_text(a, &h, refs, nrefs, name);
	out->nar = digest_end(d, &out->nar_size);
	out->ca = arena_printf(a, "text:%s", hash_nix32(a, &h));
	out->nrefs = nrefs;
	out->refs = arena_array(a, nrefs, const char *);
	for (size_t i = 0; i < nrefs; i++)
		out->refs[i] = arena_strdup(a, refs[i]);
	return 0;
}

/* A canonical file `x` in a private directory of the scratch directory. */
static int write_text(int dir, struct str text, struct error *err)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1}};
	autoclose int fd =
		openat(dir, "x", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);

	if (fd < 0 || write_all(fd, text.ptr, text.len) < 0 || fchmod(fd, 0444) < 0 ||
	    futimens(fd, times) < 0)
		return error_errno(err, "cannot write a text for the store");
	return 0;
}

int store_add_text(struct store *st, const char *name, struct str text,
		   const char *const *refs, size_t nrefs, struct arena *a,
		   const char **path, struct error *err)
{
	struct path_info info = {0};
	autofree char *scratch = NULL;
	autoclose int dir = -1;

	if (store_need_write(st, err) < 0 ||
	    text_info(name, text, refs, nrefs, a, &info, err) < 0 ||
	    store_temp_root(st, info.path, err) < 0)
		return -1;
	*path = info.path;
	int valid = db_find(st->db, info.path, err);
	if (valid)
		return valid < 0 ? -1 : 0;
	int failed = store_scratch_begin(st, &scratch, &dir, err) < 0 ||
		     write_text(dir, text, err) < 0 ||
		     store_publish(st, dir, "x", &info, err) < 0;
	store_scratch_end(st, scratch);
	return failed ? error_wrap(err, "cannot add %s to the store", name) : 0;
}

/* --- trees ------------------------------------------------------------------------ */

static int expect_hash(const struct sha256 *want, const struct sha256 *got,
		       const char *name, struct error *err)
{
	struct arena a = {0};

	if (!want || sha256_equal(want, got))
		return 0;
	error_make(err, "hash mismatch in '%s': expected %s, found %s", name,
		   hash_sri(&a, want), hash_sri(&a, got));
	arena_finish(&a);
	return -1;
}

static char *ca_recursive(struct arena *a, const struct sha256 *nar)
{
	return arena_printf(a, "fixed:r:%s", hash_nix32(a, nar));
}

static int add_copied(struct store *st, const struct store_add *add, int dir,
		      struct arena *a, const char **path, struct error *err)
{
	struct ingest in = {
		.skip = add->skip, .skip_ctx = add->skip_ctx, .owner = (uid_t)-1};
	struct path_info info = {0};

	if (ingest_copy(&in, add->physical, dir, "x", err) < 0 ||
	    expect_hash(add->expect, &in.nar, add->name, err) < 0)
		return -1;
	info.path = *path = path_source(a, &in.nar, NULL, 0, add->name);
	info.nar = in.nar;
	info.nar_size = in.size;
	info.ca = ca_recursive(a, &in.nar);
	return store_publish(st, dir, "x", &info, err);
}

int store_add(struct store *st, const struct store_add *add, struct arena *a,
	      const char **path, struct error *err)
{
	autofree char *scratch = NULL;
	autoclose int dir = -1;

	if (store_need_write(st, err) < 0)
		return -1;
	if (!path_name_ok(add->name))
		return error_make(err, "'%s' cannot be the name of a store path",
				  add->name);
	if (add->expect) {
		*path = path_source(a, add->expect, NULL, 0, add->name);
		int valid = store_temp_root(st, *path, err) < 0
				    ? -1
				    : db_find(st->db, *path, err);
		if (valid)
			return valid < 0 ? -1 : 0;
	}
	int failed = store_scratch_begin(st, &scratch, &dir, err) < 0 ||
		     add_copied(st, add, dir, a, path, err) < 0;
	store_scratch_end(st, scratch);
	return failed ? error_wrap(err, "cannot add %s to the store", add->physical) : 0;
}

/* --- taking ----------------------------------------------------------------------- */

/* One scan for both lists: candidates first, then what must not occur. */
static const char **all_paths(const struct store_take *take, struct arena *a)
{
	const char **all =
		arena_array(a, take->ncandidates + take->nforbidden, const char *);
	size_t n = 0;

	for (size_t i = 0; i < take->ncandidates; i++)
		all[n++] = take->candidates[i];
	for (size_t i = 0; i < take->nforbidden; i++)
		all[n++] = take->forbidden[i];
	return all;
}

static int found_refs(const struct store_take *take, const struct refs *refs,
		      struct arena *a, struct path_info *out, struct error *err)
{
	autoargv struct argv found = {0};

	for (size_t i = 0; i < take->nforbidden; i++)
		if (refs_found(refs, take->ncandidates + i))
			return error_class(err, ERROR_BUILD,
					   "'%s' refers to %s, which is not allowed",
					   take->name, take->forbidden[i]);
	for (size_t i = 0; i < take->ncandidates; i++)
		if (refs_found(refs, i))
			argv_push(&found, take->candidates[i]);
	argv_sort(&found);
	argv_unique(&found);
	out->nrefs = found.n;
	out->refs = arena_array(a, found.n, const char *);
	for (size_t i = 0; i < found.n; i++)
		out->refs[i] = arena_strdup(a, found.v[i]);
	return 0;
}

static int address(const struct store_take *take, const struct ingest *in,
		   struct arena *a, struct path_info *out, struct error *err)
{
	out->nar = in->nar;
	out->nar_size = in->size;
	out->deriver = take->deriver ? arena_strdup(a, take->deriver) : NULL;
	out->ultimate = take->ultimate;
	if (!take->flat) {
		out->path = path_source(a, &in->nar, out->refs, out->nrefs, take->name);
		out->ca = ca_recursive(a, &in->nar);
		return expect_hash(take->expect, &in->nar, take->name, err);
	}
	if (out->nrefs)
		return error_make(
			err, "'%s' is fixed by the hash of its bytes and refers to %s",
			take->name, out->refs[0]);
	out->path = path_flat(a, &in->bytes, take->name);
	out->ca = arena_printf(a, "fixed:%s", hash_nix32(a, &in->bytes));
	return expect_hash(take->flat, &in->bytes, take->name, err);
}

static int take_tree(struct store *st, const struct store_take *take, struct arena *a,
		     struct path_info *out, struct error *err)
{
	const char **all = all_paths(take, a);
	autorefs struct refs *refs = refs_new(all, take->ncandidates + take->nforbidden);
	struct ingest in = {.refs = refs, .owner = take->owner, .flat = take->flat};

	if (!path_name_ok(take->name))
		return error_make(err, "'%s' cannot be the name of a store path",
				  take->name);
	if (ingest_take(&in, AT_FDCWD, take->physical, err) < 0 ||
	    found_refs(take, refs, a, out, err) < 0 ||
	    address(take, &in, a, out, err) < 0)
		return -1;
	return store_publish(st, AT_FDCWD, take->physical, out, err);
}

int store_take(struct store *st, const struct store_take *take, struct arena *a,
	       struct path_info *out, struct error *err)
{
	*out = (struct path_info){0};
	if (store_need_write(st, err) < 0)
		return -1;
	if (take_tree(st, take, a, out, err) < 0)
		return error_wrap(err, "cannot take '%s' into the store", take->name);
	return 0;
}
