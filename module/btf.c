// SPDX-License-Identifier: MIT
#include "module/btf.h"

#include "module/elf.h"

enum { MAGIC = 0xeb9f, HEADER = 24, TYPE = 12, FUNC_PROTO = 13 };

/* What follows a type: so many bytes, and so many for each of its parts. */
static const struct {
	unsigned char once, each;
	bool named; /* each part begins with a name */
} kinds[] = {
	[1] = {4, 0, false},                               /* int */
	[3] = {12, 0, false},                              /* array */
	[4] = {0, 12, true},                               /* struct */
	[5] = {0, 12, true},                               /* union */
	[6] = {0, 8, true},                                /* enum */
	[FUNC_PROTO] = {0, 8, true}, [14] = {4, 0, false}, /* variable */
	[15] = {0, 12, false},                             /* section */
	[17] = {4, 0, false},                              /* tag of a declaration */
	[19] = {0, 12, true},                              /* enum of 64 bit */
};

struct parts {
	struct str types, names;
};

static bool cut(struct str section, uint64_t at, uint64_t n, struct str *out)
{
	if (at > section.len || n > section.len - at)
		return false;
	*out = (struct str){section.ptr + at, (size_t)n};
	return true;
}

static bool split(struct str s, struct parts *p)
{
	if (s.len < HEADER || elf_number(s.ptr, 2) != MAGIC)
		return false;
	uint64_t header = elf_number(s.ptr + 4, 4);
	return cut(s, header + elf_number(s.ptr + 8, 4), elf_number(s.ptr + 12, 4),
		   &p->types) &&
	       cut(s, header + elf_number(s.ptr + 16, 4), elf_number(s.ptr + 20, 4),
		   &p->names);
}

bool btf_names_len(struct str section, uint32_t *n)
{
	struct parts p;

	if (!split(section, &p) || !p.names.len)
		return false;
	*n = (uint32_t)p.names.len;
	return true;
}

static void reach(uint32_t *max, const char *at)
{
	uint32_t name = (uint32_t)elf_number(at, 4);

	if (name > *max)
		*max = name;
}

bool btf_read(struct str section, struct btf *out)
{
	uint32_t all = 0;
	struct parts p;

	*out = (struct btf){0};
	if (!split(section, &p))
		return false;
	for (size_t at = 0; at < p.types.len;) {
		if (p.types.len - at < TYPE)
			return false;
		const char *type = p.types.ptr + at;
		uint64_t info = elf_number(type + 4, 4), n = info & 0xffff;
		unsigned kind = info >> 24 & 0x1f;
		size_t once = kind < ARRAY_LEN(kinds) ? kinds[kind].once : 0;
		size_t each = kind < ARRAY_LEN(kinds) ? kinds[kind].each : 0;

		at += TYPE;
		if (p.types.len - at < once + n * each)
			return false;
		reach(&out->reach, type);
		for (size_t i = 0; each && kinds[kind].named && i < n; i++)
			/* A parameter's name is nobody's business. */
			reach(kind == FUNC_PROTO ? &all : &out->reach,
			      p.types.ptr + at + i * each);
		at += once + n * each;
	}
	if (out->reach > all)
		all = out->reach;
	out->own = (uint32_t)p.names.len;
	/* The last name is used by something, or it would not be there. */
	const char *end =
		p.names.len > 1 ? memrchr(p.names.ptr, '\0', p.names.len - 1) : NULL;
	size_t last = end ? (size_t)(end + 1 - p.names.ptr) : 0;
	if (p.names.len > 1 && all > last)
		out->base = all - (uint32_t)last;
	return true;
}
