/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Signatures over store objects: ed25519 over a fingerprint of path, NAR hash, NAR size
 * and references, as Nix makes them. A key is NAME:BASE64; a signature too. A name is no
 * proof: a trusted key counts when its name and its bytes fit.
 * Source of the format: Nix manual, "Store object signing"; checked against vectors.
 */
#include "store/store.h"

enum { KEY_NAME_MAX = 128 };

struct key_public {
	char name[KEY_NAME_MAX + 1];
	uint8_t bytes[32];
};

struct key_secret {
	char name[KEY_NAME_MAX + 1];
	uint8_t bytes[64]; /* seed, then the public half */
};

int key_public_parse(const char *text, struct key_public *out, struct error *err);
int key_secret_parse(const char *text, struct key_secret *out, struct error *err);
/* Wiped by the caller with key_wipe. */
int key_secret_read(const char *file, struct key_secret *out, struct error *err);
int key_generate(const char *name, struct key_secret *out, struct error *err);
void key_wipe(struct key_secret *key);
char *key_public_text(struct arena *a, const struct key_public *key);
char *key_secret_text(struct arena *a, const struct key_secret *key);
struct key_public key_public_of(const struct key_secret *key);

/* What is signed: 1;PATH;sha256:NIX32;SIZE;REF,REF */
void path_fingerprint(const struct path_info *info, struct strbuf *out);
/* "NAME:BASE64" */
char *key_sign(const struct key_secret *key, const struct path_info *info,
	       struct arena *a);
/* How many different ones of these keys signed it. */
size_t key_count_signed(const struct path_info *info, const struct key_public *keys,
			size_t n);
