/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Store paths: /nix/store/<32 nix32 characters>-<name>. The logical store directory is
 * always this string; it is hashed into every path. Where the bytes are on this machine
 * is the business of store/store.h alone. Source: Nix manual, "Store Path Specification";
 * checked against vectors made by Nix.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/sha256.h"
#include "base/str.h"

#define STORE_DIR "/nix/store"

enum {
	PATH_DIGEST_LEN = 32,
	PATH_NAME_MAX = 211,
	PATH_PREFIX_LEN = sizeof(STORE_DIR), /* with the slash */
	NIX32_SHA256_SIZE = 53,
};

/* nix32 text of n bytes into out[ceil(8n/5) + 1]; returns out. */
char *nix32_encode(const uint8_t *bytes, size_t n, char *out);
/* 0, or -1 for a wrong length, a foreign character or surplus bits. */
int nix32_decode(struct str text, uint8_t *out, size_t n);

/*
 * A SHA-256 in any of the three text forms, told apart by length, with or without its
 * prefix: sha256:<nix32>, sha256:<hex>, sha256-<base64>. 0 or -1.
 */
int hash_parse(const char *text, struct sha256 *out);
/* "sha256-<base64>" */
char *hash_sri(struct arena *a, const struct sha256 *h);
/* "sha256:<nix32>" */
char *hash_nix32(struct arena *a, const struct sha256 *h);

bool path_name_ok(const char *name);
/* Characters that no name may hold become '_'; an empty or dotted front gets one too. */
char *path_name_clean(struct arena *a, const char *text);
/* A whole, legal store path (no sub-path). */
bool path_ok(const char *path);
/* What follows the digest and its dash. */
const char *path_name(const char *path);
/* `<digest>-<name>`: what follows /nix/store/. */
const char *path_base(const char *path);

/* What a hash becomes in a path: folded to 160 bits, 32 characters and a NUL. */
char *path_digest(const struct sha256 *h, char out[PATH_DIGEST_LEN + 1]);
/* The rule all others are made of: type is "source:ref:ref:self", "text:...",
 * "output:out". */
char *path_make(struct arena *a, const char *type, const struct sha256 *inner,
		const char *name);
/* Content-addressed tree: refs sorted full paths, without the path itself. */
char *path_source(struct arena *a, const struct sha256 *nar, const char *const *refs,
		  size_t nrefs, const char *name);
char *path_text(struct arena *a, const struct sha256 *text, const char *const *refs,
		size_t nrefs, const char *name);
/* A single downloaded file known by the hash of its bytes. */
char *path_flat(struct arena *a, const struct sha256 *bytes, const char *name);
