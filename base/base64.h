/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Base64 as in RFC 4648, section 4: padded, canonical. A text that is not exactly what
 * the encoder writes is refused, so that one value has one text.
 */
#include <stdint.h>

#include "base/str.h"

/* Length of the text of n bytes, without NUL. */
static inline size_t base64_len(size_t n)
{
	return (n + 2) / 3 * 4;
}

/* Text with its NUL into out[base64_len(n) + 1]; returns out. */
char *base64_encode(const uint8_t *bytes, size_t n, char *out);
/* How many bytes the text stands for, at most 3/4 of its length, or -1. out may be NULL.
 */
long base64_decode(struct str text, uint8_t *out);
