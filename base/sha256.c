// SPDX-License-Identifier: MIT
/*
 * The digest functions themselves, not EVP: looking an algorithm up in libcrypto's
 * providers costs more than hashing a store path, and a run that does nothing hashes
 * hundreds. The block function is the same, SHA instructions included.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/sha256.h"

#include <openssl/sha.h>

#include "base/alloc.h"

struct sha256_ctx {
	SHA256_CTX sha;
};

struct sha256_ctx *sha256_new(void)
{
	struct sha256_ctx *ctx = xmalloc(sizeof(*ctx));

	SHA256_Init(&ctx->sha);
	return ctx;
}

void sha256_add(struct sha256_ctx *ctx, const void *bytes, size_t n)
{
	SHA256_Update(&ctx->sha, bytes, n);
}

struct sha256 sha256_end(struct sha256_ctx *ctx)
{
	struct sha256 h;

	SHA256_Final(h.bytes, &ctx->sha);
	sha256_drop(ctx);
	return h;
}

void sha256_drop(struct sha256_ctx *ctx)
{
	free(ctx);
}

struct sha256 sha256_of(const void *bytes, size_t n)
{
	SHA256_CTX sha;
	struct sha256 h;

	/* SHA256() in one call would go through EVP. */
	SHA256_Init(&sha);
	SHA256_Update(&sha, bytes, n);
	SHA256_Final(h.bytes, &sha);
	return h;
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
