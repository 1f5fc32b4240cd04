// SPDX-License-Identifier: MIT
/* The reader of export streams: what comes from somebody we need not know. */
#include "store/export.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "store/address.h"
#include "store/ingest.h"
#include "store/internal.h"
#include "store/path.h"
#include "store/wire.h"

enum {
	PATH_LEN_MAX = PATH_PREFIX_LEN + PATH_DIGEST_LEN + 1 + PATH_NAME_MAX,
	SIGNATURE_MAX = 64 * 1024,
};

struct object {
	struct store *st;
	const struct export_reader *r;
	struct wire wire;
	struct arena arena;
	struct path_info info;
	int dir; /* a private directory; the tree is x in it */
};

/* --- the stream ------------------------------------------------------------------- */

static int read_path(struct object *o, const char *what, const char **out)
{
	char text[PATH_LEN_MAX + 1];
	autobuf struct strbuf shown = STRBUF_INIT;

	if (wire_text(&o->wire, text, PATH_LEN_MAX, what) < 0)
		return -1;
	*out = arena_strdup(&o->arena, text);
	if (path_ok(text))
		return 0;
	strbuf_adds(&shown, "");
	strbuf_add_masked(&shown, text, strlen(text));
	return error_make(o->wire.err, "'%s' is no store path", shown.ptr);
}

/*
 * Each must be valid, which also bounds what a stream can make us remember, and stays so:
 * a collector is told before it is looked up.
 */
static int read_refs(struct object *o)
{
	struct path_info *info = &o->info;
	uint64_t n;
	size_t cap = 0;

	if (wire_number(&o->wire, &n) < 0)
		return -1;
	for (; n; n--) {
		const char *ref;

		if (read_path(o, "a reference", &ref) < 0)
			return -1;
		if (info->nrefs && strcmp(info->refs[info->nrefs - 1], ref) >= 0)
			return error_make(o->wire.err, "references are not sorted");
		ARENA_PUSH(&o->arena, info->refs, info->nrefs, cap) = ref;
		if (strcmp(ref, info->path) == 0)
			continue;
		if (store_temp_root(o->st, ref, o->wire.err) < 0)
			return -1;
		int valid = db_find(o->st->db, ref, o->wire.err);
		if (valid < 0)
			return -1;
		if (!valid)
			return error_make(o->wire.err,
					  "%s refers to %s, which is neither valid nor "
					  "before it in the stream",
					  info->path, ref);
	}
	return 0;
}

static int read_deriver(struct object *o)
{
	char text[PATH_LEN_MAX + 1];

	if (wire_text(&o->wire, text, PATH_LEN_MAX, "the deriver") < 0)
		return -1;
	if (*text && !path_ok(text))
		return error_make(o->wire.err, "the deriver is no store path");
	o->info.deriver = *text ? arena_strdup(&o->arena, text) : NULL;
	return 0;
}

/* Streams of old times were signed; such a signature says nothing any more. */
static int skip_signature(struct object *o)
{
	uint64_t has;

	if (wire_number(&o->wire, &has) < 0)
		return -1;
	if (has > 1)
		return error_make(o->wire.err, "the stream is damaged behind %s",
				  o->info.path);
	char *text = arena_alloc(&o->arena, has ? SIGNATURE_MAX + 1 : 1, 1);
	return has ? wire_text(&o->wire, text, SIGNATURE_MAX, "a signature") : 0;
}

static int read_facts(struct object *o)
{
	uint64_t magic;

	if (wire_number(&o->wire, &magic) < 0)
		return -1;
	if (magic != EXPORT_MAGIC)
		return error_make(o->wire.err, "this is no export stream of nix-store");
	if (read_path(o, "a path", &o->info.path) < 0 || read_refs(o) < 0 ||
	    read_deriver(o) < 0)
		return -1;
	return skip_signature(o);
}

/* --- what it proves --------------------------------------------------------------- */

static bool declared(const struct path_info *info, const char *path)
{
	for (size_t i = 0; i < info->nrefs; i++)
		if (strcmp(info->refs[i], path) == 0)
			return true;
	return false;
}

/*
 * The content address of a proven object pins its references. Of any other one a
 * reference may have been left out; it would be to something that the others lead to.
 */
static int check_unproven(struct object *o, const struct argv *near,
			  const struct refs *found, struct error *err)
{
	if (!o->r->unproven) {
		error_make(err, "%s proves nothing: it is not content-addressed",
			   o->info.path);
		return error_hint(err, "if you trust where the stream comes from: "
				       "kbuild store import --unproven");
	}
	for (size_t i = 0; i < near->n; i++)
		if (refs_found(found, i) && !declared(&o->info, near->v[i]))
			return error_make(err, "%s refers to %s, and does not say so",
					  o->info.path, near->v[i]);
	return 0;
}

/* The tree becomes canonical on the way. */
static int read_tree(struct object *o, struct refs *refs, struct address_facts *facts,
		     struct error *err)
{
	struct ingest in = {.refs = refs, .owner = (uid_t)-1};
	struct stat st;

	if (ingest_take(&in, o->dir, "x", err) < 0)
		return -1;
	o->info.nar = in.nar;
	o->info.nar_size = in.size;
	*facts = (struct address_facts){.nar = in.nar, .nar_size = in.size};
	if (fstatat(o->dir, "x", &st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, "cannot examine %s", o->info.path);
	/* Of a single file the bytes alone may be what is addressed. */
	return S_ISREG(st.st_mode) ? address_read(o->dir, "x", facts, err) : 0;
}

/* What it may mention: itself, and whatever its references lead to. */
static int list_near(struct object *o, struct argv *near, struct error *err)
{
	const struct path_info *info = &o->info;
	const char **others = arena_array(&o->arena, info->nrefs, const char *);
	size_t n = 0;

	for (size_t i = 0; i < info->nrefs; i++)
		if (strcmp(info->refs[i], info->path) != 0)
			others[n++] = info->refs[i];
	argv_push(near, info->path);
	return store_closure(o->st, others, n, near, err);
}

static int take_in(struct object *o, struct error *err)
{
	autoargv struct argv near = {0};
	struct address_facts facts;

	if (list_near(o, &near, err) < 0)
		return -1;
	autorefs struct refs *refs = refs_new((const char *const *)near.v, near.n);
	if (read_tree(o, refs, &facts, err) < 0)
		return -1;
	int proven = address_prove(o->dir, "x", &facts, &o->info, &o->arena, err);
	if (proven < 0 || (!proven && check_unproven(o, &near, refs, err) < 0))
		return -1;
	return store_publish(o->st, o->dir, "x", &o->info, err);
}

/* --- all -------------------------------------------------------------------------- */

static int read_object(struct object *o, struct error *err)
{
	autoerror struct error ignored = {0};

	if (nar_restore(o->wire.read, o->wire.ctx, o->dir, "x", err) < 0 ||
	    read_facts(o) < 0)
		return -1;
	int valid = db_find(o->st->db, o->info.path, err);
	if (valid == 0 && take_in(o, err) < 0)
		return error_wrap(err, "cannot import %s", o->info.path);
	if (valid < 0)
		return -1;
	o->r->tell(o->r->tell_ctx, o->info.path);
	/* What was valid already. */
	return dir_remove(o->dir, "x", &ignored) < 0 ? error_join(err, &ignored) : 0;
}

static int read_objects(struct store *st, const struct export_reader *r, int dir,
			struct error *err)
{
	const struct wire wire = {r->read, r->ctx, "the stream", err};
	uint64_t more;

	while (wire_number(&wire, &more) == 0) {
		if (more == 0)
			return 0;
		if (more != 1)
			return error_make(err, "this is no export stream of nix-store");
		struct object o = {.st = st, .r = r, .wire = wire, .dir = dir};
		int failed = read_object(&o, err);

		arena_finish(&o.arena);
		if (failed)
			return -1;
	}
	return -1;
}

int store_read_export(struct store *st, const struct export_reader *r, struct error *err)
{
	autofree char *scratch = NULL;
	autoclose int dir = -1;

	if (store_need_write(st, err) < 0)
		return -1;
	int failed = store_scratch_begin(st, &scratch, &dir, err) < 0 ||
		     read_objects(st, r, dir, err) < 0;
	store_scratch_end(st, scratch);
	return failed ? -1 : 0;
}
