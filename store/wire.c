// SPDX-License-Identifier: MIT
#include "store/wire.h"

#include <string.h>

/* --- writing ---------------------------------------------------------------------- */

int wire_flush(struct nar_sink *s, struct error *err)
{
	return s->len ? s->flush(s, err) : 0;
}

int wire_put(struct nar_sink *s, const void *bytes, size_t n, struct error *err)
{
	for (const char *p = bytes; n;) {
		size_t part = n < s->cap - s->len ? n : s->cap - s->len;

		memcpy(s->buf + s->len, p, part);
		s->len += part;
		s->total += part;
		p += part;
		n -= part;
		if (s->len == s->cap && wire_flush(s, err) < 0)
			return -1;
	}
	return 0;
}

int wire_put_number(struct nar_sink *s, uint64_t v, struct error *err)
{
	unsigned char le[8];

	for (size_t i = 0; i < sizeof(le); i++)
		le[i] = (unsigned char)(v >> 8 * i);
	return wire_put(s, le, sizeof(le), err);
}

int wire_put_padding(struct nar_sink *s, uint64_t n, struct error *err)
{
	static const char zeros[8];

	return wire_put(s, zeros, (size_t)(-n & 7), err);
}

int wire_put_text(struct nar_sink *s, const char *text, struct error *err)
{
	size_t n = strlen(text);

	if (wire_put_number(s, n, err) < 0 || wire_put(s, text, n, err) < 0)
		return -1;
	return wire_put_padding(s, n, err);
}

/* --- reading ---------------------------------------------------------------------- */

int wire_number(const struct wire *w, uint64_t *out)
{
	unsigned char le[8];

	if (w->read(w->ctx, le, sizeof(le), w->err) < 0)
		return -1;
	*out = 0;
	for (size_t i = sizeof(le); i-- > 0;)
		*out = *out << 8 | le[i];
	return 0;
}

int wire_padding(const struct wire *w, uint64_t n)
{
	char pad[8] = {0};
	size_t len = (size_t)(-n & 7);

	if (len && w->read(w->ctx, pad, len, w->err) < 0)
		return -1;
	for (size_t i = 0; i < len; i++)
		if (pad[i])
			return error_make(w->err, "padding of %s is not zero", w->what);
	return 0;
}

int wire_text(const struct wire *w, char *buf, size_t max, const char *name)
{
	uint64_t n;

	if (wire_number(w, &n) < 0)
		return -1;
	if (n > max)
		return error_make(w->err, "%s of %s is too long", name, w->what);
	if (n && w->read(w->ctx, buf, (size_t)n, w->err) < 0)
		return -1;
	buf[n] = '\0';
	if (memchr(buf, '\0', (size_t)n))
		return error_make(w->err, "%s of %s holds a NUL byte", name, w->what);
	return wire_padding(w, n);
}
