// SPDX-License-Identifier: MIT
#include <zstd.h>

#include "base/alloc.h"
#include "module/module.h"

static int unpack_zstd(struct str file, size_t max, struct strbuf *out, struct error *err)
{
	ZSTD_DCtx *ctx = ZSTD_createDCtx();
	ZSTD_inBuffer in = {file.ptr, file.len, 0};
	size_t left = 1, start = out->len;
	int res = 0;

	while (res == 0 && left && (in.pos < in.size || left > 0)) {
		strbuf_reserve(out, ZSTD_DStreamOutSize());
		ZSTD_outBuffer to = {out->ptr + out->len, ZSTD_DStreamOutSize(), 0};
		size_t before = in.pos;

		left = ZSTD_decompressStream(ctx, &to, &in);
		if (ZSTD_isError(left) || (left && !to.pos && in.pos == before))
			res = error_class(err, ERROR_RECIPE,
					  "the file is no whole zstd file: %s",
					  ZSTD_isError(left) ? ZSTD_getErrorName(left)
							     : "it ends early");
		else
			out->len += to.pos;
		if (res == 0 && out->len - start > max)
			res = error_class(err, ERROR_RECIPE,
					  "the unpacked file is larger than %zu bytes",
					  max);
	}
	ZSTD_freeDCtx(ctx);
	return res;
}

int module_unpack(struct str file, size_t max, struct strbuf *out, struct error *err)
{
	static const struct {
		struct str magic;
		const char *name, *hint;
	} packings[] = {
		{STR("\x1f\x8b"), "gzip", "gunzip -k FILE"},
		{STR("\xfd"
		     "7zXZ"),
		 "xz", "unxz -k FILE"},
		{STR("BZh"), "bzip2", "bunzip2 -k FILE"},
	};

	for (size_t i = 0; i < ARRAY_LEN(packings); i++) {
		if (file.len < packings[i].magic.len ||
		    memcmp(file.ptr, packings[i].magic.ptr, packings[i].magic.len) != 0)
			continue;
		error_class(err, ERROR_RECIPE,
			    "expected an ELF file or one packed with zstd, found %s",
			    packings[i].name);
		return error_hint(err, "unpack it first: %s", packings[i].hint);
	}
	if (file.len >= 4 && memcmp(file.ptr, "\x28\xb5\x2f\xfd", 4) == 0)
		return unpack_zstd(file, max, out, err);
	strbuf_add(out, file.ptr, file.len);
	return 0;
}
