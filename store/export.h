/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The stream of nix-store --export: objects with references and deriver, dependencies
 * first, in one file. It carries neither content addresses nor signatures: whoever reads
 * it must find out what each object proves.
 * Source of the format: Nix manual, "Nix archive (NAR) export stream"; checked against
 * Nix both ways.
 */
#include "store/nar.h"
#include "store/store.h"

enum { EXPORT_MAGIC = 0x4558494e };

/*
 * Writes valid objects, each before those that refer to it. One whose bytes are not what
 * was recorded is not written to its end. Flushes the sink.
 */
int store_export(struct store *st, const char *const *paths, size_t n,
		 struct nar_sink *sink, struct error *err);

struct export_reader {
	nar_read *read;
	void *ctx;
	/*
	 * Take what proves nothing by itself, too: what was built at a path that says how
	 * it was made, realisations among it.
	 */
	bool unproven;
	void (*tell)(void *tell_ctx, const char *path); /* each object of the stream */
	void *tell_ctx;
};

/*
 * Makes what the stream holds valid, one object after the other: references must be valid
 * by then. Whatever is wrong with an object, nothing of it and what follows becomes
 * valid.
 */
int store_read_export(struct store *st, const struct export_reader *r, struct error *err);
