// SPDX-License-Identifier: MIT
/* Modules as files: what they say and need; broken ones, too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "module/module.h"
#include "tests/unit/modulefix.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_modules),
		cmocka_unit_test(reads_what_it_needs),
		cmocka_unit_test(survives_broken),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
