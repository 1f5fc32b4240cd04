/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * SHA-256 (FIPS 180-4) by libcrypto, which takes the processor's SHA instructions.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct sha256 {
	uint8_t bytes[32];
};

enum { SHA256_HEX_SIZE = 65 };

struct sha256_ctx;

struct sha256_ctx *sha256_new(void);
void sha256_add(struct sha256_ctx *ctx, const void *bytes, size_t n);
/* The digest so far's; frees ctx. */
struct sha256 sha256_end(struct sha256_ctx *ctx);
/* Frees ctx without an answer; NULL is fine. */
void sha256_drop(struct sha256_ctx *ctx);

struct sha256 sha256_of(const void *bytes, size_t n);

/* Lower-case hex with its NUL into out[65]; returns out. */
char *sha256_hex(const struct sha256 *h, char out[SHA256_HEX_SIZE]);
/* Exactly 64 hex digits, lower or upper case. 0, or -1 if it is not that. */
int sha256_parse(const char *hex, struct sha256 *out);

static inline bool sha256_equal(const struct sha256 *a, const struct sha256 *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}
