// SPDX-License-Identifier: MIT
#include "base/sha256.h"

#include <openssl/evp.h>

#include "base/alloc.h"

struct sha256_ctx {
	EVP_MD_CTX *md;
};

struct sha256_ctx *sha256_new(void)
{
	struct sha256_ctx *ctx = xmalloc(sizeof(*ctx));

	ctx->md = EVP_MD_CTX_new();
	if (!ctx->md || EVP_DigestInit_ex(ctx->md, EVP_sha256(), NULL) != 1)
		BUG("libcrypto has no SHA-256");
	return ctx;
}

void sha256_add(struct sha256_ctx *ctx, const void *bytes, size_t n)
{
	if (EVP_DigestUpdate(ctx->md, bytes, n) != 1)
		BUG("EVP_DigestUpdate failed");
}

struct sha256 sha256_end(struct sha256_ctx *ctx)
{
	struct sha256 h;

	if (EVP_DigestFinal_ex(ctx->md, h.bytes, NULL) != 1)
		BUG("EVP_DigestFinal_ex failed");
	sha256_drop(ctx);
	return h;
}

void sha256_drop(struct sha256_ctx *ctx)
{
	if (!ctx)
		return;
	EVP_MD_CTX_free(ctx->md);
	free(ctx);
}

struct sha256 sha256_of(const void *bytes, size_t n)
{
	struct sha256_ctx *ctx = sha256_new();

	sha256_add(ctx, bytes, n);
	return sha256_end(ctx);
}

char *sha256_hex(const struct sha256 *h, char out[SHA256_HEX_SIZE])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < sizeof(h->bytes); i++) {
		out[2 * i] = digits[h->bytes[i] >> 4];
		out[2 * i + 1] = digits[h->bytes[i] & 15];
	}
	out[64] = '\0';
	return out;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int sha256_parse(const char *hex, struct sha256 *out)
{
	for (size_t i = 0; i < sizeof(out->bytes); i++) {
		int hi = digit(hex[2 * i]);
		int lo = hi < 0 ? -1 : digit(hex[2 * i + 1]);

		if (lo < 0)
			return -1;
		out->bytes[i] = (uint8_t)(hi << 4 | lo);
	}
	return hex[64] == '\0' ? 0 : -1;
}
