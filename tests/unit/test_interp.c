// SPDX-License-Identifier: MIT
/* evaluator/interp.c: ${} is read, and complained about at exactly its bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/alloc.h"
#include "evaluator/interp.h"
#include "evaluator/sections.h"
#include "evaluator/yaml.h"

static struct node *expand(struct arena *a, struct source *src, const char *text,
			   struct error *err)
{
	*src = (struct source){"t.yaml", text, strlen(text)};
	struct node *n = yaml_read(src, a, err);

	assert_non_null(n);
	interp_apply(n, &recipe_schema, a, err);
	return n;
}

static void references_are_read(void **state)
{
	(void)state;
	static const struct {
		const char *text, *want; /* of run.append */
	} cases[] = {
		{"arch: arm64\nrun: {append: \"a=${arch}\"}", "a=arm64"},
		{"run: {append: \"${run.memory}\"}", "1G"},
		{"run: {append: \"${run.timeout.boot} ${toolchain}\"}", "60s debian/13"},
		{"run: {memory: 2G, append: \"${run.memory}${run.memory}\"}", "2G2G"},
		{"run: {cpu: \"${run.memory}\", memory: 3G, append: \"${run.cpu}\"}",
		 "3G"},
		{"run: {append: \"$${arch} $$ $x $\"}", "${arch} $$ $x $"},
		{"run: {append: \"$$${arch}\"}", "$${arch}"},
		{"kernel: debian/x\nrun: {append: \"${kernel.source}\"}", "debian/x"},
		{"kernel: {source: {from: ./k}}\nrun: {append: \"${kernel.source}\"}",
		 "./k"},
		{"modules: {m: ./m}\nrun: {append: \"${modules.m.source}\"}", "./m"},
		{"modules: {m: {source: ./m}}\nrun: {append: \"${modules.m.install}\"}",
		 "updates"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena a = {0};
		autoerror struct error err = {0};
		struct source src;

		print_message("# %s\n", cases[i].text);
		struct node *n = expand(&a, &src, cases[i].text, &err);
		assert_false(error_is_set(&err));
		assert_string_equal(node_text(node_get(n, "run"), "append"),
				    cases[i].want);
		arena_finish(&a);
	}
}

static void findings_stand_at_their_bytes(void **state)
{
	(void)state;
	static const struct {
		const char *text, *at, *msg;
		size_t which; /* occurrence of `at` */
	} cases[] = {
		{"run: {append: \"x ${arhc}\"}", "${arhc}", "nothing is called 'arhc'",
		 0},
		{"run:\n  append: |\n    \xc3\xa4 ${toolchain}\n    ${nix}\n", "${nix}",
		 "nothing is called 'nix'", 0},
		{"run: {append: \"$${nix} ${nix}\"}", "${nix}", "nothing is called 'nix'",
		 1},
		{"run: {append: \"\\u00e4 ${nix}\"}", "${nix}", "nothing is called 'nix'",
		 0},
		{"run: {append: \"${a b}\"}", "${a b}",
		 "expected a name such as ${arch}, found 'a b'", 0},
		{"run: {append: \"${arch\"}", "${", "'${' without its '}'", 0},
		{"run: {append: \"${run.timeout}\"}", "${run.timeout}",
		 "'run.timeout' is a map, not text", 0},
		{"run: {append: \"${initramfs}\"}", "${initramfs}",
		 "'initramfs' is known only after a build", 0},
		{"run: {append: \"${run.append}\"}", "${run.append}",
		 "references in a circle: run.append -> run.append", 0},
		{"steps: {s: {builder: ./b, options: {x: \"${kernel.image}\"}}}",
		 "${kernel.image}", "'kernel.image' is known only after a build", 0},
		{"steps: {s: {builder: ./b, inputs: {x: \"a ${kernel.image}\"}}}",
		 "${kernel.image}", "'kernel.image' is known only after a build", 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena a = {0};
		autoerror struct error err = {0};
		struct source src;
		const char *p = strstr(cases[i].text, cases[i].at);

		for (size_t k = 0; k < cases[i].which; k++)
			p = strstr(p + 1, cases[i].at);
		print_message("# %s\n", cases[i].text);
		expand(&a, &src, cases[i].text, &err);
		assert_int_equal(error_count(&err), 1);
		assert_string_equal(err.msg, cases[i].msg);
		assert_int_equal(err.at.off, p - cases[i].text);
		assert_int_equal(err.at.len, strlen(cases[i].at));
		arena_finish(&a);
	}
}

static void outputs_are_told_from_values(void **state)
{
	(void)state;
	static const struct {
		const char *text, *step, *output, *subpath; /* step NULL: no output */
	} cases[] = {
		{"${kernel}", "kernel", "out", ""},
		{"${kernel.dev}", "kernel", "dev", ""},
		{"${kernel.image}", "kernel", "out", "/image"},
		{"${kernel}/System.map", "kernel", "out", "/System.map"},
		{"${kernel.source}", "kernel.source", "out", ""},
		{"${modules.m}", "modules.m", "out", ""},
		{"${modules.m.debug}", "modules.m", "debug", ""},
		{"${modules.m.source}", NULL, NULL, NULL},
		{"${modules.none}", NULL, NULL, NULL},
		{"${steps.s}", "s", "out", ""},
		{"${steps.s.report}/x/y", "s", "report", "/x/y"},
		{"${steps.s.builder}", NULL, NULL, NULL},
		{"${arch}", NULL, NULL, NULL},
		{"x${kernel}", NULL, NULL, NULL},
		{"${kernel}x", NULL, NULL, NULL},
	};
	struct arena a = {0};
	autoerror struct error err = {0};
	struct source src;
	struct node *root =
		expand(&a, &src, "modules: {m: ./m}\nsteps: {s: {builder: ./b}}\n", &err);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct output_ref ref;

		print_message("# %s\n", cases[i].text);
		assert_int_equal(interp_output(root, cases[i].text, &a, &ref),
				 cases[i].step != NULL);
		if (!cases[i].step)
			continue;
		assert_string_equal(ref.step, cases[i].step);
		assert_string_equal(ref.output, cases[i].output);
		assert_string_equal(ref.subpath, cases[i].subpath);
	}
	arena_finish(&a);
}

/* A small file cannot become a huge one. */
static void growth_is_bounded(void **state)
{
	(void)state;
	static const char *const keys[] = {"machine", "cpu", "append", "test", "net"};
	autobuf struct strbuf text = STRBUF_INIT;
	struct arena a = {0};
	autoerror struct error err = {0};
	struct source src;

	strbuf_adds(&text, "run:\n  accel: xxxxxxxxxxxxxxxx\n");
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		strbuf_printf(&text, "  %s: \"", keys[i]);
		for (int k = 0; k < 32; k++)
			strbuf_printf(&text, "${run.%s}", i ? keys[i - 1] : "accel");
		strbuf_adds(&text, "\"\n");
	}
	expand(&a, &src, text.ptr, &err);
	assert_true(error_is_set(&err));
	assert_non_null(strstr(err.msg, "grows beyond"));
	arena_finish(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(references_are_read),
		cmocka_unit_test(findings_stand_at_their_bytes),
		cmocka_unit_test(outputs_are_told_from_values),
		cmocka_unit_test(growth_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
