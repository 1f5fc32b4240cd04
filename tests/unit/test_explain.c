// SPDX-License-Identifier: MIT
/* Messages of the kernel and what they mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "module/explain.h"

/* S5-23 */
static void explains(void **state)
{
	static const struct {
		const char *line, *code, *first;
	} cases[] = {
		{"[   12.345678] hello: version magic '6.1 SMP ' should be '6.2 SMP '",
		 "vermagic", "hello"},
		{"hello: disagrees about version of symbol module_layout", "symbol-crc",
		 "hello"},
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
		{"Loading of unsigned module is rejected", "signature", NULL},
		{"could not insert 'x': Key was rejected by service", "key", NULL},
		{"rmmod: ERROR: Module x is in use by: y", "in-use", NULL},
		{"rmmod: can't unload module 'x': Resource temporarily unavailable",
		 "in-use", NULL},
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
		/* As kernels print them: 5.10, 6.1, 6.12, 7.2 */
		{"usb: module uses symbol (usb_stor_reset) from namespace USB_STORAGE, "
		 "but does not import it.",
		 "symbol-namespace", "usb"},
		{"right: exports duplicate symbol lent (owned by kernel)",
		 "symbol-duplicate", "right"},
		{"x86/modules: Invalid relocation target, existing value is nonzero for "
		 "sec 3, idx 1, type 1, loc ffffffffc0000000, val ffffffff81000000",
		 "relocation", NULL},
		{"hello: Unknown rela relocation: 42", "relocation", NULL},
		{"hello: section 3 reloc 1 sym '_printk': relocation 28 out of range "
		 "(0xbf000004 -> 0x80000000)",
		 "relocation", NULL},
		{"hello: section 3 reloc 1 sym '_printk': out of bounds relocation, "
		 "offset 9 size 4",
		 "relocation", NULL},
		{"overflow in relocation type 4 val ffffffffc0401000", "relocation",
		 NULL},
		{"module hello: overflow in relocation type 261 val ffff", "relocation",
		 NULL},
		{"Invalid architecture in ELF header: 40", "arch", NULL},
		{"Invalid module architecture in ELF header: 40", "arch", NULL},
		{"Invalid ELF header len 12", "damaged", NULL},
		{"Invalid ELF section in module (section 3 type 1)", "damaged", NULL},
		{"Module has invalid ELF structures", "damaged", NULL},
		{"No module found in object", "damaged", NULL},
		{"module hello: Only one .gnu.linkonce.this_module section must exist.",
		 "damaged", NULL},
		{"hello: module has no symbols (stripped?)", "damaged", "hello"},
		{"hello: module is marked as livepatch module, but livepatch support is "
		 "disabled",
		 "livepatch", NULL},
		{"hello: Symbol init has an invalid section index 99 (max 12)", "damaged",
		 NULL},
		{"hello: section .text (index 1) has invalid WRITE|EXEC flags", "damaged",
		 NULL},
		{"module hello: .gnu.linkonce.this_module section must have a size set",
		 "struct-module", NULL},
		{"Kernel module BTF mismatch detected, BTF debug info may be unavailable "
		 "for some modules",
		 "btf", NULL},
		{"Loading of module with unsupported crypto is rejected", "signature",
		 NULL},
		{"hello: bad vermagic: kernel tainted.", "no-vermagic", "hello"},
		{"hello: module_layout: kernel tainted.", "no-crc", "hello"},
		{"decompression failed with status -22", "packing", NULL},
		{"ZSTD-decompression failed with status -22", "packing", NULL},
		{"hello: module uses symbols from proprietary module lender, inheriting "
		 "taint.",
		 "taint", NULL},
		{"hello: module license 'Proprietary' taints kernel.", "taint", "hello"},
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
		cmocka_unit_test(explains),
		cmocka_unit_test(fills_holes),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
