// SPDX-License-Identifier: MIT
#include "base/str.h"

#include <stdio.h>

#include "base/alloc.h"

struct str str_cut(struct str *rest, char sep)
{
	const char *hit = rest->len ? memchr(rest->ptr, sep, rest->len) : NULL;
	struct str head = *rest;

	if (!hit) {
		*rest = (struct str){0};
		return head;
	}
	head.len = (size_t)(hit - head.ptr);
	rest->len -= head.len + 1;
	rest->ptr = hit + 1;
	return head;
}

bool str_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

void strbuf_reserve(struct strbuf *b, size_t more)
{
	size_t need = b->len + more + 1;

	if (need <= b->cap)
		return;
	size_t cap = b->cap ? b->cap * 2 : 64;
	if (cap < need)
		cap = need;
	b->ptr = xrealloc(b->ptr, cap);
	b->cap = cap;
}

void strbuf_add(struct strbuf *b, const void *bytes, size_t n)
{
	strbuf_reserve(b, n);
	if (n)
		memcpy(b->ptr + b->len, bytes, n);
	b->len += n;
	b->ptr[b->len] = '\0';
}

void strbuf_adds(struct strbuf *b, const char *s)
{
	strbuf_add(b, s, strlen(s));
}

void strbuf_addc(struct strbuf *b, char c)
{
	strbuf_add(b, &c, 1);
}

void strbuf_vprintf(struct strbuf *b, const char *fmt, va_list ap)
{
	va_list again;

	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);
	if (n < 0)
		BUG("bad format '%s'", fmt);
	strbuf_reserve(b, (size_t)n);
	vsnprintf(b->ptr + b->len, (size_t)n + 1, fmt, again);
	va_end(again);
	b->len += (size_t)n;
}

void strbuf_printf(struct strbuf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	strbuf_vprintf(b, fmt, ap);
	va_end(ap);
}

void strbuf_add_size(struct strbuf *b, uint64_t bytes)
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
	double n = (double)bytes / 1024;
	size_t unit = 0;

	if (bytes < 1024) {
		strbuf_printf(b, "%ju B", (uintmax_t)bytes);
		return;
	}
	for (; n >= 1024 && unit + 1 < ARRAY_LEN(units); unit++)
		n /= 1024;
	strbuf_printf(b, "%.1f %s", n, units[unit]);
}

void strbuf_reset(struct strbuf *b)
{
	b->len = 0;
	if (b->ptr)
		b->ptr[0] = '\0';
}

char *strbuf_take(struct strbuf *b)
{
	char *p = b->ptr ? b->ptr : xstrdup("");

	*b = STRBUF_INIT;
	return p;
}

void strbuf_finish(struct strbuf *b)
{
	free(b->ptr);
	*b = STRBUF_INIT;
}

void strbuf_add_masked(struct strbuf *b, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];
		unsigned char next = i + 1 < n ? (unsigned char)s[i + 1] : 0;
		bool bad = (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f;

		/* U+0080 to U+009F: terminals obey them, too. */
		if (c == 0xc2 && next >= 0x80 && next < 0xa0) {
			bad = true;
			i++;
		}
		strbuf_addc(b, bad ? '?' : (char)c);
	}
}
