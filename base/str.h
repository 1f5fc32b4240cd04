/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * struct str is a slice: a pointer and a length, passed by value, owning nothing.
 * struct strbuf grows and owns its bytes; buf.ptr is NUL-terminated after every call and
 * goes stale with the next one that adds bytes.
 *
 *	autobuf struct strbuf b = STRBUF_INIT;
 *	strbuf_printf(&b, "%s-%d", name, n);
 *	return strbuf_take(&b);
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"

struct str {
	const char *ptr;
	size_t len;
};

#define STR(literal) ((struct str){literal, sizeof(literal) - 1})

static inline struct str str_of(const char *s)
{
	return (struct str){s, strlen(s)};
}

static inline bool str_is(struct str a, const char *b)
{
	return strlen(b) == a.len && memcmp(a.ptr, b, a.len) == 0;
}

/*
 * Split off what comes before the first `sep`; `rest` keeps what follows. Without a `sep`
 * the whole is returned and rest is empty with a NULL pointer: while (rest.ptr) loops.
 */
struct str str_cut(struct str *rest, char sep);
bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);

struct strbuf {
	char *ptr;
	size_t len, cap;
};

#define STRBUF_INIT ((struct strbuf){0})
#define autobuf     __attribute__((cleanup(strbuf_finish)))

void strbuf_reserve(struct strbuf *b, size_t more);
void strbuf_add(struct strbuf *b, const void *bytes, size_t n);
void strbuf_adds(struct strbuf *b, const char *s);
void strbuf_addc(struct strbuf *b, char c);
PRINTF(2, 3) void strbuf_printf(struct strbuf *b, const char *fmt, ...);
void strbuf_vprintf(struct strbuf *b, const char *fmt, va_list ap);
/* A number of bytes for people: "317 B", "1.2 GiB". */
void strbuf_add_size(struct strbuf *b, uint64_t bytes);
void strbuf_reset(struct strbuf *b);
/* The bytes, now the caller's to free; never NULL. The buffer is empty afterwards. */
char *strbuf_take(struct strbuf *b);
void strbuf_finish(struct strbuf *b);

/*
 * Text from outside, fit for a terminal: control characters but tab and newline become
 * '?', U+0080 to U+009F included. Other bytes above 0x7f pass.
 */
void strbuf_add_masked(struct strbuf *b, const char *s, size_t n);
