// SPDX-License-Identifier: MIT
#include "base/source.h"

#include <string.h>

struct place span_place(struct span at)
{
	const char *text = at.src->text;
	size_t off = at.off < at.src->len ? at.off : at.src->len;
	size_t begin = 0, line = 1;

	for (const char *p = text; (p = memchr(p, '\n', off - (size_t)(p - text))); p++) {
		begin = (size_t)(p - text) + 1;
		line++;
	}
	const char *nl = memchr(text + begin, '\n', at.src->len - begin);
	size_t len = (nl ? (size_t)(nl - text) : at.src->len) - begin;
	size_t mark = off - begin;
	size_t mark_len = at.len < len - mark ? at.len : len - mark;

	return (struct place){
		.line = line,
		.col = mark + 1,
		.text = text + begin,
		.text_len = len,
		.mark_off = mark,
		.mark_len = mark_len,
	};
}
