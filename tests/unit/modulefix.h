/* SPDX-License-Identifier: MIT */
#pragma once
/* Modules for tests: a small writer of ELF files, and a module as a table row. */
#include <elf.h>
#include <stdlib.h>

#include "base/str.h"

/* --- a small writer of ELF files ---------------------------------------------------- */

enum { SECTIONS_MAX = 16 };

struct section {
	const char *name;
	uint32_t type, link, info;
	uint64_t flags;
	struct strbuf data;
};

struct image {
	bool wide;
	uint16_t machine;
	struct section s[SECTIONS_MAX];
	size_t n;
};

static void put(struct strbuf *b, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		strbuf_addc(b, i < 8 ? (char)(v >> 8 * i) : 0);
}

/* A word of the class. */
static void put_word(struct strbuf *b, bool wide, uint64_t v)
{
	put(b, v, wide ? 8 : 4);
}

static struct section *add_section(struct image *im, const char *name, uint32_t type)
{
	struct section *s = &im->s[im->n++];

	*s = (struct section){.name = name, .type = type};
	return s;
}

static void put_header(struct strbuf *b, const struct image *im, uint64_t table)
{
	strbuf_add(b, ELFMAG, SELFMAG);
	put(b, im->wide ? ELFCLASS64 : ELFCLASS32, 1);
	put(b, ELFDATA2LSB, 1);
	put(b, EV_CURRENT, 1);
	put(b, 0, 9);
	put(b, ET_REL, 2);
	put(b, im->machine, 2);
	put(b, EV_CURRENT, 4);
	put_word(b, im->wide, 0);
	put_word(b, im->wide, 0);
	put_word(b, im->wide, table);
	put(b, 0, 4);
	put(b, im->wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr), 2);
	put(b, 0, 4);
	put(b, im->wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr), 2);
	put(b, im->n, 2);
	put(b, im->n - 1, 2);
}

static void put_section(struct strbuf *b, const struct image *im, const struct section *s,
			uint64_t name, uint64_t offset)
{
	bool w = im->wide;

	put(b, name, 4);
	put(b, s->type, 4);
	put_word(b, w, s->flags);
	put_word(b, w, 0);
	put_word(b, w, offset);
	put_word(b, w, s->data.len);
	put(b, s->link, 4);
	put(b, s->info, 4);
	put_word(b, w, 1);
	put_word(b, w, 0);
}

/* Header, the bytes of all sections, their table. The last one holds the names. */
static void write_image(struct image *im, struct strbuf *out)
{
	struct section *names = add_section(im, ".shstrtab", SHT_STRTAB);
	uint64_t at[SECTIONS_MAX], offset[SECTIONS_MAX];
	uint64_t pos = im->wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);

	for (size_t i = 0; i < im->n; i++) {
		at[i] = names->data.len;
		strbuf_add(&names->data, im->s[i].name, strlen(im->s[i].name) + 1);
	}
	for (size_t i = 0; i < im->n; i++) {
		offset[i] = pos;
		pos += im->s[i].data.len;
	}
	put_header(out, im, pos);
	for (size_t i = 0; i < im->n; i++)
		if (im->s[i].data.len)
			strbuf_add(out, im->s[i].data.ptr, im->s[i].data.len);
	for (size_t i = 0; i < im->n; i++) {
		put_section(out, im, &im->s[i], at[i], offset[i]);
		strbuf_finish(&im->s[i].data);
	}
}

/* --- a module made with it ---------------------------------------------------------- */

struct want {
	uint16_t machine;
	bool wide;
	const char *vermagic, *license;
	const char *tags;    /* more of .modinfo, separated by blanks */
	const char *symbols; /* undefined, separated by blanks; ~ before weak ones */
	const char *crcs;    /* "name=hex name=hex"; NULL: no such section */
	bool extended, is_signed, btf;
	uint32_t relocation; /* a type, if not 0 */
	uint64_t struct_size;
};

static void put_tag(struct strbuf *b, const char *key, const char *value)
{
	if (value) {
		strbuf_printf(b, "%s=%s", key, value);
		strbuf_addc(b, '\0');
	}
}

static void put_tags(struct image *im, const struct want *w)
{
	struct strbuf *b = &add_section(im, ".modinfo", SHT_PROGBITS)->data;
	struct str rest = str_of(w->tags ? w->tags : "");

	put_tag(b, "license", w->license);
	while (rest.len) {
		struct str one = str_cut(&rest, ' ');

		strbuf_add(b, one.ptr, one.len);
		strbuf_addc(b, '\0');
	}
	put_tag(b, "name", "hello");
	put_tag(b, "vermagic", w->vermagic);
}

static void put_crcs(struct image *im, const struct want *w)
{
	struct str rest = str_of(w->crcs);
	struct section *a = add_section(
		im, w->extended ? "__version_ext_crcs" : "__versions", SHT_PROGBITS);
	struct section *names =
		w->extended ? add_section(im, "__version_ext_names", SHT_PROGBITS) : NULL;

	while (rest.len) {
		struct str crc = str_cut(&rest, ' ');
		struct str name = str_cut(&crc, '=');
		uint64_t value = strtoull(crc.ptr, NULL, 16);

		if (names) {
			put(&a->data, value, 4);
			strbuf_add(&names->data, name.ptr, name.len);
			strbuf_addc(&names->data, '\0');
			continue;
		}
		put_word(&a->data, w->wide, value);
		strbuf_add(&a->data, name.ptr, name.len);
		for (size_t n = name.len + (w->wide ? 8 : 4); n < 64; n++)
			strbuf_addc(&a->data, '\0');
	}
}

static void put_symbol(struct strbuf *b, bool wide, uint64_t name, unsigned info)
{
	put(b, name, 4);
	if (wide) {
		put(b, info, 1);
		put(b, 0, 1 + 2 + 8 + 8);
	} else {
		put(b, 0, 8);
		put(b, info, 1);
		put(b, 0, 1 + 2);
	}
}

static void put_symbols(struct image *im, const struct want *w)
{
	struct str rest = str_of(w->symbols ? w->symbols : "");
	struct section *table = add_section(im, ".symtab", SHT_SYMTAB);
	struct section *names = add_section(im, ".strtab", SHT_STRTAB);

	table->link = (uint32_t)im->n - 1;
	strbuf_addc(&names->data, '\0');
	put_symbol(&table->data, w->wide, 0, 0);
	while (rest.len) {
		struct str one = str_cut(&rest, ' ');
		bool weak = *one.ptr == '~';

		put_symbol(&table->data, w->wide, names->data.len,
			   (unsigned)(weak ? STB_WEAK : STB_GLOBAL) << 4);
		strbuf_add(&names->data, one.ptr + weak, one.len - weak);
		strbuf_addc(&names->data, '\0');
	}
}

static void put_text(struct image *im, const struct want *w)
{
	struct section *text = add_section(im, ".text", SHT_PROGBITS);
	uint32_t at = (uint32_t)im->n - 1;

	text->flags = SHF_ALLOC;
	put(&text->data, 0, 16);
	struct section *r = add_section(im, ".rel.text", SHT_REL);
	r->info = at;
	r->link = 3; /* the table of symbols */
	put_word(&r->data, w->wide, 8);
	put_word(&r->data, w->wide, w->relocation);
}

static inline void make_module(const struct want *w, struct strbuf *out)
{
	struct image im = {.wide = w->wide, .machine = w->machine};

	add_section(&im, "", SHT_NULL);
	put_tags(&im, w);
	struct section *this =
		add_section(&im, ".gnu.linkonce.this_module", SHT_PROGBITS);
	put(&this->data, 0, w->struct_size ? w->struct_size : 64);
	put_symbols(&im, w);
	if (w->crcs)
		put_crcs(&im, w);
	if (w->btf)
		put(&add_section(&im, ".BTF", SHT_PROGBITS)->data, 0xeb9f, 24);
	if (w->relocation)
		put_text(&im, w);
	write_image(&im, out);
	if (w->is_signed)
		strbuf_adds(out, "signature~Module signature appended~\n");
}

static inline struct str all_of(const struct strbuf *b)
{
	return (struct str){b->ptr, b->len};
}
