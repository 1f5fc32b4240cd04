// SPDX-License-Identifier: MIT
/* Would a kernel load it: each reason, with one module and one kernel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "module/verdict.h"
#include "tests/unit/modulefix.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(judges),
		cmocka_unit_test(judges_by_modules),
		cmocka_unit_test(names_modules_to_load),
		cmocka_unit_test(refuses_symvers),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
