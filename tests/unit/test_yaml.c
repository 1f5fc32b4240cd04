// SPDX-License-Identifier: MIT
/* evaluator/yaml.c: nodes, and spans that are exact to the byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/alloc.h"
#include "evaluator/yaml.h"

static struct node *read_text(struct arena *a, struct source *src, const char *text,
			      size_t len, struct error *err)
{
	*src = (struct source){"t.yaml", text, len};
	return yaml_read(src, a, err);
}

static void assert_span(const struct node *n, const char *bytes)
{
	assert_non_null(n);
	assert_int_equal(n->at.len, strlen(bytes));
	assert_memory_equal(n->at.src->text + n->at.off, bytes, n->at.len);
}

/* The caret must stand below its letter: libyaml counts characters, files have bytes. */
static void spans_are_bytes(void **state)
{
	(void)state;
	static const struct {
		const char *text, *key, *bytes;
	} cases[] = {
		{"a: x\n", "a", "x"},
		{"# gr\xc3\xbc\xc3\x9f\x65\na: x\n", "a", "x"},
		{"\xe6\x97\xa5: 1\na: \"q\" # \xf0\x9f\x98\x80\nb: y\n", "b", "y"},
		{"a: 1\r\nb: y\r\n", "b", "y"},
		{"a: \xc3\xa4\xc3\xb6\r\nb: 'y'\r\n", "b", "'y'"},
		{"{a: [1, \"\xc3\xa4\"], b: \xc3\xa4}", "b", "\xc3\xa4"},
		{"b: |\n  line\n  more\n", "b", "|"},
		{"b: >-\r\n  line\r\n", "b", ">-"},
		{"b: two\n  lines\n", "b", "two\n  lines"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena a = {0};
		autoerror struct error err = {0};
		struct source src;

		print_message("# %s", cases[i].text);
		struct node *n =
			read_text(&a, &src, cases[i].text, strlen(cases[i].text), &err);
		assert_span(node_get(n, cases[i].key), cases[i].bytes);
		arena_finish(&a);
	}
}

/* More characters than one row of the table of offsets has, of every width. */
static void spans_survive_long_texts(void **state)
{
	(void)state;
	autobuf struct strbuf text = STRBUF_INIT;
	struct arena a = {0};
	autoerror struct error err = {0};
	struct source src;
	char key[16];

	for (int i = 0; i < 500; i++)
		strbuf_printf(&text, "k%d: v\xc3\xa4\xe6\x97\xa5%d # \xf0\x9f\x98\x80\n",
			      i, i);
	struct node *n = read_text(&a, &src, text.ptr, text.len, &err);
	for (int i = 0; i < 500; i++) {
		autofree char *want = xasprintf("v\xc3\xa4\xe6\x97\xa5%d", i);

		snprintf(key, sizeof(key), "k%d", i);
		assert_span(node_get(n, key), want);
	}
	arena_finish(&a);
}

static void scalars_are_text(void **state)
{
	(void)state;
	static const struct {
		const char *text, *value;
		enum node_style style;
		bool null;
	} cases[] = {
		{"a: no", "no", STYLE_PLAIN, false},
		{"a: 'no'", "no", STYLE_SINGLE, false},
		{"a: 6.10", "6.10", STYLE_PLAIN, false},
		{"a: 0755", "0755", STYLE_PLAIN, false},
		{"a: \"\\x41\\n\"", "A\n", STYLE_DOUBLE, false},
		{"a: ~", "~", STYLE_PLAIN, true},
		{"a: '~'", "~", STYLE_SINGLE, false},
		{"a:", "", STYLE_PLAIN, true},
		{"a: ''", "", STYLE_SINGLE, false},
		{"a: |\n x\n y\n", "x\ny\n", STYLE_LITERAL, false},
		{"a: >\n x\n y\n", "x y\n", STYLE_FOLDED, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena a = {0};
		autoerror struct error err = {0};
		struct source src;

		print_message("# %s\n", cases[i].text);
		struct node *n = node_get(
			read_text(&a, &src, cases[i].text, strlen(cases[i].text), &err),
			"a");
		assert_non_null(n);
		assert_string_equal(n->text, cases[i].value);
		assert_int_equal(n->style, cases[i].style);
		assert_int_equal(node_is_null(n), cases[i].null);
		arena_finish(&a);
	}
}

static void dangers_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t len, off, findings;
	} cases[] = {
		{"a: 1\nb: 2\na: 3\n", 0, 10, 1},
		{"a: &x 1\n", 0, 3, 1},
		{"a: *x\n", 0, 3, 1},
		{"a: !t 1\n", 0, 3, 1},
		{"a: 1\n---\nb: 2\n", 0, 5, 1},
		{"{[1]: 2}", 0, 1, 1},
		{"a: \xff\n", 0, 3, 1},
		{"a: \xc0\x80\n", 0, 3, 1},
		{"a: \xed\xa0\x80\n", 0, 3, 1},
		{"a: \xf4\x90\x80\x80\n", 0, 3, 1},
		{"a: x\0y\n", 8, 4, 1},
		{"a: \"\\0\"\n", 0, 3, 1},
		{"a: [1\n", 0, 5, 1},
		{"", 0, 0, 1},
		{"a: &x 1\na: !t 2\n", 0, 3, 3},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena a = {0};
		autoerror struct error err = {0};
		struct source src;
		size_t len = cases[i].len ? cases[i].len : strlen(cases[i].text);

		print_message("# %s\n", cases[i].text);
		assert_null(read_text(&a, &src, cases[i].text, len, &err));
		assert_int_equal(error_count(&err), cases[i].findings);
		assert_int_equal(err.at.off, cases[i].off);
		assert_int_equal(err.class, ERROR_RECIPE);
		arena_finish(&a);
	}
}

/* The index of a big map must agree with the walk of a small one. */
static void maps_of_any_size_find_their_keys(void **state)
{
	(void)state;
	struct arena a = {0};
	struct span none = {0};
	struct node *map = node_map(&a, none);

	for (int i = 0; i < 300; i++) {
		node_add(&a, map, arena_printf(&a, "k%d", i), none,
			 node_scalar(&a, "v", none));
		assert_non_null(node_get(map, arena_printf(&a, "k%d", i / 2)));
		assert_null(node_get(map, arena_printf(&a, "k%d", i + 1)));
	}
	node_remove(map, "k7");
	assert_null(node_get(map, "k7"));
	assert_int_equal(map->n, 299);
	struct node *copy = node_copy(&a, map);
	node_set(&a, copy, "k8", none, node_scalar(&a, "other", none));
	assert_string_equal(node_text(copy, "k8"), "other");
	assert_string_equal(node_text(map, "k8"), "v");
	arena_finish(&a);
}

static void printing_quotes_what_it_must(void **state)
{
	(void)state;
	static const struct {
		const char *in, *out;
	} cases[] = {
		{"x", "x"},           {"a b", "a b"},        {"", "\"\""},
		{"~", "\"~\""},       {"- x", "\"- x\""},    {"-x", "-x"},
		{"a: b", "\"a: b\""}, {"a:b", "a:b"},        {"a #b", "\"a #b\""},
		{"a#b", "a#b"},       {"x:", "\"x:\""},      {"\n", "\"\\n\""},
		{"[x]", "\"[x]\""},   {"\x01", "\"\\x01\""}, {"'x'", "\"'x'\""},
		{" x", "\" x\""},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autobuf struct strbuf out = STRBUF_INIT;

		node_print_text(cases[i].in, &out);
		assert_string_equal(out.ptr, cases[i].out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spans_are_bytes),
		cmocka_unit_test(spans_survive_long_texts),
		cmocka_unit_test(scalars_are_text),
		cmocka_unit_test(dangers_are_refused),
		cmocka_unit_test(maps_of_any_size_find_their_keys),
		cmocka_unit_test(printing_quotes_what_it_must),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
