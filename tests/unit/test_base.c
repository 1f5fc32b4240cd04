// SPDX-License-Identifier: MIT
/* base/: strings, maps, arenas, errors, files, and how an error is shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/child.h"
#include "base/dir.h"
#include "base/json.h"
#include "base/map.h"
#include "base/sha256.h"
#include "base/xdg.h"
#include "cli/report.h"

static void cut_splits(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t parts;
	} cases[] = {{"", 1}, {"a", 1}, {"a b", 2}, {" ", 2}, {"a  b ", 4}};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct str rest = str_of(cases[i].text);
		size_t n = 0;

		for (; rest.ptr; n++)
			str_cut(&rest, ' ');
		print_message("# str_cut(\"%s\")\n", cases[i].text);
		assert_int_equal(n, cases[i].parts);
	}
}

static void masked_text_has_no_control_characters(void **state)
{
	(void)state;
	autobuf struct strbuf b = STRBUF_INIT;

	strbuf_add_masked(&b, "a\033[31m\tb\n\x7f\xc3\xa4\r", 13);
	assert_string_equal(b.ptr, "a?[31m\tb\n?\xc3\xa4?");
	strbuf_reset(&b);
	strbuf_add_masked(&b, "\xc2\x9b\xc2\xa0\xc2", 5);
	assert_string_equal(b.ptr, "?\xc2\xa0\xc2");
}

static void directories_of_the_user(void **state)
{
	static const struct {
		const char *variable, *home, *want;
	} cases[] = {
		{"/x", "/h", "/x/kbuild"},
		{"", "/h", "/h/.cache/kbuild"},
		{"relative", "/h", "/h/.cache/kbuild"},
		{NULL, "/h", "/h/.cache/kbuild"},
	};
	const char *home = getenv("HOME");
	autofree char *saved = home ? xstrdup(home) : NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		unsetenv("KBUILD_TEST_XDG");
		if (cases[i].variable)
			setenv("KBUILD_TEST_XDG", cases[i].variable, 1);
		setenv("HOME", cases[i].home, 1);
		autofree char *dir = xdg_dir("KBUILD_TEST_XDG", ".cache");
		assert_string_equal(dir, cases[i].want);
	}
	/* Without HOME the password file knows, or nobody does. */
	unsetenv("HOME");
	autofree char *dir = xdg_dir("KBUILD_TEST_XDG", ".cache");
	assert_true(!dir || !str_starts(dir, "/h/"));
	if (saved)
		setenv("HOME", saved, 1);
}

static void json_of_the_wrong_kind_is_absent(void **state)
{
	struct json_object *o =
		json_tokener_parse("{\"t\": \"x\", \"n\": 7, \"l\": [], \"z\": null}");
	struct json_object *none = NULL;

	(void)state;
	assert_string_equal(json_text(o, "t"), "x");
	assert_int_equal(json_number(o, "n"), 7);
	assert_non_null(json_list(o, "l"));
	assert_null(json_text(o, "n"));
	assert_null(json_text(o, "z"));
	assert_null(json_list(o, "t"));
	assert_int_equal(json_number(o, "t"), 0);
	assert_int_equal(json_number(o, "no"), 0);
	assert_null(json_text(none, "t"));
	json_add(o, "added", NULL);
	assert_null(json_text(o, "added"));
	json_object_put(o);
}

static void map_keeps_insertion_order(void **state)
{
	(void)state;
	struct map m = {0};
	char key[16];
	int values[1000];

	for (int i = 0; i < 1000; i++) {
		snprintf(key, sizeof(key), "k%d", i * 7919 % 1000);
		assert_null(map_set(&m, key, &values[i]));
	}
	assert_int_equal(m.n, 1000);
	size_t at = 0;
	map_each (&m, e)
		assert_ptr_equal(e->value, &values[at++]);
	assert_ptr_equal(map_set(&m, "k0", &values[1]), &values[0]);
	assert_ptr_equal(map_get(&m, "k0"), &values[1]);
	assert_null(map_get(&m, "k1000"));
	map_finish(&m);
}

static void nearest_word(void **state)
{
	(void)state;
	static const char *const words[] = {"kernel", "config", "module", "initramfs"};
	static const struct {
		const char *word, *near;
	} cases[] = {
		{"kernal", "kernel"}, {"kenrel", "kernel"},      {"conifg", "config"},
		{"xyz", NULL},        {"initramf", "initramfs"}, {"", NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *got = word_nearest(cases[i].word, words, ARRAY_LEN(words));

		print_message("# word_nearest(\"%s\")\n", cases[i].word);
		if (cases[i].near)
			assert_string_equal(got, cases[i].near);
		else
			assert_null(got);
	}
}

static void arena_memory_is_zero_and_aligned(void **state)
{
	(void)state;
	struct arena a = {0};

	for (size_t i = 1; i < 3000; i++) {
		unsigned char *p = arena_alloc(&a, i, 16);

		assert_int_equal((uintptr_t)p % 16, 0);
		for (size_t k = 0; k < i; k++)
			assert_int_equal(p[k], 0);
		memset(p, 0xff, i);
	}
	arena_finish(&a);
}

static void errors_chain_and_join(void **state)
{
	(void)state;
	autoerror struct error err = {0}, more = {0};

	assert_int_equal(error_class(&err, ERROR_LOCK, "one"), -1);
	assert_int_equal(error_wrap(&err, "while %s", "two"), -1);
	assert_int_equal(err.class, ERROR_LOCK);
	assert_string_equal(err.cause->msg, "one");
	error_make(&more, "three");
	error_join(&err, &more);
	assert_false(error_is_set(&more));
	assert_int_equal(error_count(&err), 2);
	errno = ENOENT;
	error_errno(&err, "cannot open %s", "x");
	assert_string_equal(err.next->next->msg,
			    "cannot open x: No such file or directory");
}

static void report_points_at_the_letter(void **state)
{
	(void)state;
	static const char text[] = "kbuild: 1\n\tk\xc3\xa4rnel: x\nlast";
	const struct source src = {"r.yaml", text, sizeof(text) - 1};
	static const struct {
		size_t off, len;
		const char *want;
	} cases[] = {
		{0, 6, "r.yaml:1:1: error: m\n    1 | kbuild: 1\n      | ^~~~~~\n"},
		{11, 7,
		 "r.yaml:2:2: error: m\n    2 | \tk\xc3\xa4rnel: x\n      | \t^~~~~~\n"},
		{sizeof(text) - 1, 0,
		 "r.yaml:3:5: error: m\n    3 | last\n      |     ^\n"},
		{1000, 5, "r.yaml:3:5: error: m\n    3 | last\n      |     ^\n"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autoerror struct error err = {0};
		autobuf struct strbuf out = STRBUF_INIT;

		error_at(&err, (struct span){&src, cases[i].off, cases[i].len}, "m");
		report_error(&err, false, &out);
		assert_string_equal(out.ptr, cases[i].want);
	}
}

static void at_most_twenty_findings_in_file_order(void **state)
{
	(void)state;
	char text[64];
	memset(text, 'x', sizeof(text));
	const struct source src = {"r.yaml", text, sizeof(text)};
	autoerror struct error err = {0};
	autobuf struct strbuf out = STRBUF_INIT;

	for (size_t i = 25; i-- > 0;)
		error_at(&err, (struct span){&src, i, 1}, "finding");
	report_error(&err, false, &out);
	const char *first = strstr(out.ptr, "r.yaml:1:");
	assert_memory_equal(first, "r.yaml:1:1:", 11);
	assert_non_null(strstr(out.ptr, "r.yaml:1:20:"));
	assert_null(strstr(out.ptr, "r.yaml:1:21:"));
	assert_non_null(strstr(out.ptr, "and 5 more errors"));
}

/* What a crash left beside a file goes with the next writer; what may be in use stays. */
static void old_neighbours_are_cleared(void **state)
{
	const struct timespec old[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
	static const char *const names[] = {"f.tmp-old", "f.tmp-new", "g.tmp-old",
					    "f.tm"};
	char name[] = "/tmp/kbuild-dir.XXXXXX", target[8] = {0};
	struct error err = {0};

	(void)state;
	assert_non_null(mkdtemp(name));
	int dir = open(name, O_RDONLY | O_DIRECTORY);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		assert_int_equal(symlinkat("x", dir, names[i]), 0);
		if (i != 1)
			assert_int_equal(
				utimensat(dir, names[i], old, AT_SYMLINK_NOFOLLOW), 0);
	}
	assert_int_equal(dir_link(dir, "f", "first", &err), 0);
	assert_int_equal(dir_link(dir, "f", "second", &err), 0);
	assert_int_equal(readlinkat(dir, "f", target, sizeof(target)), 6);
	assert_memory_equal(target, "second", 6);
	assert_int_equal(faccessat(dir, "f.tmp-old", F_OK, AT_SYMLINK_NOFOLLOW), -1);
	for (size_t i = 1; i < ARRAY_LEN(names); i++)
		assert_int_equal(faccessat(dir, names[i], F_OK, AT_SYMLINK_NOFOLLOW), 0);
	close(dir);
	assert_int_equal(dir_remove(AT_FDCWD, name, &err), 0);
}

static void trees_go_whatever_their_modes(void **state)
{
	(void)state;
	char top[] = "/tmp/kbuild-unit.XXXXXX";
	autoerror struct error err = {0};
	autobuf struct strbuf back = STRBUF_INIT;

	assert_non_null(mkdtemp(top));
	autoclose int dir = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(dir_make(dir, "a/b/c", 0755, &err), 0);
	assert_int_equal(dir_write(dir, "a/b/c/f", "text", 4, 0444, true, &err), 0);
	assert_int_equal(dir_read(dir, "a/b/c/f", &back, &err), 0);
	assert_string_equal(back.ptr, "text");
	assert_int_equal(symlinkat("/etc", dir, "a/b/link"), 0);
	assert_int_equal(fchmodat(dir, "a/b/c", 0000, 0), 0);
	assert_int_equal(fchmodat(dir, "a/b", 0555, 0), 0);
	assert_int_equal(dir_remove(dir, "a", &err), 0);
	assert_int_equal(faccessat(dir, "a", F_OK, 0), -1);
	assert_int_equal(access("/etc/passwd", F_OK), 0);
	assert_int_equal(dir_remove(dir, "absent", &err), 0);
	assert_int_equal(rmdir(top), 0);
}

static void children_report_how_they_end(void **state)
{
	(void)state;
	static const struct {
		const char *script;
		int code;
	} cases[] = {{"exit 0", 0}, {"exit 3", 3}, {"kill -9 $$", 137}};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autoargv struct argv argv = {0};
		autoerror struct error err = {0};

		argv_pushl(&argv, "sh", "-c", cases[i].script, NULL);
		assert_int_equal(child_run(&(struct child){.argv = &argv}, &err),
				 cases[i].code);
	}
	autoargv struct argv argv = {0};
	autoerror struct error err = {0};
	argv_push(&argv, "/nonexistent/program");
	assert_int_equal(child_run(&(struct child){.argv = &argv}, &err), -1);
	assert_non_null(strstr(err.msg, "/nonexistent/program"));
}

/* FIPS 180-4 examples. */
static void sha256_of_known_texts(void **state)
{
	(void)state;
	static const struct {
		const char *text, *hex;
	} cases[] = {
		{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{"abc",
		 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
	};
	char hex[SHA256_HEX_SIZE];
	struct sha256 back;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sha256 h = sha256_of(cases[i].text, strlen(cases[i].text));

		assert_string_equal(sha256_hex(&h, hex), cases[i].hex);
		assert_int_equal(sha256_parse(hex, &back), 0);
		assert_true(sha256_equal(&h, &back));
	}
	assert_int_equal(sha256_parse("abc", &back), -1);
	hex[63] = 'g';
	assert_int_equal(sha256_parse(hex, &back), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cut_splits),
		cmocka_unit_test(masked_text_has_no_control_characters),
		cmocka_unit_test(directories_of_the_user),
		cmocka_unit_test(json_of_the_wrong_kind_is_absent),
		cmocka_unit_test(map_keeps_insertion_order),
		cmocka_unit_test(nearest_word),
		cmocka_unit_test(arena_memory_is_zero_and_aligned),
		cmocka_unit_test(errors_chain_and_join),
		cmocka_unit_test(report_points_at_the_letter),
		cmocka_unit_test(at_most_twenty_findings_in_file_order),
		cmocka_unit_test(old_neighbours_are_cleared),
		cmocka_unit_test(trees_go_whatever_their_modes),
		cmocka_unit_test(children_report_how_they_end),
		cmocka_unit_test(sha256_of_known_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
