// SPDX-License-Identifier: MIT
/* Which files of a local tree count, and when its stat cache is believed. S1-03 */
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "base/error.h"
#include "fetchers/glob.h"
#include "fetchers/ignore.h"
#include "fetchers/treecache.h"

/* --- patterns -------------------------------------------------------------- */

static void gitignore(void **state)
{
	static const struct {
		const char *rules, *path;
		bool is_dir, ignored;
	} cases[] = {
		{"*.o\n", "a.o", false, true},
		{"*.o\n", "d/a.o", false, true},
		{"*.o\n!keep.o\n", "d/keep.o", false, false},
		{"!keep.o\n*.o\n", "keep.o", false, true},
		{"/a\n", "a", false, true},
		{"/a\n", "d/a", false, false},
		{"d/a\n", "x/d/a", false, false},
		{"**/d/a\n", "x/y/d/a", false, true},
		{"**/d/a\n", "d/a", false, true},
		{"a/**/b\n", "a/b", false, true},
		{"a/**/b\n", "a/x/y/b", false, true},
		{"a/**\n", "a/x", false, true},
		{"a/**\n", "a", true, false},
		{"build/\n", "build", true, true},
		{"build/\n", "build", false, false},
		{"a?c\n", "abc", false, true},
		{"d/a?c\n", "d/a/c", false, false},
		{"d/*\n", "d/x/y", false, false},
		{"[ab].c\n", "b.c", false, true},
		{"[!ab].c\n", "b.c", false, false},
		{"*.[ch]\n", "x.h", false, true},
		{"[\n", "[", false, true},
		{"# x\n", "# x", false, false},
		{"\\#x\n", "#x", false, true},
		{"\\!x\n", "!x", false, true},
		{"x  \n", "x", false, true},
		{"x\\ \n", "x ", false, true},
		{"x\r\n", "x", false, true},
		{"\n\n", "x", false, false},
		{".*\n", ".config", false, true},
		{"a*b*c\n", "aXbYc", false, true},
		{"a*b*c\n", "aXbY", false, false},
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ignore ig = {0};

		print_message("# '%s' on %s\n", cases[i].rules, cases[i].path);
		ignore_push(&ig, str_of(cases[i].rules), "");
		assert_int_equal(ignore_match(&ig, cases[i].path, cases[i].is_dir),
				 cases[i].ignored);
		ignore_finish(&ig);
	}
}

static void deeper_rules_win(void **state)
{
	struct ignore ig = {0};
	(void)state;

	ignore_push(&ig, STR("*.o\n/top\n"), "");
	size_t mark = ignore_push(&ig, STR("!/x.o\ntop\n"), "d");
	assert_false(ignore_match(&ig, "d/x.o", false));
	assert_true(ignore_match(&ig, "d/e/x.o", false));
	assert_true(ignore_match(&ig, "d/top", false));
	ignore_pop(&ig, mark);
	assert_true(ignore_match(&ig, "d/x.o", false));
	assert_false(ignore_match(&ig, "d/top", false));
	ignore_finish(&ig);
}

static void globs(void **state)
{
	static const struct {
		const char *patterns, *path;
		bool by_name, match;
	} cases[] = {
		{"usr/share/doc", "usr/share/doc/x/y", false, true},
		{"usr/share/doc/", "usr/share/doc", false, true},
		{"usr/share/doc", "usr/share/docs", false, false},
		{"usr/lib/llvm-*/lib/*.a", "usr/lib/llvm-19/lib/x.a", false, true},
		{"usr/lib/llvm-*/lib/*.a", "usr/lib/llvm-19/lib/d/x.a", false, false},
		{"usr/**.a", "usr/lib/d/x.a", false, true},
		{"src\n!src/library", "src/library/x", false, false},
		{"src\n!src/library", "src/compiler", false, true},
		{"*.a", "d/x.a", false, false},
		{"*.a", "d/x.a", true, true},
		{"d", "a/d/x", true, true},
		{"", "x", true, false},
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct globs g = {.by_name = cases[i].by_name};

		print_message("# '%s' on %s\n", cases[i].patterns, cases[i].path);
		globs_add(&g, cases[i].patterns);
		assert_int_equal(globs_match(&g, cases[i].path), cases[i].match);
		globs_finish(&g);
	}
}

/* --- the cache ------------------------------------------------------------- */

struct world {
	char dir[64];
	char *tree, *cache, *program;
	struct fetch_client client;
	struct tree_request req;
};

static int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	char self[PATH_MAX] = {0};

	strcpy(w->dir, "/tmp/kbuild-treecache-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	/* build/tests/test_treecache: the program is one up */
	*strrchr(self, '/') = '\0';
	w->program = xasprintf("%s/../kbuild-fetch", self);
	w->tree = path_join(w->dir, "tree");
	w->cache = path_join(w->dir, "cache");
	assert_int_equal(mkdir(w->tree, 0755), 0);
	w->client.program = w->program;
	w->req = (struct tree_request){
		.physical = w->tree, .cache_dir = w->cache, .fetch = &w->client};
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	autoerror struct error err = {0};

	assert_int_equal(dir_remove(AT_FDCWD, w->dir, &err), 0);
	free(w->tree);
	free(w->cache);
	free(w->program);
	free(w);
	return 0;
}

static void put(struct world *w, const char *path, const char *text)
{
	autofree char *full = path_join(w->tree, path);
	autofree char *dir = xstrndup(full, (size_t)(strrchr(full, '/') - full));
	autoerror struct error err = {0};

	assert_int_equal(dir_make(AT_FDCWD, dir, 0755, &err), 0);
	assert_int_equal(dir_write(AT_FDCWD, full, text, strlen(text), 0644, false, &err),
			 0);
}

static struct sha256 hash(struct world *w)
{
	autoerror struct error err = {0};
	struct tree_answer answer;

	if (tree_hash(&w->req, &answer, &err) < 0)
		fail_msg("%s", err.msg);
	return answer.nar;
}

/* The answer from the cache alone: there is no program that could make another one. */
static bool cached(struct world *w, struct sha256 *out)
{
	struct fetch_client none = {.program = "/nonexistent/kbuild-fetch"};
	struct tree_request req = w->req;
	autoerror struct error err = {0};
	struct tree_answer answer;

	req.fetch = &none;
	if (tree_hash(&req, &answer, &err) < 0)
		return false;
	*out = answer.nar;
	return true;
}

static void believed_until_changed(void **state)
{
	struct world *w = *state;
	struct sha256 first, again;

	put(w, "a", "one\n");
	put(w, "d/b", "two\n");
	assert_false(cached(w, &again));
	first = hash(w);
	assert_true(cached(w, &again));
	assert_true(sha256_equal(&first, &again));

	/* at once, same size, same directory: only the times tell */
	put(w, "a", "eno\n");
	assert_false(cached(w, &again));
	again = hash(w);
	assert_false(sha256_equal(&first, &again));

	put(w, "a", "one\n");
	again = hash(w);
	assert_true(sha256_equal(&first, &again));

	put(w, "d/new", "x");
	assert_false(cached(w, &again));
}

/* Written in place, again and again within one tick of the clock. */
static void same_tick(void **state)
{
	struct world *w = *state;
	autofree char *path = path_join(w->tree, "f");

	put(w, "f", "0");
	for (int i = 1; i < 20; i++) {
		struct sha256 before = hash(w), after;
		char digit = (char)('a' + i);
		autoclose int fd = open(path, O_WRONLY | O_CLOEXEC);

		assert_int_equal(pwrite(fd, &digit, 1, 0), 1);
		assert_false(cached(w, &after));
		after = hash(w);
		assert_false(sha256_equal(&before, &after));
	}
}

static void rules_change_it(void **state)
{
	struct world *w = *state;
	struct sha256 clean, dirty;

	put(w, "main.c", "int main;\n");
	put(w, "sub/.gitignore", "*.o\n/gen/\n.config\n");
	put(w, "sub/x.c", "x\n");
	clean = hash(w);
	put(w, "sub/x.o", "object\n");
	put(w, "sub/gen/autoconf.h", "stale\n");
	put(w, "sub/.config", "stale\n");
	put(w, ".git/HEAD", "ref\n");
	dirty = hash(w);
	assert_true(sha256_equal(&clean, &dirty));
	put(w, "sub/.gitignore", "*.o\n");
	dirty = hash(w);
	assert_false(sha256_equal(&clean, &dirty));
}

/* A rule above the tree counts as far up as its repository goes. */
static void rules_above(void **state)
{
	struct world *w = *state;
	autofree char *sub = path_join(w->tree, "sub");
	struct sha256 with, without;

	put(w, "sub/x.c", "x\n");
	put(w, "sub/x.o", "o\n");
	put(w, ".gitignore", "*.o\n");
	w->req.physical = sub;
	with = hash(w);
	put(w, ".git/HEAD", "ref\n");
	assert_false(cached(w, &without));
	without = hash(w);
	assert_false(sha256_equal(&with, &without));
	put(w, ".gitignore", "*.p\n");
	assert_false(cached(w, &without));
	without = hash(w);
	assert_true(sha256_equal(&with, &without));
	/* the whole tree ignored: then it is not the repository's to say */
	put(w, ".gitignore", "sub/\n");
	without = hash(w);
	assert_true(sha256_equal(&with, &without));
}

static void members(struct world *w, const char *want)
{
	autoargv struct argv names = {0};
	autoerror struct error err = {0};
	autobuf struct strbuf got = STRBUF_INIT;

	assert_int_equal(tree_members(&w->req, &names, &err), 0);
	for (size_t i = 0; i < names.n; i++)
		strbuf_printf(&got, "%s%s", i ? " " : "", names.v[i]);
	assert_string_equal(got.ptr, want);
}

static void filters(void **state)
{
	struct world *w = *state;
	autofree char *empty = path_join(w->tree, "empty");

	put(w, "a.c", "");
	put(w, "doc/x.txt", "");
	put(w, "lib/y.c", "");
	put(w, "lib/y.tmp", "");
	assert_int_equal(mkdir(empty, 0755), 0);
	members(w, ". a.c doc doc/x.txt empty lib lib/y.c lib/y.tmp");
	w->req.exclude = "doc\n*.tmp";
	members(w, ". a.c empty lib lib/y.c");
	w->req.include = "lib/**\ndoc";
	members(w, ". lib lib/y.c");
	w->req.exclude = NULL;
	members(w, ". doc doc/x.txt lib lib/y.c lib/y.tmp");
}

/* As Debian's kernel sources do it: hidden from git as a whole. */
static void hidden_tree(void **state)
{
	struct world *w = *state;

	put(w, ".gitignore", "*.o\n/*\n!/debian/\n");
	put(w, "Makefile", "");
	put(w, "x.o", "");
	members(w, ". .gitignore Makefile");
}

static void odd_files(void **state)
{
	struct world *w = *state;
	autofree char *path = path_join(w->tree, "pipe");
	autoerror struct error err = {0};
	struct tree_answer answer;

	assert_int_equal(mkfifo(path, 0644), 0);
	assert_int_equal(tree_hash(&w->req, &answer, &err), -1);
	assert_int_equal(err.class, ERROR_RECIPE);
	assert_non_null(strstr(err.msg, "pipe"));
	assert_non_null(err.hint);
}

static void single_file(void **state)
{
	struct world *w = *state;
	autofree char *path = path_join(w->tree, "f");
	struct sha256 first, again;

	put(w, "f", "x");
	w->req.physical = path;
	first = hash(w);
	assert_true(cached(w, &again));
	assert_int_equal(chmod(path, 0755), 0);
	assert_false(cached(w, &again));
	again = hash(w);
	assert_false(sha256_equal(&first, &again));
}

static void damaged_cache(void **state)
{
	struct world *w = *state;
	autoerror struct error err = {0};
	autoargv struct argv names = {0};
	struct sha256 first, again;

	put(w, "f", "x");
	first = hash(w);
	autoclose int dir = open(w->cache, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(dir_names(dir, &names, &err), 0);
	assert_int_equal(names.n, 1);
	for (off_t size = 0; size < 300; size += 7) {
		autoclose int fd = openat(dir, names.v[0], O_WRONLY | O_CLOEXEC);

		assert_int_equal(ftruncate(fd, size), 0);
		again = hash(w);
		assert_true(sha256_equal(&first, &again));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gitignore),
		cmocka_unit_test(deeper_rules_win),
		cmocka_unit_test(globs),
		cmocka_unit_test_setup_teardown(believed_until_changed, setup, teardown),
		cmocka_unit_test_setup_teardown(same_tick, setup, teardown),
		cmocka_unit_test_setup_teardown(rules_change_it, setup, teardown),
		cmocka_unit_test_setup_teardown(rules_above, setup, teardown),
		cmocka_unit_test_setup_teardown(filters, setup, teardown),
		cmocka_unit_test_setup_teardown(hidden_tree, setup, teardown),
		cmocka_unit_test_setup_teardown(odd_files, setup, teardown),
		cmocka_unit_test_setup_teardown(single_file, setup, teardown),
		cmocka_unit_test_setup_teardown(damaged_cache, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
