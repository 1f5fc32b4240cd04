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
		cmocka_unit_test(explains),
		cmocka_unit_test(fills_holes),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
