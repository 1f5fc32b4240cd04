// SPDX-License-Identifier: MIT
/* What is packed, and kernels as files: images, and the configuration in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <zstd.h>

#include "base/alloc.h"
#include "module/ikconfig.h"
#include "module/image.h"
#include "module/unpack.h"
#include "tests/unit/modulefix.h"

/* --- packed files ------------------------------------------------------------------- */

static const struct want module = {.machine = EM_X86_64, .wide = true, .license = "GPL"};

static void unpacks_zstd(void **state)
{
	autobuf struct strbuf file = STRBUF_INIT, packed = STRBUF_INIT, out = STRBUF_INIT;
	autoerror struct error none = {0}, big = {0}, cut = {0};

	(void)state;
	make_module(&module, &file);
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

/* printf 'CONFIG_ARM=y\n' | gzip -n9, xz --check=crc32, lzma -9, lz4 -l. */
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
		{"lzma", STR("\x5d\x00\x00\x00\x04\xff\xff\xff\xff\xff\xff\xff\xff\x00"
			     "\x21\x93\xc5"
			     "\xf7\x03\xc2\x2e\xc5\x6f\xa9\x4c\x00\xd3\x20\x50\xe8\x9a"
			     "\x7f\xff\xd1"
			     "\x51\x00\x00")},
		{"lz4", STR("\x02\x21\x4c\x18\x0e\x00\x00\x00\xd0\x43\x4f\x4e\x46\x49\x47"
			    "\x5f\x41"
			    "\x52\x4d\x3d\x79\x0a")},
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
			    "expected a file that is not packed, or with gzip, xz, "
			    "zstd, lzma or lz4; found bzip2");
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
	assert_true(target_of_image(&raw, "image", (struct str){arm, sizeof(arm)}, &a));
	assert_string_equal(raw.machine->name, "arm64");
	assert_string_equal(raw.release, "6.1.0 b");
	assert_string_equal(raw.vermagic, "6.1.0 b SMP preempt aarch64");

	memcpy(bz + 0x202, "HdrS", 4);
	bz[0x20f] = 1; /* at 0x300 */
	bz[0x236] = 1;
	strcpy(bz + 0x300, "6.12.107 (a@b) #1");
	assert_true(target_of_image(&packed, "image", (struct str){bz, sizeof(bz)}, &a));
	assert_string_equal(packed.machine->name, "x86_64");
	assert_string_equal(packed.release, "6.12.107");
	assert_null(packed.vermagic);
	memset(bz + 0x20e, 0xff, 2); /* outside */
	packed = (struct kernel_target){0};
	assert_true(target_of_image(&packed, "image", (struct str){bz, sizeof(bz)}, &a));
	assert_null(packed.release);
	assert_false(target_of_image(&none, "image", STR("nothing of the kind"), &a));
	arena_finish(&a);
}

/* Matches of LZ4 that overlap themselves, and others that lead nowhere. */
static void unpacks_matches(void **state)
{
	static const struct {
		struct str packed;
		const char *text; /* NULL: refused */
	} cases[] = {
		/* "ab", then 10 bytes from 2 back, then "c" */
		{STR("\x02\x21\x4c\x18\x07\0\0\0\x26"
		     "ab\x02\0\x10"
		     "c"),
		 "ababababababc"},
		{STR("\x02\x21\x4c\x18\x07\0\0\0\x26"
		     "ab\x03\0\x10"
		     "c"),
		 NULL},
		{STR("\x02\x21\x4c\x18\x07\0\0\0\x26"
		     "ab\0\0\x10"
		     "c"),
		 NULL},
		{STR("\x02\x21\x4c\x18\x04\0\0\0\x2f"
		     "ab\x01"),
		 NULL},
		{STR("\x02\x21\x4c\x18\x02\0\0\0\xf0\xff"), NULL},
		{STR("\x02\x21\x4c\x18\xff\xff\xff\xff\x10x"), NULL},
		{STR("\x02\x21\x4c\x18\0\0\0\0\x10x"), NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autobuf struct strbuf out = STRBUF_INIT;
		autoerror struct error err = {0};

		print_message("# case %zu\n", i);
		int res = unpack(cases[i].packed, 1 << 20, &out, &err);
		assert_int_equal(res, cases[i].text ? 0 : -1);
		if (cases[i].text)
			assert_string_equal(out.ptr, cases[i].text);
	}
}

static const char gzip_config[] =
	"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x73\xf6\xf7\x73\xf3\x74\x8f\x77\x0c\xf2"
	"\xb5\xad\xe4\x02\x00\x7e\xa9\x98\x03\x0d\x00\x00\x00";

/* S5-09 */
static void finds_configurations(void **state)
{
	autobuf struct strbuf kernel = STRBUF_INIT, image = STRBUF_INIT;
	autobuf struct strbuf text = STRBUF_INIT, tool = STRBUF_INIT;
	struct kernel_target t = {0};
	struct arena a = {0};

	(void)state;
	/* The mark of the tool that looks for it, and then the true one. */
	strbuf_adds(&tool, "IKCFG_ST\x1f\x8bIKCFG_STxx");
	assert_false(ikconfig_read(all_of(&tool), &text));
	strbuf_add(&kernel, tool.ptr, tool.len);
	strbuf_add(&kernel, "\0Linux version 6.1.0-x (a@b)", 29);
	strbuf_add(&kernel, "6.1.0-x SMP ARMv7 p2v8 ", 24);
	strbuf_adds(&kernel, "IKCFG_ST");
	strbuf_add(&kernel, gzip_config, sizeof(gzip_config));
	assert_true(ikconfig_read(all_of(&kernel), &text));
	assert_string_equal(text.ptr, "CONFIG_ARM=y\n");

	/* zImage: its magic number, something else, the kernel, the rest. */
	put(&image, 0, 0x24);
	put(&image, 0x016f2818, 4);
	put(&image, 0, 100);
	strbuf_add(&image, "\x28\xb5\x2f\xfd\x1f\x8b\b", 7);
	strbuf_reserve(&image, ZSTD_compressBound(kernel.len) + 8);
	image.len += ZSTD_compress(image.ptr + image.len, ZSTD_compressBound(kernel.len),
				   kernel.ptr, kernel.len, 3);
	put(&image, kernel.len, 4);
	assert_true(target_of_image(&t, "zImage", all_of(&image), &a));
	assert_string_equal(t.machine->name, "arm");
	assert_string_equal(t.release, "6.1.0-x");
	assert_string_equal(t.vermagic, "6.1.0-x SMP ARMv7 p2v8 ");
	assert_true(t.has_config);
	assert_true(kconfig_is(&t.config, "ARM"));
	strbuf_reset(&text);
	assert_true(ikconfig_read(all_of(&image), &text));
	for (size_t n = 0; n < image.len - 8; n += 7)
		ikconfig_read((struct str){image.ptr, n}, &text);
	target_finish(&t);
	arena_finish(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unpacks_zstd),         cmocka_unit_test(unpacks_others),
		cmocka_unit_test(unpacks_matches),      cmocka_unit_test(reads_images),
		cmocka_unit_test(finds_configurations),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
