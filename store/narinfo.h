/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What a binary cache says of one store object: <digest>.narinfo, lines of `Key: value`.
 * Reader and writer accept and make what current Nix does; every fact in it is a claim
 * until key.h or the object's own bytes prove it.
 * Source of the format: Nix manual, "Binary cache"; verdicts checked against vectors.
 */
#include "store/store.h"

enum { NARINFO_MAX = 1 << 20 };

struct narinfo {
	struct path_info info; /* path, nar, nar_size, refs, deriver, sigs, ca */
	const char *url;       /* relative to the cache: no scheme, no .., no leading / */
	const char *compression; /* none, xz, zstd, bzip2, gzip, lz4, br ... */
	bool has_file_hash;
	struct sha256 file_hash; /* of the compressed file; not everybody writes it */
	uint64_t file_size;      /* 0: not said */
};

/* Strict; what is unknown is skipped. Everything lives in the arena. */
int narinfo_parse(struct str text, struct arena *a, struct narinfo *out,
		  struct error *err);
void narinfo_write(const struct narinfo *n, struct strbuf *out);

/*
 * The path that a content address, the references and the name stand for; NULL if the
 * address means nothing to us. Equality with info->path makes a claim that needs no
 * signature.
 */
const char *path_info_ca_path(const struct path_info *info, struct arena *a);
