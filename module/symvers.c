// SPDX-License-Identifier: MIT
#include "module/symvers.h"

#include <stdlib.h>

static bool is_export(struct str s)
{
	return s.len >= 7 && memcmp(s.ptr, "EXPORT_", 7) == 0;
}

static bool has_gpl(struct str kind)
{
	return memmem(kind.ptr, kind.len, "_GPL", 4) != NULL;
}

static int read_line(struct symvers *s, struct str line, struct arena *a)
{
	struct str f[5] = {{"", 0}, {"", 0}, {"", 0}, {"", 0}, {"", 0}};
	size_t n = 0;

	while (line.ptr && n < 5)
		f[n++] = str_cut(&line, '\t');
	if (n < 4 || line.ptr || !f[1].len || f[0].len < 3 ||
	    memcmp(f[0].ptr, "0x", 2) != 0)
		return -1;
	bool old = !is_export(f[3]) && is_export(f[4]);
	if (!old && !is_export(f[3]))
		return -1;
	struct str module = old ? f[3] : f[2], space = old ? f[2] : f[4];
	struct symvers_entry *e = arena_new(a, struct symvers_entry);
	char *end;

	*e = (struct symvers_entry){
		.crc = (uint32_t)strtoul(f[0].ptr, &end, 16),
		.module = arena_strndup(a, module.ptr, module.len),
		.name_space = arena_strndup(a, space.ptr, space.len),
		.gpl = has_gpl(old ? f[4] : f[3]),
	};
	if (end != f[0].ptr + f[0].len)
		return -1;
	map_set(&s->entries, arena_strndup(a, f[1].ptr, f[1].len), e);
	return 0;
}

int symvers_read(struct symvers *s, struct str text, struct arena *a, struct error *err)
{
	for (size_t n = 1; text.ptr; n++) {
		struct str line = str_cut(&text, '\n');

		if (line.len && read_line(s, line, a) < 0)
			return error_class(err, ERROR_RECIPE,
					   "line %zu: expected CRC, symbol, module and "
					   "EXPORT_SYMBOL "
					   "with tabs between",
					   n);
	}
	return 0;
}

void symvers_add_names(struct symvers *s, struct str text, struct arena *a)
{
	static struct symvers_entry unknown = {.module = "", .name_space = ""};

	while (text.ptr) {
		struct str line = str_cut(&text, '\n');
		const char *name = arena_strndup(a, line.ptr, line.len);

		if (line.len && !map_get(&s->entries, name))
			map_set(&s->entries, name, &unknown);
	}
}

const struct symvers_entry *symvers_find(const struct symvers *s, const char *symbol)
{
	return map_get(&s->entries, symbol);
}

void symvers_finish(struct symvers *s)
{
	map_finish(&s->entries);
}
