// SPDX-License-Identifier: MIT
#include "realise/elf.h"

#include <elf.h>
#include <stdint.h>

static const struct str none = {"", 0};

/* The class decides how wide the fields are; both have the same names. */
#define SECTION_AT(bits)                                                                 \
	static struct str section_at##bits(struct str file, size_t offset)               \
	{                                                                                \
		Elf##bits##_Ehdr h;                                                      \
		Elf##bits##_Shdr s, names;                                               \
                                                                                         \
		if (file.len < sizeof(h))                                                \
			return none;                                                     \
		memcpy(&h, file.ptr, sizeof(h));                                         \
		if (h.e_shentsize != sizeof(s) || h.e_shoff > file.len ||                \
		    h.e_shnum > (file.len - h.e_shoff) / sizeof(s) ||                    \
		    h.e_shstrndx >= h.e_shnum)                                           \
			return none;                                                     \
		const char *table = file.ptr + h.e_shoff;                                \
		memcpy(&names, table + h.e_shstrndx * sizeof(s), sizeof(names));         \
		for (size_t i = 0; i < h.e_shnum; i++) {                                 \
			memcpy(&s, table + i * sizeof(s), sizeof(s));                    \
			if (s.sh_type == SHT_NOBITS || offset < s.sh_offset ||           \
			    offset - s.sh_offset >= s.sh_size)                           \
				continue;                                                \
			return text_at(file, (uint64_t)names.sh_offset + s.sh_name);     \
		}                                                                        \
		return none;                                                             \
	}

static struct str text_at(struct str file, uint64_t at)
{
	if (at >= file.len)
		return none;
	return (struct str){file.ptr + at, strnlen(file.ptr + at, file.len - at)};
}

SECTION_AT(32)
SECTION_AT(64)

struct str elf_section_at(struct str file, size_t offset)
{
	const unsigned char order =
		__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;

	if (file.len < EI_NIDENT || memcmp(file.ptr, ELFMAG, SELFMAG) != 0 ||
	    (unsigned char)file.ptr[EI_DATA] != order)
		return none;
	return file.ptr[EI_CLASS] == ELFCLASS64   ? section_at64(file, offset)
	       : file.ptr[EI_CLASS] == ELFCLASS32 ? section_at32(file, offset)
						  : none;
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
