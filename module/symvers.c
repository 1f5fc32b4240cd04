// SPDX-License-Identifier: MIT
#include "module/symvers.h"

#include "base/alloc.h"

/* --- a table of tens of thousands of names, of which a module needs a few ------------
 */

/* FNV-1a, 32 bit: Fowler, Noll, Vo; draft-eastlake-fnv. */
static uint32_t hash_of(const char *s)
{
	uint32_t h = 0x811c9dc5;

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 0x01000193;
	return h;
}

/* Where the name is, or would be: nslots is a power of two, and never are all taken. */
static uint32_t *slot_of(const struct symvers *s, const char *name, uint32_t hash)
{
	size_t i = hash & (s->nslots - 1);

	while (s->slots[i]) {
		const struct symvers_entry *e = &s->entries[s->slots[i] - 1];

		if (e->hash == hash && strcmp(e->name, name) == 0)
			break;
		i = (i + 1) & (s->nslots - 1);
	}
	return &s->slots[i];
}

static void make_room(struct symvers *s, size_t more)
{
	size_t want = s->nslots ? s->nslots : 64;

	while (want < (s->n + more) * 2)
		want *= 2;
	if (s->n + more > s->cap) {
		s->cap = want / 2;
		s->entries = xreallocarray(s->entries, s->cap, sizeof(*s->entries));
	}
	if (want == s->nslots)
		return;
	free(s->slots);
	s->nslots = want;
	s->slots = xcalloc(want, sizeof(*s->slots));
	for (size_t i = 0; i < s->n; i++)
		*slot_of(s, s->entries[i].name, s->entries[i].hash) = (uint32_t)i + 1;
}

/* Of two for one name the later one counts, unless `keep`. */
static void set(struct symvers *s, struct symvers_entry e, bool keep)
{
	e.hash = hash_of(e.name);
	uint32_t *slot = slot_of(s, e.name, e.hash);

	if (*slot && keep)
		return;
	if (!*slot) {
		*slot = (uint32_t)++s->n;
		s->entries[s->n - 1] = e;
	}
	s->entries[*slot - 1] = e;
}

static size_t count_lines(struct str text)
{
	size_t n = 1;

	for (const char *p = text.ptr, *end = p + text.len;
	     (p = memchr(p, '\n', (size_t)(end - p))); p++)
		n++;
	return n;
}

/* --- its lines ---------------------------------------------------------------------- */

static bool is_export(const char *s)
{
	return strncmp(s, "EXPORT_", 7) == 0;
}

static bool read_crc(const char *s, uint32_t *crc)
{
	uint64_t v = 0;

	if (s[0] != '0' || s[1] != 'x')
		return false;
	for (s += 2; *s; s++) {
		int digit = *s >= '0' && *s <= '9'   ? *s - '0'
			    : *s >= 'a' && *s <= 'f' ? *s - 'a' + 10
			    : *s >= 'A' && *s <= 'F' ? *s - 'A' + 10
						     : -1;
		if (digit < 0)
			return false;
		v = v << 4 | (unsigned)digit;
	}
	*crc = (uint32_t)v;
	return true;
}

/* The line is cut into its fields, which then are the entry's texts. */
static int read_line(struct symvers *s, char *line)
{
	struct symvers_entry e = {0};
	char *f[5] = {line, "", "", "", ""};
	size_t n = 1;

	for (char *tab = line; (tab = strchr(tab, '\t')); f[n++] = tab) {
		if (n == ARRAY_LEN(f))
			return -1;
		*tab++ = '\0';
	}
	bool old = !is_export(f[3]) && is_export(f[4]);
	if (n < 4 || !*f[1] || (!old && !is_export(f[3])) || !read_crc(f[0], &e.crc))
		return -1;
	e.name = f[1];
	e.module = old ? f[3] : f[2];
	e.name_space = old ? f[2] : f[4];
	e.gpl = strstr(old ? f[4] : f[3], "_GPL") != NULL;
	set(s, e, false);
	return 0;
}

int symvers_read(struct symvers *s, struct str text, struct arena *a, struct error *err)
{
	if (memchr(text.ptr, '\0', text.len))
		return error_class(err, ERROR_RECIPE,
				   "expected a text, found a NUL in it");
	char *rest = arena_strndup(a, text.ptr, text.len);

	make_room(s, count_lines(text));
	for (size_t n = 1; rest; n++) {
		char *line = strsep(&rest, "\n");

		if (*line && read_line(s, line) < 0)
			return error_class(err, ERROR_RECIPE,
					   "line %zu: expected CRC, symbol, module and "
					   "EXPORT_SYMBOL with tabs between",
					   n);
	}
	return 0;
}

void symvers_add_names(struct symvers *s, struct str text, struct arena *a)
{
	char *rest = arena_strndup(a, text.ptr, text.len);

	make_room(s, count_lines(text));
	while (rest) {
		const struct symvers_entry e = {
			.name = strsep(&rest, "\n"), .module = "", .name_space = ""};

		if (*e.name)
			set(s, e, true);
	}
}

const struct symvers_entry *symvers_find(const struct symvers *s, const char *symbol)
{
	uint32_t slot = s->nslots ? *slot_of(s, symbol, hash_of(symbol)) : 0;

	return slot ? &s->entries[slot - 1] : NULL;
}

void symvers_finish(struct symvers *s)
{
	free(s->entries);
	free(s->slots);
	*s = (struct symvers){0};
}
