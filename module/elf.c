// SPDX-License-Identifier: MIT
#include "module/elf.h"

#include <elf.h>

static const struct str none = {"", 0};

uint64_t elf_number(const char *p, size_t n)
{
	uint64_t v = 0;

	while (n--)
		v = v << 8 | (unsigned char)p[n];
	return v;
}

struct str elf_text(struct str data, uint64_t at)
{
	if (at >= data.len)
		return none;
	return (struct str){data.ptr + at, strnlen(data.ptr + at, data.len - at)};
}

/* Names are this long at most, so that a table of names without an end costs little. */
static struct str name_at(struct str data, uint64_t at)
{
	enum { NAME_MAX_LEN = 512 };

	if (at < data.len && data.len - at > NAME_MAX_LEN)
		data.len = at + NAME_MAX_LEN;
	return elf_text(data, at);
}

/* The fields of both classes have the same names and different widths. */
#define FIELD(e, p, kind, field)                                                         \
	((e)->wide ? elf_number((p) + offsetof(Elf64_##kind, field),                     \
				sizeof(((Elf64_##kind *)0)->field))                      \
		   : elf_number((p) + offsetof(Elf32_##kind, field),                     \
				sizeof(((Elf32_##kind *)0)->field)))
#define SIZE(e, kind) ((e)->wide ? sizeof(Elf64_##kind) : sizeof(Elf32_##kind))

static int check_ident(struct elf *e, struct error *err)
{
	const char *p = e->file.ptr;

	if (e->file.len < EI_NIDENT || memcmp(p, ELFMAG, SELFMAG) != 0)
		return error_class(err, ERROR_RECIPE, "expected an ELF file");
	if (p[EI_DATA] != ELFDATA2LSB)
		return error_class(err, ERROR_RECIPE,
				   "expected a little endian ELF file%s",
				   p[EI_DATA] == ELFDATA2MSB ? ", found big endian" : "");
	if (p[EI_CLASS] != ELFCLASS32 && p[EI_CLASS] != ELFCLASS64)
		return error_class(err, ERROR_RECIPE,
				   "expected an ELF file of 32 or 64 bit");
	e->wide = p[EI_CLASS] == ELFCLASS64;
	if (e->file.len < SIZE(e, Ehdr))
		return error_class(err, ERROR_RECIPE,
				   "the ELF file ends inside of its header");
	return 0;
}

int elf_open(struct elf *e, struct str file, struct error *err)
{
	*e = (struct elf){.file = file};
	if (check_ident(e, err) < 0)
		return -1;
	e->type = (uint16_t)FIELD(e, file.ptr, Ehdr, e_type);
	e->machine = (uint16_t)FIELD(e, file.ptr, Ehdr, e_machine);
	e->sections = FIELD(e, file.ptr, Ehdr, e_shoff);
	e->nsections = FIELD(e, file.ptr, Ehdr, e_shnum);
	e->names = FIELD(e, file.ptr, Ehdr, e_shstrndx);
	if (FIELD(e, file.ptr, Ehdr, e_shentsize) != SIZE(e, Shdr) ||
	    e->sections > file.len ||
	    e->nsections > (file.len - e->sections) / SIZE(e, Shdr) ||
	    e->names >= e->nsections)
		return error_class(err, ERROR_RECIPE,
				   "the ELF file's table of sections is broken");
	return 0;
}

/* All but the name and the bytes: nothing is checked. */
static struct elf_section header(const struct elf *e, size_t i)
{
	const char *p = e->file.ptr + e->sections + i * SIZE(e, Shdr);

	return (struct elf_section){
		.name = none,
		.type = (uint32_t)FIELD(e, p, Shdr, sh_type),
		.link = (uint32_t)FIELD(e, p, Shdr, sh_link),
		.info = (uint32_t)FIELD(e, p, Shdr, sh_info),
		.flags = FIELD(e, p, Shdr, sh_flags),
		.offset = FIELD(e, p, Shdr, sh_offset),
		.size = FIELD(e, p, Shdr, sh_size),
		.data = none,
	};
}

static struct str name_of(const struct elf *e, size_t i)
{
	const char *p = e->file.ptr + e->sections + i * SIZE(e, Shdr);
	uint64_t offset = header(e, e->names).offset;

	if (offset > e->file.len)
		return none;
	return name_at((struct str){e->file.ptr + offset, e->file.len - offset},
		       FIELD(e, p, Shdr, sh_name));
}

int elf_section(const struct elf *e, size_t i, struct elf_section *s, struct error *err)
{
	*s = header(e, i);
	s->name = name_of(e, i);
	if (s->type == SHT_NOBITS || s->type == SHT_NULL)
		return 0;
	if (s->offset > e->file.len || s->size > e->file.len - s->offset)
		return error_class(err, ERROR_RECIPE,
				   "section %zu (%.*s) ends outside of the file", i,
				   (int)s->name.len, s->name.ptr);
	s->data = (struct str){e->file.ptr + s->offset, s->size};
	return 0;
}

int elf_find(const struct elf *e, const char *name, uint32_t type, struct elf_section *s,
	     struct error *err)
{
	for (size_t i = 1; i < e->nsections; i++) {
		if (!str_is(name_of(e, i), name) ||
		    (type != SHT_NULL && header(e, i).type != type))
			continue;
		return elf_section(e, i, s, err) < 0 ? -1 : 1;
	}
	return 0;
}

size_t elf_symbol_count(const struct elf *e, const struct elf_section *table)
{
	return table->data.len / SIZE(e, Sym);
}

struct elf_symbol elf_symbol(const struct elf *e, const struct elf_section *table,
			     struct str names, size_t i)
{
	const char *p = table->data.ptr + i * SIZE(e, Sym);
	unsigned info = (unsigned)FIELD(e, p, Sym, st_info);

	return (struct elf_symbol){
		.name = name_at(names, FIELD(e, p, Sym, st_name)),
		.value = FIELD(e, p, Sym, st_value),
		.bind = info >> 4,
		.type = info & 15,
		.section = (unsigned)FIELD(e, p, Sym, st_shndx),
	};
}

static size_t relocation_size(const struct elf *e, const struct elf_section *table)
{
	return table->type == SHT_RELA ? SIZE(e, Rela) : SIZE(e, Rel);
}

size_t elf_relocation_count(const struct elf *e, const struct elf_section *table)
{
	return table->data.len / relocation_size(e, table);
}

struct elf_relocation elf_relocation(const struct elf *e, const struct elf_section *table,
				     size_t i)
{
	/* The addend follows what both kinds have. */
	const char *p = table->data.ptr + i * relocation_size(e, table);
	uint64_t info = FIELD(e, p, Rel, r_info);

	return (struct elf_relocation){
		.offset = FIELD(e, p, Rel, r_offset),
		.symbol = (uint32_t)(e->wide ? ELF64_R_SYM(info) : ELF32_R_SYM(info)),
		.type = (uint32_t)(e->wide ? ELF64_R_TYPE(info) : ELF32_R_TYPE(info)),
	};
}

struct str elf_section_at(struct str file, size_t offset)
{
	autoerror struct error ignored = {0};
	struct elf e;

	if (elf_open(&e, file, &ignored) < 0)
		return none;
	for (size_t i = 0; i < e.nsections; i++) {
		struct elf_section s = header(&e, i);

		if (s.type != SHT_NOBITS && offset >= s.offset &&
		    offset - s.offset < s.size)
			return name_of(&e, i);
	}
	return none;
}

bool elf_in_build_id(struct str file, struct str part)
{
	static const char head[] = "\x03\0\0\0GNU";
	const size_t most = 20 + sizeof(head);

	if (part.ptr < file.ptr || part.ptr >= file.ptr + file.len)
		return false;
	size_t before = (size_t)(part.ptr - file.ptr);
	if (before > most)
		before = most;
	return memmem(part.ptr - before, before, head, sizeof(head)) != NULL;
}
