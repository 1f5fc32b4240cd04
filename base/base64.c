// SPDX-License-Identifier: MIT
#include "base/base64.h"

static const char alphabet[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *base64_encode(const uint8_t *bytes, size_t n, char *out)
{
	char *p = out;

	for (size_t i = 0; i < n; i += 3) {
		size_t have = n - i < 3 ? n - i : 3;
		uint32_t bits = (uint32_t)bytes[i] << 16;

		if (have > 1)
			bits |= (uint32_t)bytes[i + 1] << 8;
		if (have > 2)
			bits |= bytes[i + 2];
		for (size_t k = 0; k < 4; k++)
			*p++ = k <= have ? alphabet[bits >> (18 - 6 * k) & 63] : '=';
	}
	*p = '\0';
	return out;
}

static int digit(char c)
{
	const char *hit = c ? strchr(alphabet, c) : NULL;

	return hit ? (int)(hit - alphabet) : -1;
}

long base64_decode(struct str text, uint8_t *out)
{
	size_t pad = 0, n = 0;

	if (text.len % 4 != 0)
		return -1;
	while (pad < 2 && pad < text.len && text.ptr[text.len - 1 - pad] == '=')
		pad++;
	for (size_t i = 0; i < text.len; i += 4) {
		size_t chars = i + 4 == text.len ? 4 - pad : 4;
		uint32_t bits = 0;

		for (size_t k = 0; k < 4; k++) {
			int d = k < chars ? digit(text.ptr[i + k]) : 0;

			if (d < 0)
				return -1;
			bits = bits << 6 | (uint32_t)d;
		}
		/* What lies beyond the last byte must be zero. */
		if ((chars == 3 && bits & 0xff) || (chars == 2 && bits & 0xffff))
			return -1;
		for (size_t k = 0; k + 1 < chars; k++, n++)
			if (out)
				out[n] = (uint8_t)(bits >> (16 - 8 * k));
	}
	return (long)n;
}
