/* SPDX-License-Identifier: MIT */
#pragma once
/* Compressed files, by the programs that this machine has for them. */
#include "base/error.h"
#include "base/str.h"

/* "gzip", "zstd" ... by the first bytes; NULL: not compressed in a way we know. */
const char *packing_of(struct str file);
/* What a file of this packing holds. -1 also when it is too much to look at. */
int unpack_file(const char *packing, const char *path, struct strbuf *out,
		struct error *err);
