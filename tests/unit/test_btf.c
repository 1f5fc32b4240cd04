// SPDX-License-Identifier: MIT
/* Type information of modules: which kernel's names it counts on. S5-26 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "module/verdict.h"
#include "tests/unit/modulefix.h"

enum { KERNEL = 1000 }; /* bytes of the kernel's names */

static void put_type(struct strbuf *b, uint64_t name, unsigned kind, unsigned n)
{
	put(b, name, 4);
	put(b, (uint64_t)kind << 24 | n, 4);
	put(b, 0, 4);
}

/* A struct "own" with a member of the kernel's name and one "last", a function "x". */
static void make_types(struct strbuf *out)
{
	static const char names[] = "own\0last"; /* and its NUL */
	autobuf struct strbuf types = STRBUF_INIT;

	put_type(&types, KERNEL, 4, 2);
	put(&types, 17, 12);
	put(&types, KERNEL + 4, 12);
	put_type(&types, 0, 1, 0); /* int */
	put(&types, 32, 4);
	put_type(&types, 40, 12, 0);
	put(out, 0xeb9f, 2);
	put(out, 1, 1);
	put(out, 0, 1);
	put(out, 24, 4);
	put(out, 0, 4);
	put(out, types.len, 4);
	put(out, types.len, 4);
	put(out, sizeof(names), 4);
	strbuf_add(out, types.ptr, types.len);
	strbuf_add(out, names, sizeof(names));
}

static void reads_types(void **state)
{
	autobuf struct strbuf section = STRBUF_INIT;
	struct btf b;
	uint32_t n;

	(void)state;
	make_types(&section);
	assert_true(btf_read(all_of(&section), &b));
	assert_int_equal(b.own, 9);
	assert_int_equal(b.reach, KERNEL + 4);
	assert_int_equal(b.base, KERNEL);
	assert_true(btf_names_len(all_of(&section), &n));
	assert_int_equal(n, 9);
	for (size_t i = 0; i < section.len; i++) {
		autofree char *tight = xmalloc(i + 1);

		memcpy(tight + 1, section.ptr, i);
		assert_false(btf_read((struct str){tight + 1, i}, &b));
	}
	for (size_t bit = 0; bit < section.len * 8; bit++) {
		section.ptr[bit / 8] = (char)(section.ptr[bit / 8] ^ 1 << bit % 8);
		btf_read(all_of(&section), &b);
		section.ptr[bit / 8] = (char)(section.ptr[bit / 8] ^ 1 << bit % 8);
	}
}

static void judges_types(void **state)
{
	static const struct {
		uint32_t names; /* of the kernel */
		const char *config;
		enum outcome outcome;
		const char *code; /* of the first finding, NULL: none */
		enum finding_level level;
	} cases[] = {
		{KERNEL, "", OUTCOME_LOADS, NULL, FINDING_INFO},
		{KERNEL - 5, "", OUTCOME_REFUSED, "btf", FINDING_REFUSE},
		{KERNEL - 4, "", OUTCOME_UNKNOWN, "btf", FINDING_WARN},
		{KERNEL + 1, "", OUTCOME_UNKNOWN, "btf", FINDING_WARN},
		{0, "", OUTCOME_LOADS, NULL, FINDING_INFO},
		{KERNEL - 5, "CONFIG_MODULE_ALLOW_BTF_MISMATCH=y\n", OUTCOME_LOADS, "btf",
		 FINDING_WARN},
		{KERNEL - 5, "CONFIG_DEBUG_INFO_BTF_MODULES=n\n", OUTCOME_LOADS, NULL,
		 FINDING_INFO},
	};
	autobuf struct strbuf section = STRBUF_INIT;

	(void)state;
	make_types(&section);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		static const struct module_tag intree = {"intree", "Y"};
		struct kernel_target k = {.release = "6.1",
					  .vermagic = "6.1 SMP ",
					  .machine = machine_named("x86_64"),
					  .has_config = true,
					  .has_symvers = true,
					  .btf_names = cases[i].names};
		struct module m = {.machine = k.machine,
				   .vermagic = k.vermagic,
				   .license = "GPL",
				   .tags = (struct module_tag *)&intree,
				   .ntags = 1,
				   .btf = true};
		struct arena a = {0};
		struct verdict v;

		print_message("# case %zu\n", i);
		kconfig_read(&k.config, STR("CONFIG_MODULES=y\n"), &a);
		if (!strstr(cases[i].config, "DEBUG_INFO"))
			kconfig_read(&k.config, STR("CONFIG_DEBUG_INFO_BTF_MODULES=y\n"),
				     &a);
		kconfig_read(&k.config, str_of(cases[i].config), &a);
		assert_true(btf_read(all_of(&section), &m.types));
		verdict_make(&m, &k, &a, &v);
		assert_int_equal(v.outcome, cases[i].outcome);
		assert_int_equal(v.n, cases[i].code ? 1 : 0);
		if (cases[i].code) {
			assert_string_equal(v.findings[0].code, cases[i].code);
			assert_int_equal(v.findings[0].level, cases[i].level);
		}
		target_finish(&k);
		arena_finish(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_types),
		cmocka_unit_test(judges_types),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
