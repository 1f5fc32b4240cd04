// SPDX-License-Identifier: MIT
/* Version magic: composed, taken apart, compared. S5-13 S5-14 S5-15 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "module/vermagic.h"

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
		/* Since 6.12 both can be set, and the older word is looked for first. */
		{"CONFIG_64BIT=y\nCONFIG_X86_64=y\nCONFIG_SMP=y\nCONFIG_PREEMPT_RT=y\n"
		 "CONFIG_PREEMPT_BUILD=y\n",
		 "6.1 SMP preempt "},
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
		/* S1-31: a tutorial ships the one and asks for the other */
		{"4.8.16 SMP mod_unload ", "4.8.16 mod_unload ", false, 7, "CONFIG_SMP|"},
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
		{"4.20.0-rc7-dirty SMP preempt mod_unload aarch64",
		 "4.20.0-rc7 SMP preempt mod_unload aarch64", false, 10, "`-dirty`|"},
		{"6.6.0-rc1-00123-g0123456789ab SMP ", "6.6.0-rc1 SMP ", false, 9,
		 "`-g` and|"},
		{"5.15.92-g35e5e36 SMP ", "5.15.92-g35e5e37 SMP ", false, 15,
		 "`-g` and|"},
		{"5.15.92-gold SMP ", "5.15.92 SMP ", false, 7, "CONFIG_LOCALVERSION,|"},
		{"4.19.0+ SMP mod_unload modversions ",
		 "4.19.0 SMP mod_unload modversions ", true, 999, ""},
		{"4.20.0-rc7 SMP ", "4.20.0-rc6 SMP ", false, 9, "the version|"},
		{"6.1.0+ SMP ", "6.1.0 SMP ", false, 5, "a `+`|"},
		{"6.1.0-42-armmp SMP ", "6.1.0-43-armmp SMP ", false, 7,
		 "CONFIG_LOCALVERSION,|"},
		/* S5-14: the same with another local version, of which both have blanks
		 */
		{"4.4.38L4T kernel 4.4.38 SMP preempt aarch64",
		 "4.4.38L4T kernel 4.4.39 SMP preempt aarch64", false, 22,
		 "CONFIG_LOCALVERSION,|"},
		{"4.4.38L4T kernel 4.4.38 SMP preempt aarch64",
		 "4.4.38L4T kernel 4.4.38 SMP mod_unload aarch64", false, 28,
		 "CONFIG_PREEMPT_BUILD|CONFIG_MODULE_UNLOAD|"},
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(composes_vermagic),
		cmocka_unit_test(splits_vermagic),
		cmocka_unit_test(compares_vermagic),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
