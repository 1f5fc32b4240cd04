// SPDX-License-Identifier: MIT
/* Modules as files: ELF, vermagic, symbols, verdicts; broken ones, too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
#include <zstd.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "module/explain.h"
#include "module/unpack.h"
#include "module/verdict.h"

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

static void make_module(const struct want *w, struct strbuf *out)
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

static struct str all_of(const struct strbuf *b)
{
	return (struct str){b->ptr, b->len};
}

/* --- reading ------------------------------------------------------------------------ */

static const struct want shapes[] = {
	{EM_X86_64, true, "6.12.1 SMP mod_unload modversions ", "GPL",
	 "parm=x:y intree=Y", "_printk ~maybe",
	 "module_layout=12345678 _printk=9abcdef0 _printk=1", false, true, true,
	 R_X86_64_PC32, 0},
	{EM_386, false, "6.12.1 686 ", "GPL", "import_ns=A import_ns=B", "_printk",
	 "_printk=1", false, false, false, R_386_PC32, 0},
	{EM_ARM, false, "5.4.20 SMP ARMv7 ", "GPL v2", NULL, "_printk", NULL, false,
	 false, false, R_ARM_CALL, 0},
	{EM_AARCH64, true, "6.1.0 SMP aarch64", "MIT", NULL, "", "a=1 b=2 c=fffffffe",
	 true, false, false, R_AARCH64_CALL26, 0},
};

static void reads_modules(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
		const struct want *w = &shapes[i];
		autobuf struct strbuf file = STRBUF_INIT;
		autoerror struct error err = {0};
		struct arena a = {0};
		struct module m;

		print_message("# shape %zu\n", i);
		make_module(w, &file);
		assert_int_equal(module_read(all_of(&file), &a, &m, &err), 0);
		assert_non_null(m.machine);
		assert_int_equal(m.machine->elf, w->machine);
		assert_string_equal(m.name, "hello");
		assert_string_equal(m.vermagic, w->vermagic);
		assert_string_equal(m.license, w->license);
		assert_int_equal(m.has_versions, w->crcs != NULL);
		assert_int_equal(m.extended, w->extended);
		assert_int_equal(m.is_signed, w->is_signed);
		assert_int_equal(m.btf, w->btf);
		assert_int_equal(m.struct_size, 64);
		assert_null(m.damaged);
		assert_int_equal(m.unknown_relocation, 0);
		arena_finish(&a);
	}
}

static void reads_what_it_needs(void **state)
{
	autobuf struct strbuf file = STRBUF_INIT;
	autoerror struct error err = {0};
	struct arena a = {0};
	struct module m;

	(void)state;
	make_module(&shapes[0], &file);
	assert_int_equal(module_read(all_of(&file), &a, &m, &err), 0);
	assert_int_equal(m.nundefined, 2);
	assert_string_equal(m.undefined[1].name, "maybe");
	assert_true(m.undefined[1].weak);
	assert_false(m.undefined[0].weak);
	assert_int_equal(*module_crc(&m, "_printk"), 0x9abcdef0);
	assert_int_equal(*module_crc(&m, "module_layout"), 0x12345678);
	assert_null(module_crc(&m, "maybe"));
	strbuf_reset(&file);
	make_module(&shapes[3], &file);
	assert_int_equal(module_read(all_of(&file), &a, &m, &err), 0);
	assert_int_equal(*module_crc(&m, "c"), 0xfffffffe);
	strbuf_reset(&file);
	make_module(&shapes[1], &file);
	assert_int_equal(module_read(all_of(&file), &a, &m, &err), 0);
	const struct module_tag *t = module_tag(&m, "import_ns", NULL);
	assert_string_equal(t->value, "A");
	t = module_tag(&m, "import_ns", t);
	assert_string_equal(t->value, "B");
	assert_null(module_tag(&m, "import_ns", t));
	arena_finish(&a);
}

/* Whatever one bit says, and wherever the file ends: an answer, and no byte from outside
 * (the sanitizers look). */
static void survives_broken(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
		autobuf struct strbuf file = STRBUF_INIT;

		make_module(&shapes[i], &file);
		for (size_t bit = 0; bit < file.len * 8; bit++) {
			autoerror struct error err = {0};
			struct arena a = {0};
			struct module m;

			file.ptr[bit / 8] = (char)(file.ptr[bit / 8] ^ 1 << bit % 8);
			module_read(all_of(&file), &a, &m, &err);
			file.ptr[bit / 8] = (char)(file.ptr[bit / 8] ^ 1 << bit % 8);
			arena_finish(&a);
		}
		for (size_t n = 0; n < file.len; n++) {
			autofree char *part = xmalloc(n + 1);
			autoerror struct error err = {0};
			struct arena a = {0};
			struct module m;

			/* No byte more than there is. */
			char *tight = memcpy(part + 1, file.ptr, n);
			int res = module_read((struct str){tight, n}, &a, &m, &err);
			if (!shapes[i].is_signed)
				assert_int_equal(res, -1);
			arena_finish(&a);
		}
	}
}

/* Others are those of printf 'CONFIG_ARM=y\n' | gzip -n9 and xz --check=crc32. */
static void unpacks_zstd(void **state)
{
	autobuf struct strbuf file = STRBUF_INIT, packed = STRBUF_INIT, out = STRBUF_INIT;
	autoerror struct error none = {0}, big = {0}, cut = {0};

	(void)state;
	make_module(&shapes[0], &file);
	strbuf_reserve(&packed, ZSTD_compressBound(file.len));
	packed.len = ZSTD_compress(packed.ptr, packed.cap, file.ptr, file.len, 3);
	assert_int_equal(unpack(all_of(&packed), 1 << 20, &out, &none), 0);
	assert_int_equal(out.len, file.len);
	assert_memory_equal(out.ptr, file.ptr, file.len);
	assert_int_equal(unpack(all_of(&packed), 100, &out, &big), -1);
	assert_int_equal(
		unpack((struct str){packed.ptr, packed.len / 2}, 1 << 20, &out, &cut),
		-1);
}

static void unpacks_others(void **state)
{
#define TEXT "CONFIG_ARM=y\n"
	static const struct {
		const char *name;
		struct str packed;
	} cases[] = {
		{"gzip",
		 STR("\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x73\xf6\xf7\x73\xf3\x74"
		     "\x8f\x77\x0c\xf2\xb5\xad\xe4\x02\x00\x7e\xa9\x98\x03\x0d\x00\x00"
		     "\x00")},
		{"xz",
		 STR("\xfd\x37\x7a\x58\x5a\x00\x00\x01\x69\x22\xde\x36\x02\x00\x21\x01"
		     "\x16\x00\x00\x00\x74\x2f\xe5\xa3\x01\x00\x0c\x43\x4f\x4e\x46\x49"
		     "\x47\x5f\x41\x52\x4d\x3d\x79\x0a\x00\x00\x00\x00\x7e\xa9\x98\x03"
		     "\x00\x01\x21\x0d\x75\xdc\xa8\xd2\x90\x42\x99\x0d\x01\x00\x00\x00"
		     "\x00\x01\x59\x5a")},
	};
	autoerror struct error err = {0};
	autobuf struct strbuf none = STRBUF_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autobuf struct strbuf out = STRBUF_INIT, more = STRBUF_INIT;
		autoerror struct error quiet = {0}, big = {0};
		struct str packed = cases[i].packed;

		assert_string_equal(packed_as(packed)->name, cases[i].name);
		assert_int_equal(unpack(packed, sizeof(TEXT) - 1, &out, &quiet), 0);
		assert_string_equal(out.ptr, TEXT);
		/* Inside of something larger. */
		strbuf_add(&more, packed.ptr, packed.len);
		strbuf_adds(&more, "and more");
		strbuf_reset(&out);
		assert_int_equal(unpack(all_of(&more), 100, &out, &quiet), 0);
		assert_string_equal(out.ptr, TEXT);
		assert_int_equal(unpack(packed, 5, &out, &big), -1);
		assert_string_equal(big.msg, "the unpacked file is larger than 5 bytes");
		for (size_t n = packed.len - 1; n > 5; n--) {
			autoerror struct error cut = {0};
			char *tight = memcpy(malloc(n), packed.ptr, n);

			assert_int_equal(unpack((struct str){tight, n}, 100, &out, &cut),
					 -1);
			free(tight);
		}
	}
	/* Two members are one file. */
	strbuf_add(&none, cases[0].packed.ptr, cases[0].packed.len);
	strbuf_add(&none, cases[0].packed.ptr, cases[0].packed.len);
	autobuf struct strbuf twice = STRBUF_INIT;
	assert_int_equal(unpack(all_of(&none), 100, &twice, &err), 0);
	assert_string_equal(twice.ptr, TEXT TEXT);
#undef TEXT
	assert_int_equal(unpack(STR("BZh91AY"), 100, &twice, &err), -1);
	assert_string_equal(err.msg,
			    "expected a file that is not packed, or with gzip, xz or "
			    "zstd; found bzip2");
}

/* --- vermagic ----------------------------------------------------------------------- */

static void composes_vermagic(void **state)
{
	static const struct {
		const char *config, *vermagic;
	} cases[] = {
		/* S5-13 */
		{"CONFIG_64BIT=y\nCONFIG_X86_64=y\nCONFIG_SMP=y\nCONFIG_MODULE_UNLOAD="
		 "y\n",
		 "6.1 SMP mod_unload "},
		{"CONFIG_64BIT=y\nCONFIG_X86_64=y\n# CONFIG_SMP is not set\n", "6.1 "},
		{"CONFIG_64BIT=y\nCONFIG_X86_64=y\nCONFIG_SMP=y\nCONFIG_PREEMPT_BUILD=y\n"
		 "CONFIG_MODULE_UNLOAD=y\nCONFIG_MODVERSIONS=y\n",
		 "6.1 SMP preempt mod_unload modversions "},
		{"CONFIG_64BIT=y\nCONFIG_X86_64=y\nCONFIG_SMP=y\nCONFIG_PREEMPT_RT=y\n",
		 "6.1 SMP preempt_rt "},
		{"CONFIG_X86=y\nCONFIG_X86_32=y\nCONFIG_M686=y\n", "6.1 686 "},
		{"CONFIG_ARM=y\nCONFIG_SMP=y\nCONFIG_CPU_32v7=y\nCONFIG_CPU_32v6=y\n"
		 "CONFIG_THUMB2_KERNEL=y\nCONFIG_ARM_PATCH_PHYS_VIRT=y\n"
		 "CONFIG_MODULE_UNLOAD=y\n",
		 "6.1 SMP mod_unload ARMv7 thumb2 p2v8 "},
		{"CONFIG_ARM=y\nCONFIG_CPU_32v6=y\n", "6.1 ARMv6 "},
		{"CONFIG_ARM64=y\nCONFIG_64BIT=y\nCONFIG_SMP=y\nCONFIG_PREEMPT=y\n",
		 "6.1 SMP preempt aarch64"},
		{"CONFIG_RISCV=y\nCONFIG_64BIT=y\n", "6.1 riscv"},
		{"CONFIG_PPC64=y\nCONFIG_64BIT=y\nCONFIG_MPROFILE_KERNEL=y\n"
		 "CONFIG_RELOCATABLE=y\n",
		 "6.1 mprofile-kernel relocatable "},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autobuf struct strbuf out = STRBUF_INIT;
		struct arena a = {0};
		struct kconfig c = {0};

		print_message("# %s\n", cases[i].vermagic);
		kconfig_read(&c, str_of(cases[i].config), &a);
		assert_true(vermagic_compose("6.1", &c, NULL, &out));
		assert_string_equal(out.ptr, cases[i].vermagic);
		kconfig_finish(&c);
		arena_finish(&a);
	}
}

static void splits_vermagic(void **state)
{
	static const struct {
		const char *text, *release, *arch, *arch2, *arch3;
	} cases[] = {
		/* S5-14: a release may have blanks. */
		{"4.4.38L4T kernel 4.4.38 SMP preempt aarch64", "4.4.38L4T kernel 4.4.38",
		 "aarch64", "", ""},
		{"5.4.20-sunxi SMP mod_unload ARMv7 thumb2 p2v8 ", "5.4.20-sunxi",
		 "ARMv7", "thumb2", "p2v8"},
		{"4.20.0-rc7-dirty SMP preempt mod_unload aarch64", "4.20.0-rc7-dirty",
		 "aarch64", "", ""},
		{"6.1 ", "6.1", "", "", ""},
		{"6.1 mod_unload SMP ", "6.1 mod_unload", "", "", ""},
		{"6.1 SMP SMP ", "6.1 SMP", "", "", ""},
		{"SMP", "SMP", "", "", ""},
		{"", "", "", "", ""},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct vermagic v = vermagic_split(str_of(cases[i].text));

		print_message("# %s\n", cases[i].text);
		assert_true(str_is(v.part[VERMAGIC_RELEASE], cases[i].release));
		assert_true(str_is(v.part[VERMAGIC_ARCH], cases[i].arch));
		assert_true(str_is(v.part[VERMAGIC_ARCH_2], cases[i].arch2));
		assert_true(str_is(v.part[VERMAGIC_ARCH_3], cases[i].arch3));
	}
}

static void compares_vermagic(void **state)
{
	static const struct {
		const char *module, *kernel;
		bool crcs;
		size_t at; /* the first different letter of the module's; 999: same */
		const char *why; /* the beginnings, joined by | */
	} cases[] = {
		{"6.1 SMP ", "6.1 SMP ", false, 999, ""},
		/* S5-04 */
		{"5.4.20 SMP mod_unload ARMv7 thumb2 p2v8 ",
		 "5.4.20-sunxi SMP mod_unload ARMv7 thumb2 p2v8 ", false, 6,
		 "CONFIG_LOCALVERSION,|"},
		/* S1-30, with one that compares CRCs and one that does not */
		{"4.9.189 SMP mod_unload modversions aarch64",
		 "4.14.87 SMP mod_unload modversions aarch64", false, 2, "the version|"},
		{"4.9.189 SMP mod_unload modversions aarch64",
		 "4.14.87 SMP mod_unload modversions aarch64", true, 999, ""},
		/* S1-31 */
		{"4.8.16 SMP mod_unload modversions ", "4.8.16 mod_unload modversions ",
		 false, 7, "CONFIG_SMP|"},
		{"4.8.16 SMP mod_unload modversions ", "4.8.16 mod_unload modversions ",
		 true, 7, "CONFIG_SMP|"},
		{"6.1 SMP mod_unload ", "6.1 SMP preempt mod_unload ", false, 8,
		 "CONFIG_PREEMPT_BUILD|"},
		{"6.1 SMP preempt_rt ", "6.1 SMP preempt ", false, 15,
		 "CONFIG_PREEMPT_RT|"},
		{"6.1 SMP ", "6.1 SMP modversions ", false, 8, "CONFIG_MODVERSIONS|"},
		{"6.1 ARMv6 ", "6.1 ARMv7 p2v8 ", false, 8,
		 "CONFIG_CPU_32v7|CONFIG_ARM_PATCH_PHYS_VIRT|"},
		{"6.1 RANDSTRUCT_aa", "6.1 RANDSTRUCT_ab", false, 16,
		 "CONFIG_RANDSTRUCT|"},
		/* S5-15 */
		{"4.20.0-rc7 SMP ", "4.20.0-rc7-dirty SMP ", false, 10, "`-dirty`|"},
		{"4.20.0-rc7 SMP ", "4.20.0-rc6 SMP ", false, 9, "the version|"},
		{"6.1.0+ SMP ", "6.1.0 SMP ", false, 5, "a `+`|"},
		{"6.1.0-42-armmp SMP ", "6.1.0-43-armmp SMP ", false, 7,
		 "CONFIG_LOCALVERSION,|"},
		/* S5-14: of a release with blanks only its first word is ignored. */
		{"4.4.38L4T kernel 4.4.38 SMP ", "4.4.38 SMP ", true, 10,
		 "CONFIG_LOCALVERSION,|"},
		{"6.1 SMP", "6.1 SMP ", false, 7, ""},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct vermagic_verdict v = vermagic_compare(
			str_of(cases[i].module), str_of(cases[i].kernel), cases[i].crcs);
		struct str why = str_of(cases[i].why);

		print_message("# %s\n", cases[i].module);
		assert_int_equal(v.same, cases[i].at == 999);
		if (!v.same)
			assert_int_equal(v.module_at, cases[i].at);
		for (size_t k = 0; k < v.ndifferences; k++) {
			struct str one = str_cut(&why, '|');

			assert_true(one.len > 0);
			assert_memory_equal(v.differences[k].why, one.ptr, one.len);
		}
		assert_true(why.len == 0);
	}
}

/* --- verdicts ----------------------------------------------------------------------- */

static const char base_config[] =
	"CONFIG_64BIT=y\nCONFIG_X86_64=y\nCONFIG_SMP=y\nCONFIG_MODULES=y\n";
static const char base_symvers[] =
	"0x00000001\t_printk\tvmlinux\tEXPORT_SYMBOL\t\n"
	"0x00000002\tgpl_only\tvmlinux\tEXPORT_SYMBOL_GPL\t\n"
	"0x00000003\tspaced\tvmlinux\tEXPORT_SYMBOL_GPL\tUSB\n"
	"0x00000004\tfriends\tvmlinux\tEXPORT_SYMBOL_GPL\tmodule:hel*,other\n"
	"0x00000005\tstrangers\tvmlinux\tEXPORT_SYMBOL_GPL\tmodule:hell,other\n"
	"0x00000006\tlent\tdrivers/lib/lender\tEXPORT_SYMBOL_GPL\n"
	"0x00000007\tolder\tOLD\tvmlinux\tEXPORT_SYMBOL_GPL\n"
	"0x00000009\tmodule_layout\tvmlinux\tEXPORT_SYMBOL\t\n";

struct trial {
	const char *name;
	struct want want;
	const char *config; /* more of it */
	enum outcome outcome;
	const char *codes; /* of what refuses or warns */
};

#define X86(...)                                                                         \
	{                                                                                \
		.machine = EM_X86_64, .wide = true, .license = "GPL", __VA_ARGS__        \
	}
#define SMP         .vermagic = "6.1 SMP "
#define MODVERSIONS "CONFIG_MODVERSIONS=y\n"
#define VERSIONED   .vermagic = "6.0 SMP modversions "

static const struct trial trials[] = {
	{"fits", X86(SMP, .symbols = "_printk gpl_only ~nowhere"), "", OUTCOME_LOADS, ""},
	{"another release", X86(.vermagic = "6.0 SMP "), "", OUTCOME_REFUSED,
	 "vermagic "},
	{"no vermagic", X86(.symbols = "_printk"), "", OUTCOME_REFUSED, "no-vermagic "},
	{"none, forced", X86(.symbols = "_printk"), "CONFIG_MODULE_FORCE_LOAD=y\n",
	 OUTCOME_LOADS, "no-vermagic "},
	{"missing", X86(SMP, .symbols = "absent"), "", OUTCOME_REFUSED,
	 "symbol-missing "},
	{"proprietary",
	 {.machine = EM_X86_64,
	  .wide = true,
	  .license = "Proprietary",
	  SMP,
	  .symbols = "gpl_only"},
	 "",
	 OUTCOME_REFUSED,
	 "symbol-gpl license "},
	{"namespace", X86(SMP, .symbols = "spaced"), "", OUTCOME_REFUSED,
	 "symbol-namespace "},
	{"imported", X86(SMP, .symbols = "spaced", .tags = "import_ns=USB"), "",
	 OUTCOME_LOADS, ""},
	{"allowed", X86(SMP, .symbols = "spaced"),
	 "CONFIG_MODULE_ALLOW_MISSING_NAMESPACE_IMPORTS=y\n", OUTCOME_LOADS,
	 "symbol-namespace "},
	{"older symvers", X86(SMP, .symbols = "older", .tags = "import_ns=OLD"), "",
	 OUTCOME_LOADS, ""},
	{"among friends", X86(SMP, .symbols = "friends"), "", OUTCOME_LOADS, ""},
	{"not meant", X86(SMP, .symbols = "strangers"), "", OUTCOME_REFUSED,
	 "symbol-namespace "},
	{"unsigned", X86(SMP), "CONFIG_MODULE_SIG=y\n", OUTCOME_LOADS, "signature "},
	{"unsigned, forced", X86(SMP), "CONFIG_MODULE_SIG=y\nCONFIG_MODULE_SIG_FORCE=y\n",
	 OUTCOME_REFUSED, "signature "},
	{"signed", X86(SMP, .is_signed = true),
	 "CONFIG_MODULE_SIG=y\nCONFIG_MODULE_SIG_FORCE=y\n", OUTCOME_LOADS, ""},
	{"live patch", X86(SMP, .tags = "livepatch=Y"), "", OUTCOME_REFUSED,
	 "livepatch "},
	{"relocation", X86(SMP, .relocation = R_X86_64_GOTPCREL), "", OUTCOME_REFUSED,
	 "relocation "},
	{"arch",
	 {.machine = EM_AARCH64, .wide = true, .license = "GPL", SMP},
	 "",
	 OUTCOME_REFUSED,
	 "arch "},
	{"32 bit",
	 {.machine = EM_386, .license = "GPL", SMP},
	 "",
	 OUTCOME_REFUSED,
	 "arch "},
	/* With CRCs on both sides the release does not matter; S5-23 */
	{"crcs",
	 X86(VERSIONED, .symbols = "_printk", .crcs = "module_layout=9 _printk=1"),
	 MODVERSIONS, OUTCOME_LOADS, ""},
	{"crc", X86(VERSIONED, .symbols = "_printk", .crcs = "module_layout=9 _printk=8"),
	 MODVERSIONS, OUTCOME_REFUSED, "symbol-crc "},
	{"layout",
	 X86(VERSIONED, .symbols = "_printk", .crcs = "module_layout=8 _printk=1"),
	 MODVERSIONS, OUTCOME_REFUSED, "symbol-crc "},
	{"no crc of one", X86(VERSIONED, .symbols = "_printk", .crcs = "module_layout=9"),
	 MODVERSIONS, OUTCOME_REFUSED, "no-crc "},
	{"none, extended",
	 X86(VERSIONED, .symbols = "_printk", .crcs = "module_layout=9",
	     .extended = true),
	 MODVERSIONS, OUTCOME_LOADS, "no-crc "},
	{"no crcs", X86(.vermagic = "6.1 SMP modversions ", .symbols = "_printk"),
	 MODVERSIONS, OUTCOME_REFUSED, "no-crc "},
	{"crcs nobody compares", X86(VERSIONED, .crcs = "module_layout=9"), "",
	 OUTCOME_REFUSED, "vermagic vermagic "},
	{"types of another kernel",
	 X86(VERSIONED, .crcs = "module_layout=9", .btf = true),
	 MODVERSIONS "CONFIG_DEBUG_INFO_BTF_MODULES=y\n", OUTCOME_LOADS, "btf "},
	{"lots are drawn", X86(.vermagic = "6.1 SMP RANDSTRUCT_00"),
	 "CONFIG_RANDSTRUCT=y\n", OUTCOME_UNKNOWN, ""},
};

static void judges(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(trials); i++) {
		const struct trial *t = &trials[i];
		autobuf struct strbuf file = STRBUF_INIT, codes = STRBUF_INIT;
		autoerror struct error err = {0};
		struct kernel_target k = {.release = "6.1", .has_config = true};
		struct arena a = {0};
		struct verdict v;
		struct module m;

		print_message("# %s\n", t->name);
		make_module(&t->want, &file);
		assert_int_equal(module_read(all_of(&file), &a, &m, &err), 0);
		kconfig_read(&k.config, str_of(base_config), &a);
		kconfig_read(&k.config, str_of(t->config), &a);
		assert_int_equal(target_read_symvers(&k, "Module.symvers",
						     str_of(base_symvers), &a, &err),
				 1);
		target_complete(&k, &a);
		verdict_make(&m, &k, &a, &v);
		strbuf_adds(&codes, "");
		for (size_t f = 0; f < v.n; f++)
			if (v.findings[f].level != FINDING_INFO)
				strbuf_printf(&codes, "%s ", v.findings[f].code);
		assert_string_equal(codes.ptr, t->codes);
		assert_int_equal(v.outcome, t->outcome);
		target_finish(&k);
		arena_finish(&a);
	}
}

/* A module is as good as the kernel it was built for, as far as it goes. */
static void judges_by_modules(void **state)
{
	static const struct want good =
		X86(VERSIONED, .symbols = "a", .crcs = "module_layout=9 a=1");
	static const struct want other =
		X86(VERSIONED, .symbols = "a", .crcs = "module_layout=9 a=2",
		    .struct_size = 72);
	autobuf struct strbuf f1 = STRBUF_INIT, f2 = STRBUF_INIT;
	autoerror struct error err = {0};
	struct kernel_target k = {0};
	struct arena a = {0};
	struct module m, n;
	struct verdict v;

	(void)state;
	make_module(&good, &f1);
	make_module(&other, &f2);
	assert_int_equal(module_read(all_of(&f1), &a, &m, &err), 0);
	assert_int_equal(module_read(all_of(&f2), &a, &n, &err), 0);
	target_of_module(&k, &m, &a);
	target_complete(&k, &a);
	assert_string_equal(k.release, "6.0");
	verdict_make(&m, &k, &a, &v);
	assert_int_equal(v.outcome, OUTCOME_UNKNOWN);
	verdict_make(&n, &k, &a, &v);
	assert_int_equal(v.outcome, OUTCOME_REFUSED);
	assert_string_equal(v.findings[0].code, "struct-module");
	assert_string_equal(v.findings[1].code, "symbol-crc");
	target_finish(&k);
	arena_finish(&a);
}

static void names_modules_to_load(void **state)
{
	static const struct want want = X86(SMP, .symbols = "_printk lent");
	autobuf struct strbuf file = STRBUF_INIT;
	autoerror struct error err = {0};
	struct kernel_target k = {.release = "6.1"};
	struct arena a = {0};
	struct module m;
	struct verdict v;

	(void)state;
	make_module(&want, &file);
	assert_int_equal(module_read(all_of(&file), &a, &m, &err), 0);
	assert_int_equal(target_read_symvers(&k, "x", str_of(base_symvers), &a, &err), 1);
	verdict_make(&m, &k, &a, &v);
	assert_int_equal(v.nneeds, 1);
	assert_string_equal(v.needs[0], "drivers/lib/lender");
	target_finish(&k);
	arena_finish(&a);
}

static void refuses_symvers(void **state)
{
	static const char *const bad[] = {
		"0x1\ta\tvmlinux\n",
		"12\ta\tvmlinux\tEXPORT_SYMBOL\n",
		"0x1x\ta\tvmlinux\tEXPORT_SYMBOL\n",
		"0x1\t\tvmlinux\tEXPORT_SYMBOL\n",
		"0x1\ta\tvmlinux\tSYMBOL\n",
		"0x1\ta\tvmlinux\tEXPORT_SYMBOL\tx\ty\n",
		"0x00000001 a vmlinux EXPORT_SYMBOL\n",
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		autoerror struct error err = {0};
		struct symvers s = {0};
		struct arena a = {0};

		print_message("# %s", bad[i]);
		assert_int_equal(symvers_read(&s, str_of(bad[i]), &a, &err), -1);
		symvers_finish(&s);
		arena_finish(&a);
	}
}

/* --- images ------------------------------------------------------------------------- */

static void reads_images(void **state)
{
	static const char text[] = "x\0Linux version %s\0Linux version 6.1.0 b (a@b)\0"
				   "6.1.0 b SMP preempt aarch64";
	struct kernel_target raw = {0}, packed = {0}, none = {0};
	char bz[0x400] = {0}, arm[256] = {0};
	struct arena a = {0};

	(void)state;
	memcpy(arm + 0x38, "ARM\x64", 4);
	memcpy(arm + 0x40, text, sizeof(text));
	assert_true(target_of_image(&raw, (struct str){arm, sizeof(arm)}, &a));
	assert_string_equal(raw.machine->name, "arm64");
	assert_string_equal(raw.release, "6.1.0 b");
	assert_string_equal(raw.vermagic, "6.1.0 b SMP preempt aarch64");

	memcpy(bz + 0x202, "HdrS", 4);
	bz[0x20f] = 1; /* at 0x300 */
	bz[0x236] = 1;
	strcpy(bz + 0x300, "6.12.107 (a@b) #1");
	assert_true(target_of_image(&packed, (struct str){bz, sizeof(bz)}, &a));
	assert_string_equal(packed.machine->name, "x86_64");
	assert_string_equal(packed.release, "6.12.107");
	assert_null(packed.vermagic);
	memset(bz + 0x20e, 0xff, 2); /* outside */
	packed = (struct kernel_target){0};
	assert_true(target_of_image(&packed, (struct str){bz, sizeof(bz)}, &a));
	assert_null(packed.release);
	assert_false(target_of_image(&none, STR("nothing of the kind"), &a));
	arena_finish(&a);
}

/* --- messages ----------------------------------------------------------------------- */

/* S5-23 */
static void explains(void **state)
{
	static const struct {
		const char *line, *code, *first;
	} cases[] = {
		{"[   12.345678] hello: version magic '6.1 SMP ' should be '6.2 SMP '",
		 "vermagic", "hello"},
		{"hello: disagrees about version of symbol module_layout",
		 "module-layout", "hello"},
		{"hello: disagrees about version of symbol _printk", "symbol-crc",
		 "hello"},
		{"hello: Unknown symbol foo (err -2)", "symbol-missing", "hello"},
		{"hello: Unknown symbol foo (err -22)", "symbol-refused", "hello"},
		{"hello: Unknown symbol foo (err -13)", "symbol-missing", "hello"},
		{"insmod: can't insert 'hello.ko': invalid module format", "format",
		 NULL},
		{"insmod: ERROR: could not insert module hello.ko: Invalid module format",
		 "format", NULL},
		{"modprobe: ERROR: could not insert 'x': Exec format error", "format",
		 NULL},
		{"module: x86/modules: Skipping invalid relocation target, existing "
		 "value is "
		 "nonzero",
		 "relocation", NULL},
		{"hello: Unknown rela relocation: 9", "relocation", NULL},
		{"hello: unknown relocation: 103", "relocation", NULL},
		{"module hello: unsupported RELA relocation: 311", "relocation", NULL},
		{"hello: no symbol version for module_layout", "no-crc", "hello"},
		{"hello: module verification failed: signature and/or required key "
		 "missing - "
		 "tainting kernel",
		 "signature", "hello"},
		{"Loading of unsigned module is rejected", "key", NULL},
		{"could not insert 'x': Key was rejected by service", "key", NULL},
		{"could not insert 'x': Required key not available", "key", NULL},
		{"x: loading out-of-tree module taints kernel.", "taint", "x"},
		{"module x: .gnu.linkonce.this_module section size must match the "
		 "kernel's "
		 "built struct module size at run time",
		 "struct-module", NULL},
		{"failed to validate module [x] BTF: -22", "btf", NULL},
		{"x: unknown parameter 'y' ignored", "parameter", "x"},
		{"x: `12q' invalid for parameter `n'", "parameter", "x"},
		{"insmod: can't insert 'x.ko': invalid parameter", "parameter", NULL},
		{"insmod: ERROR: could not insert module x.ko: No such device", "device",
		 NULL},
		{"insmod: can't insert 'x.ko': File exists", "loaded", NULL},
		{"could not insert 'x': Device or resource busy", "busy", NULL},
		{"could not insert 'x': Operation not permitted", "lockdown", NULL},
		{"could not insert 'x': Invalid argument", "argument", NULL},
		{"Lockdown: insmod: unsigned module loading is restricted", "lockdown",
		 NULL},
		{"Kernel panic - not syncing: VFS: Unable to mount root fs on "
		 "unknown-block(0,0)",
		 "vfs", NULL},
		{"Kernel panic - not syncing: No working init found.  Try passing init=",
		 "init", NULL},
		{"Kernel panic - not syncing: Attempted to kill init! "
		 "exitcode=0x00000100",
		 "init", NULL},
		{"hello: hello, world", NULL, NULL},
		{"", NULL, NULL},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct explanation e;

		print_message("# %s\n", cases[i].line);
		bool known = explain_line(str_of(cases[i].line), &e);
		assert_int_equal(known, cases[i].code != NULL);
		if (!known)
			continue;
		assert_string_equal(e.message->code, cases[i].code);
		if (cases[i].first)
			assert_true(str_is(e.hole[0], cases[i].first));
		autobuf struct strbuf text = STRBUF_INIT;
		explain_fill(&e, e.message->change, &text);
		assert_true(text.len > 0);
	}
}

static void fills_holes(void **state)
{
	autobuf struct strbuf text = STRBUF_INIT;
	struct explanation e;

	(void)state;
	assert_true(explain_line(STR("[1] m: Unknown symbol foo_bar (err -2)"), &e));
	explain_fill(&e, "$1 wants $2, not $3 or $9", &text);
	assert_string_equal(text.ptr, "m wants foo_bar, not it or $9");
	assert_true(explain_line(STR("x: version magic 'a' should be 'b c'\r"), &e));
	assert_true(str_is(e.hole[1], "a"));
	assert_true(str_is(e.hole[2], "b c"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_modules),
		cmocka_unit_test(reads_what_it_needs),
		cmocka_unit_test(survives_broken),
		cmocka_unit_test(unpacks_zstd),
		cmocka_unit_test(unpacks_others),
		cmocka_unit_test(composes_vermagic),
		cmocka_unit_test(splits_vermagic),
		cmocka_unit_test(compares_vermagic),
		cmocka_unit_test(judges),
		cmocka_unit_test(judges_by_modules),
		cmocka_unit_test(names_modules_to_load),
		cmocka_unit_test(refuses_symvers),
		cmocka_unit_test(reads_images),
		cmocka_unit_test(explains),
		cmocka_unit_test(fills_holes),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
