// SPDX-License-Identifier: MIT
/* evaluator/schema.c and its tables: types, short forms, defaults, architectures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/alloc.h"
#include "evaluator/arch.h"
#include "evaluator/merge.h"
#include "evaluator/sections.h"
#include "evaluator/yaml.h"

static struct node *parse(struct arena *a, const char *text)
{
	autoerror struct error err = {0};
	struct source *src = arena_new(a, struct source);

	*src = (struct source){"t.yaml", text, strlen(text)};
	struct node *n = yaml_read(src, a, &err);
	assert_non_null(n);
	return n;
}

static void sizes_and_times(void **state)
{
	(void)state;
	static const struct {
		const char *in;
		int ret;
		uint64_t out;
	} sizes[] =
		{
			{"4k", 0, 4096},
			{"4K", 0, 4096},
			{"64M", 0, 64 << 20},
			{"1G", 0, 1ULL << 30},
			{"0", 0, 0},
			{"-1", -1, 0},
			{"1.5G", -1, 0},
			{"1GB", -1, 0},
			{"", -1, 0},
			{"M", -1, 0},
			{"99999999999999999999", -1, 0},
			{"99999999999T", -1, 0},
		},
	  times[] = {
		  {"60s", 0, 60000},
		  {"10m", 0, 600000},
		  {"500ms", 0, 500},
		  {"2h", 0, 7200000},
		  {"60", -1, 0},
		  {"1 s", -1, 0},
		  {"99999999999999999h", -1, 0},
	  };

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		uint64_t v = 0;

		print_message("# schema_size(\"%s\")\n", sizes[i].in);
		assert_int_equal(schema_size(sizes[i].in, &v), sizes[i].ret);
		if (sizes[i].ret == 0)
			assert_int_equal(v, sizes[i].out);
	}
	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		uint64_t v = 0;

		print_message("# schema_duration(\"%s\")\n", times[i].in);
		assert_int_equal(schema_duration(times[i].in, &v), times[i].ret);
		if (times[i].ret == 0)
			assert_int_equal(v, times[i].out);
	}
}

static void scalars_get_canonical_text(void **state)
{
	(void)state;
	static const char *const words[] = {"fast", "small"};
	static const struct {
		struct schema schema;
		const char *in, *out; /* NULL: refused */
	} cases[] = {
		{{.type = TYPE_BOOL}, "yes", "y"},
		{{.type = TYPE_BOOL}, "false", "n"},
		{{.type = TYPE_BOOL}, "'n'", "n"},
		{{.type = TYPE_BOOL}, "on", NULL},
		{{.type = TYPE_INT}, "0x48000000", "0x48000000"},
		{{.type = TYPE_INT}, "-3", "-3"},
		{{.type = TYPE_INT}, "3.0", NULL},
		{{.type = TYPE_INT}, "9223372036854775808", NULL},
		{{.type = TYPE_TEXT}, "no", "no"},
		{{.type = TYPE_TEXT}, "''", ""},
		{{.type = TYPE_TEXT}, "~", NULL},
		{{.type = TYPE_TEXT}, "[x]", NULL},
		{{.type = TYPE_ENUM, WORDS(words)}, "fast", "fast"},
		{{.type = TYPE_ENUM, WORDS(words)}, "fats", NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena a = {0};
		autoerror struct error err = {0};

		print_message("# %s\n", cases[i].in);
		struct node *n = schema_apply(&cases[i].schema, parse(&a, cases[i].in),
					      "x", &a, &err);
		assert_int_equal(n != NULL, cases[i].out != NULL);
		assert_int_equal(error_is_set(&err), cases[i].out == NULL);
		if (n)
			assert_string_equal(n->text, cases[i].out);
		arena_finish(&a);
	}
}

/* S1-06 S2-32: every name people have for an architecture. */
static void architectures_have_many_names(void **state)
{
	(void)state;
	static const struct {
		const char *in, *name, *kernel, *debian;
	} cases[] = {
		{"x86_64", "x86_64", "x86_64", "amd64"},
		{"amd64", "x86_64", "x86_64", "amd64"},
		{"x64", "x86_64", "x86_64", "amd64"},
		{"aarch64", "arm64", "arm64", "arm64"},
		{"arm64", "arm64", "arm64", "arm64"},
		{"armhf", "armhf", "arm", "armhf"},
		{"armv7l", "armhf", "arm", "armhf"},
		{"arm", "armhf", "arm", "armhf"},
		{"i386", "i386", "i386", "i386"},
		{"i686", "i386", "i386", "i386"},
		{"ppc64le", "ppc64le", "powerpc", "ppc64el"},
		{"ppc64el", "ppc64le", "powerpc", "ppc64el"},
		{"powerpc64le", "ppc64le", "powerpc", "ppc64el"},
		{"ppc32", "ppc32", "powerpc", "powerpc"},
		{"riscv64", "riscv64", "riscv", "riscv64"},
		{"s390", "s390x", "s390", "s390x"},
		{"s390x", "s390x", "s390", "s390x"},
		{"loongarch64", "loong64", "loongarch", "loong64"},
	};
	size_t n;
	const char *const *words = arch_words(&n);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct arch *arch = arch_find(cases[i].in);

		print_message("# %s\n", cases[i].in);
		assert_non_null(arch);
		assert_string_equal(arch->name, cases[i].name);
		assert_string_equal(arch->kernel, cases[i].kernel);
		assert_string_equal(arch->debian, cases[i].debian);
	}
	for (size_t i = 0; i < n; i++)
		assert_non_null(arch_find(words[i]));
	assert_null(arch_find("x86_46"));
	assert_null(arch_find(""));
}

static void sources_are_told_apart(void **state)
{
	(void)state;
	static const struct {
		const char *from;
		enum source_form form;
	} cases[] = {
		{"./x", SOURCE_PATH},
		{".", SOURCE_PATH},
		{"../x.tar.xz", SOURCE_PATH},
		{"/x", SOURCE_PATH},
		{"x", SOURCE_UNKNOWN},
		{"", SOURCE_UNKNOWN},
		{"debian/linux-source-6.12", SOURCE_DEBIAN},
		{"debian/", SOURCE_UNKNOWN},
		{"kernel.org/6.12.12", SOURCE_KERNEL},
		{"git+file:///x#y", SOURCE_GIT},
		{"git+https://h/x.git", SOURCE_GIT},
		{"https://h/x.tar", SOURCE_URL},
		{"file:///x.tar", SOURCE_URL},
		{"ftp://h/x", SOURCE_UNKNOWN},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		print_message("# %s\n", cases[i].from);
		assert_int_equal(source_form_of(cases[i].from), cases[i].form);
	}
}

static void merging_follows_its_rules(void **state)
{
	(void)state;
	static const struct {
		const char *base, *over, *want;
	} cases[] = {
		{"{run: {smp: 1, cpu: a}}", "{run: {smp: 2}}",
		 "run:\n  smp: 2\n  cpu: a\n"},
		{"{run: {args: [a]}}", "{run: {args: [b]}}",
		 "run:\n  args:\n    - a\n    - b\n"},
		{"{run: {args: [a]}}", "{run: {args!: [b]}}", "run:\n  args:\n    - b\n"},
		{"{run: {smp: 1}, name: x}", "{run: ~}", "name: x\n"},
		{"{run: {smp: 1}}", "{run!: {cpu: b}}", "run:\n  cpu: b\n"},
		{"{kernel: k/x}", "{kernel: {image: vmlinux}}",
		 "kernel:\n  source: k/x\n  image: vmlinux\n"},
		{"{kernel: {image: auto, source: a}}", "{kernel: b}",
		 "kernel:\n  image: auto\n  source: b\n"},
		{"{name: a}", "{name: b}", "name: b\n"},
		{"{}", "{name: ~, arch: x}", "arch: x\n"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena a = {0};
		autobuf struct strbuf out = STRBUF_INIT;

		print_message("# %s under %s\n", cases[i].base, cases[i].over);
		node_print(merge_nodes(&recipe_schema, parse(&a, cases[i].base),
				       parse(&a, cases[i].over), &a),
			   false, &out);
		assert_string_equal(out.ptr, cases[i].want);
		arena_finish(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_and_times),
		cmocka_unit_test(scalars_get_canonical_text),
		cmocka_unit_test(architectures_have_many_names),
		cmocka_unit_test(sources_are_told_apart),
		cmocka_unit_test(merging_follows_its_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
