/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Objects that were made elsewhere. What is said of one is a claim, and it is proven in
 * two steps: first whether anybody could vouch for it, by the claim alone (its path is
 * made of the content address it names, or a trusted key signed path, hash, size and
 * references), then whether the tree is what was claimed. Nothing is valid before that.
 */
#include "store/key.h"
#include "store/store.h"

/* Why the claim cannot be believed, in words; NULL if it can. Reads no tree. */
const char *import_refused(const struct path_info *info, const struct key_public *trust,
			   size_t ntrust, struct arena *a);

struct store_import {
	const char *physical; /* a tree of ours on the store's file system */
	const struct path_info *info;
	const struct key_public *trust;
	size_t ntrust;
};

/*
 * Takes the tree in, with the signatures of its claim. The references must be valid, be
 * exactly what the tree mentions of all they lead to, and the tree may mention itself
 * only if it is said to. Consumed on success; what is valid already stays as it is.
 */
int store_import(struct store *st, const struct store_import *in, struct error *err);

/* --- realisations: nothing but a link, so none is transported --------------------- */

/*
 * The path that an object at a realisation key is a link to, from the claim alone: it has
 * exactly this reference, of the same name, and hash and size are those of such a link.
 * NULL: it is something else.
 */
const char *realisation_target(const struct path_info *info);
/* Built here, or signed by one of the keys. */
bool realisation_trusted(const struct path_info *info, const struct key_public *keys,
			 size_t n);
/*
 * Makes the link that a believed claim is about; its target must be valid and content-
 * addressed. What was recorded before stays if it was built here or is trusted; the same
 * claim of somebody else adds its signatures.
 */
int store_import_link(struct store *st, const struct path_info *info,
		      const struct key_public *trust, size_t ntrust, struct error *err);
