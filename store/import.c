// SPDX-License-Identifier: MIT
#include "store/import.h"

#include <fcntl.h>
#include <inttypes.h>

#include "base/alloc.h"
#include "store/address.h"
#include "store/ingest.h"
#include "store/internal.h"
#include "store/narinfo.h"
#include "store/path.h"

/* Who signs an object more often than that does not mean well: each takes time. */
enum { SIGS_MAX = 64 };

/* --- the claim -------------------------------------------------------------------- */

/* A self reference may be anywhere in the list. */
static bool is_self(const struct path_info *info, size_t i)
{
	return strcmp(info->refs[i], info->path) == 0;
}

const char *import_refused(const struct path_info *info, const struct key_public *trust,
			   size_t ntrust, struct arena *a)
{
	const char *own = info->ca ? path_info_ca_path(info, a) : NULL;

	if (own && strcmp(own, info->path) == 0)
		return NULL;
	if (own)
		return arena_printf(a, "its content address is that of %s", own);
	if (info->nsigs > SIGS_MAX)
		return arena_printf(a, "it has %zu signatures, expected at most %d",
				    info->nsigs, SIGS_MAX);
	if (key_count_signed(info, trust, ntrust))
		return NULL;
	if (!info->nsigs)
		return "it is neither content-addressed nor signed";
	return arena_printf(a, "none of its signatures is of a trusted key (%.*s)",
			    (int)strcspn(info->sigs[0], ":"), info->sigs[0]);
}

/* --- the tree --------------------------------------------------------------------- */

struct import {
	struct store *st;
	const struct path_info *info; /* as claimed */
	bool addressed;               /* the claim rests on its content address */
	bool flat;                    /* ... of the bytes of a single file */
	struct argv candidates; /* what the tree might mention; the path itself first */
	struct ingest in;
};

static int check_hash(const struct import *im, struct error *err)
{
	const struct path_info *info = im->info;
	struct arena a = {0};

	if (sha256_equal(&im->in.nar, &info->nar) && im->in.size == info->nar_size)
		return 0;
	error_class(err, ERROR_INFRA,
		    "its contents are not what was claimed\n  expected %s, %" PRIu64
		    " bytes\n  got      %s, %" PRIu64 " bytes",
		    hash_sri(&a, &info->nar), info->nar_size, hash_sri(&a, &im->in.nar),
		    im->in.size);
	arena_finish(&a);
	return -1;
}

/* Everything that what it refers to leads to: there a reference could be left unsaid. */
static int find_candidates(struct import *im, struct error *err)
{
	const struct path_info *info = im->info;
	autoargv struct argv refs = {0};

	for (size_t i = 0; i < info->nrefs; i++) {
		int valid = is_self(info, i) ? 2 : store_find(im->st, info->refs[i], err);

		if (valid < 0)
			return -1;
		if (!valid)
			return error_class(err, ERROR_INFRA,
					   "it refers to %s, which is not valid",
					   info->refs[i]);
		if (valid == 1)
			argv_push(&refs, info->refs[i]);
	}
	argv_push(&im->candidates, info->path);
	return store_closure(im->st, (const char *const *)refs.v, refs.n, &im->candidates,
			     err);
}

static bool claimed(const struct path_info *info, const char *path)
{
	for (size_t i = 0; i < info->nrefs; i++)
		if (strcmp(info->refs[i], path) == 0)
			return true;
	return false;
}

/*
 * Nothing may be mentioned that is not said, and nothing said that is not mentioned; but
 * a text, a derivation above all, has its references by what it was made of.
 */
static int check_refs(const struct import *im, struct error *err)
{
	const struct path_info *info = im->info;
	bool text = info->ca && str_starts(info->ca, "text:");

	for (size_t i = 0; i < im->candidates.n; i++) {
		const char *path = im->candidates.v[i];
		bool found = refs_found(im->in.refs, i), said = claimed(info, path);

		if (found && !said)
			return error_class(err, ERROR_INFRA,
					   "it mentions %s, which was not declared",
					   path);
		if (said && !found && !text)
			return error_class(
				err, ERROR_INFRA,
				"it is said to refer to %s and does not mention it",
				path);
	}
	return 0;
}

static int prove_address(const struct import *im, const char *physical,
			 struct path_info *out, struct arena *a, struct error *err)
{
	const struct address_facts facts = {
		.nar = im->in.nar,
		.nar_size = im->in.size,
		.is_text = im->flat,
		.bytes = im->in.bytes,
	};
	int proven = address_prove(AT_FDCWD, physical, &facts, out, a, err);

	if (proven == 0)
		return error_class(err, ERROR_INFRA,
				   "its contents do not have its content address");
	return proven < 0 ? -1 : 0;
}

static int import_tree(struct import *im, const char *physical, struct path_info *out,
		       struct arena *a, struct error *err)
{
	autorefs struct refs *refs = NULL;

	if (find_candidates(im, err) < 0)
		return -1;
	refs = refs_new((const char *const *)im->candidates.v, im->candidates.n);
	im->in = (struct ingest){.refs = refs, .owner = (uid_t)-1, .flat = im->flat};
	if (ingest_take(&im->in, AT_FDCWD, physical, err) < 0 ||
	    check_hash(im, err) < 0 || check_refs(im, err) < 0)
		return -1;
	*out = *im->info;
	out->ultimate = false;
	out->nsigs = out->nsigs < SIGS_MAX ? out->nsigs : SIGS_MAX;
	/* An address that we cannot compute is not proven by a signature either. */
	out->ca = NULL;
	return im->addressed ? prove_address(im, physical, out, a, err) : 0;
}

static int import_claimed(struct store *st, const struct store_import *in,
			  struct arena *a, struct error *err)
{
	const struct path_info *info = in->info;
	struct import im = {.st = st, .info = info};
	struct path_info out;

	if (store_need_write(st, err) < 0)
		return -1;
	if (!path_ok(info->path))
		return error_make(err, "'%s' is not a store path", info->path);
	const char *why = import_refused(info, in->trust, in->ntrust, a);
	if (why)
		return error_class(err, ERROR_INFRA, "%s", why);
	im.addressed = info->ca && path_info_ca_path(info, a);
	im.flat = im.addressed && !str_starts(info->ca, "fixed:r:");
	int failed = import_tree(&im, in->physical, &out, a, err);
	if (!failed)
		failed = store_publish(st, AT_FDCWD, in->physical, &out, err);
	argv_finish(&im.candidates);
	return failed;
}

int store_import(struct store *st, const struct store_import *in, struct error *err)
{
	struct arena a = {0};
	int failed = import_claimed(st, in, &a, err);

	arena_finish(&a);
	return failed ? error_wrap(err, "cannot import %s", in->info->path) : 0;
}
