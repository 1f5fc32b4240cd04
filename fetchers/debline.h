/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A locked package file as it stands in a lock, one line:
 *	NAME.deb sha256:HEX SIZE pool/main/x/y/
 */
#include "base/arena.h"
#include "base/argv.h"
#include "base/error.h"
#include "base/str.h"
#include "fetchers/host.h"

struct deb_line {
	const char *name;   /* file name */
	const char *sha256; /* hex */
	const char *pool;   /* directory with a slash at its end */
	uint64_t size;
};

/* Checked as deb_line_check does; class ERROR_LOCK. */
int deb_line_parse(struct str text, struct arena *a, struct deb_line *out,
		   struct error *err);
void deb_line_write(const struct deb_line *d, struct strbuf *out);
/* Digest, name and directory are what they must be; never a way out of a directory. */
int deb_line_check(const struct deb_line *d, struct error *err);
/* Where it may be: every mirror, then the snapshots of `date` (NULL: none). */
void deb_line_urls(const struct deb_line *d, const struct host *h, const char *date,
		   struct argv *urls);
/* Puts in front of err that no mirror has the file any more, and what to do. */
int deb_line_gone(const struct deb_line *d, const char *input, struct error *err);
