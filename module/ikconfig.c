// SPDX-License-Identifier: MIT
#include "module/ikconfig.h"

#include "module/image.h"
#include "module/unpack.h"

enum { CONFIG_MAX = 16 << 20 };

static bool is_config(struct str text)
{
	return memmem(text.ptr, text.len, "CONFIG_", 7) != NULL;
}

bool ikconfig_find(struct str file, struct strbuf *out)
{
	static const struct str mark = STR("IKCFG_ST\x1f\x8b");
	size_t before = out->len;

	for (struct str rest = file; rest.len;) {
		autoerror struct error ignored = {0}; /* the mark alone says little */
		const char *at = memmem(rest.ptr, rest.len, mark.ptr, mark.len);
		if (!at)
			return false;
		at += mark.len - 2;
		rest.len -= (size_t)(at - rest.ptr);
		rest.ptr = at;
		if (unpack(rest, CONFIG_MAX, out, &ignored) == 0 &&
		    is_config((struct str){out->ptr + before, out->len - before}))
			return true;
		out->len = before;
	}
	return false;
}

bool ikconfig_read(struct str file, struct strbuf *out)
{
	autobuf struct strbuf inner = STRBUF_INIT;

	if (ikconfig_find(file, out))
		return true;
	return image_payload(file, &inner) &&
	       ikconfig_find((struct str){inner.ptr, inner.len}, out);
}
