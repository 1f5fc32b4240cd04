// SPDX-License-Identifier: MIT
#include "module/kconfig.h"

/* Quotes and backslashes inside have a backslash before them. */
static char *unquoted(struct str value, struct arena *a)
{
	char *out = arena_strndup(a, value.ptr, value.len), *to = out;

	if (*out != '"')
		return out;
	for (const char *p = out + 1; *p && *p != '"'; p++) {
		if (*p == '\\' && p[1])
			p++;
		*to++ = *p;
	}
	*to = '\0';
	return out;
}

void kconfig_read(struct kconfig *c, struct str text, struct arena *a)
{
	while (text.ptr) {
		struct str line = str_cut(&text, '\n');

		if (line.len && line.ptr[line.len - 1] == '\r')
			line.len--;
		if (line.len < 8 || memcmp(line.ptr, "CONFIG_", 7) != 0)
			continue;
		struct str value = {line.ptr + 7, line.len - 7};
		struct str symbol = str_cut(&value, '=');
		if (!value.ptr || str_is(value, "n"))
			continue;
		const char *name = arena_strndup(a, symbol.ptr, symbol.len);
		map_set(&c->values, name, unquoted(value, a));
	}
}

const char *kconfig_get(const struct kconfig *c, const char *symbol)
{
	return map_get(&c->values, symbol);
}

bool kconfig_is(const struct kconfig *c, const char *symbol)
{
	const char *value = kconfig_get(c, symbol);

	return value && (!strcmp(value, "y") || !strcmp(value, "m"));
}

void kconfig_finish(struct kconfig *c)
{
	map_finish(&c->values);
}
