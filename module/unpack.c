// SPDX-License-Identifier: MIT
#include "module/unpack.h"

#include <dlfcn.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include "base/alloc.h"
#include "module/lz4.h"

enum { CHUNK = 128 << 10 };

#define DECLARE(name) __typeof__(name) *name##_

struct function {
	const char *name;
	void *at; /* of a pointer to a function */
};

static int load(const char *library, const char *package, const struct function *f,
		struct error *err)
{
	void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);

	if (!handle) {
		error_class(err, ERROR_INFRA, "unpacking needs %s: %s", library,
			    dlerror());
		return error_hint(err, "apt-get install %s", package);
	}
	for (; f->name; f++) {
		void *found = dlsym(handle, f->name);

		if (!found)
			return error_class(err, ERROR_INFRA, "%s has no %s", library,
					   f->name);
		memcpy(f->at, &found, sizeof(found));
	}
	return 0;
}

static int not_whole(const char *name, const char *why, struct error *err)
{
	return error_class(err, ERROR_RECIPE, "the file is no whole %s file: %s", name,
			   why);
}

static int too_large(size_t max, struct error *err)
{
	return error_class(err, ERROR_RECIPE,
			   "the unpacked file is larger than %zu bytes", max);
}

/* --- gzip --------------------------------------------------------------------------- */

static struct {
	DECLARE(inflateInit2_);
	DECLARE(inflate);
	DECLARE(inflateReset);
	DECLARE(inflateEnd);
} zlib;

static int load_zlib(struct error *err)
{
	const struct function functions[] = {{"inflateInit2_", &zlib.inflateInit2__},
					     {"inflate", &zlib.inflate_},
					     {"inflateReset", &zlib.inflateReset_},
					     {"inflateEnd", &zlib.inflateEnd_},
					     {0}};

	return zlib.inflateEnd_ ? 0 : load("libz.so.1", "zlib1g", functions, err);
}

static bool another_member(const z_stream *z)
{
	return z->avail_in > 2 && z->next_in[0] == 0x1f && z->next_in[1] == 0x8b;
}

static int inflate_members(z_stream *z, size_t max, struct strbuf *out, struct error *err)
{
	size_t start = out->len;
	int code = Z_OK;

	while (code != Z_STREAM_END || another_member(z)) {
		if (code == Z_STREAM_END)
			zlib.inflateReset_(z);
		strbuf_reserve(out, CHUNK);
		z->next_out = (Bytef *)out->ptr + out->len;
		z->avail_out = CHUNK;
		code = zlib.inflate_(z, Z_NO_FLUSH);
		if (code != Z_OK && code != Z_STREAM_END)
			return not_whole("gzip", z->msg ? z->msg : "it ends early", err);
		out->len += CHUNK - z->avail_out;
		if (out->len - start > max)
			return too_large(max, err);
	}
	return 0;
}

static int unpack_gzip(struct str packed, size_t max, struct strbuf *out,
		       struct error *err)
{
	enum { GZIP_ONLY = 16 + MAX_WBITS };
	z_stream z = {.next_in = (Bytef *)packed.ptr};

	if (load_zlib(err) < 0)
		return -1;
	if (packed.len > UINT_MAX)
		return too_large(UINT_MAX, err);
	z.avail_in = (uInt)packed.len;
	if (zlib.inflateInit2__(&z, GZIP_ONLY, ZLIB_VERSION, sizeof(z)) != Z_OK)
		return error_class(err, ERROR_INFRA, "libz.so.1 is of another version");
	int res = inflate_members(&z, max, out, err);
	zlib.inflateEnd_(&z);
	return res;
}

/* --- xz ----------------------------------------------------------------------------- */

static struct {
	DECLARE(lzma_stream_decoder);
	DECLARE(lzma_alone_decoder);
	DECLARE(lzma_code);
	DECLARE(lzma_end);
} lzma;

static int load_lzma(struct error *err)
{
	const struct function functions[] = {
		{"lzma_stream_decoder", &lzma.lzma_stream_decoder_},
		{"lzma_alone_decoder", &lzma.lzma_alone_decoder_},
		{"lzma_code", &lzma.lzma_code_},
		{"lzma_end", &lzma.lzma_end_},
		{0}};

	return lzma.lzma_end_ ? 0 : load("liblzma.so.5", "liblzma5", functions, err);
}

static int decode_xz(const char *name, lzma_stream *s, size_t max, struct strbuf *out,
		     struct error *err)
{
	size_t start = out->len;
	lzma_ret code = LZMA_OK;

	while (code == LZMA_OK) {
		strbuf_reserve(out, CHUNK);
		s->next_out = (uint8_t *)out->ptr + out->len;
		s->avail_out = CHUNK;
		code = lzma.lzma_code_(s, LZMA_RUN);
		if (code == LZMA_MEMLIMIT_ERROR)
			return not_whole(name, "it wants too much memory", err);
		if ((code != LZMA_OK && code != LZMA_STREAM_END) ||
		    (code == LZMA_OK && s->avail_out == CHUNK && !s->avail_in))
			return not_whole(name, "it is damaged or ends early", err);
		out->len += CHUNK - s->avail_out;
		if (out->len - start > max)
			return too_large(max, err);
	}
	return 0;
}

enum { MEMORY_MAX = 256 << 20 };

static int unpack_xz(struct str packed, size_t max, struct strbuf *out, struct error *err)
{
	lzma_stream s = LZMA_STREAM_INIT;

	if (load_lzma(err) < 0)
		return -1;
	s.next_in = (const uint8_t *)packed.ptr;
	s.avail_in = packed.len;
	if (lzma.lzma_stream_decoder_(&s, MEMORY_MAX, 0) != LZMA_OK)
		return error_class(err, ERROR_INFRA, "liblzma.so.5 cannot be used");
	int res = decode_xz("xz", &s, max, out, err);
	lzma.lzma_end_(&s);
	return res;
}

/* The older format, which kernels still use. */
static int unpack_lzma(struct str packed, size_t max, struct strbuf *out,
		       struct error *err)
{
	lzma_stream s = LZMA_STREAM_INIT;

	if (load_lzma(err) < 0)
		return -1;
	s.next_in = (const uint8_t *)packed.ptr;
	s.avail_in = packed.len;
	if (lzma.lzma_alone_decoder_(&s, MEMORY_MAX) != LZMA_OK)
		return error_class(err, ERROR_INFRA, "liblzma.so.5 cannot be used");
	int res = decode_xz("lzma", &s, max, out, err);
	lzma.lzma_end_(&s);
	return res;
}

/* --- zstd --------------------------------------------------------------------------- */

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
			res = not_whole("zstd",
					ZSTD_isError(left) ? ZSTD_getErrorName(left)
							   : "it ends early",
					err);
		else
			out->len += to.pos;
		if (res == 0 && out->len - start > max)
			res = too_large(max, err);
	}
	ZSTD_freeDCtx(ctx);
	return res;
}

/* --- all of them -------------------------------------------------------------------- */

static const struct packed packings[] = {
	{STR("\x1f\x8b"), "gzip", "gunzip -k FILE", unpack_gzip},
	{STR("\xfd"
	     "7zXZ\0"),
	 "xz", "unxz -k FILE", unpack_xz},
	{STR("\x28\xb5\x2f\xfd"), "zstd", "unzstd FILE", unpack_zstd},
	{STR("\x5d\0\0"), "lzma", "unlzma -k FILE", unpack_lzma},
	{STR("\x02\x21\x4c\x18"), "lz4", "unlz4 FILE", unpack_lz4},
	{STR("BZh"), "bzip2", "bunzip2 -k FILE", NULL},
};

const struct packed *packed_as(struct str file)
{
	for (size_t i = 0; i < ARRAY_LEN(packings); i++)
		if (file.len >= packings[i].magic.len &&
		    !memcmp(file.ptr, packings[i].magic.ptr, packings[i].magic.len))
			return &packings[i];
	return NULL;
}

int unpack(struct str file, size_t max, struct strbuf *out, struct error *err)
{
	const struct packed *p = packed_as(file);

	if (!p) {
		strbuf_add(out, file.ptr, file.len);
		return 0;
	}
	if (p->unpack) {
		int res = p->unpack(file, max, out, err);
		strbuf_adds(out, ""); /* they only add bytes, the buffer ends in NUL */
		return res;
	}
	error_class(err, ERROR_RECIPE,
		    "expected a file that is not packed, or with gzip, xz, zstd, "
		    "lzma or lz4; found %s",
		    p->name);
	return error_hint(err, "unpack it first: %s", p->hint);
}
