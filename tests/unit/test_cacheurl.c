// SPDX-License-Identifier: MIT
/* Addresses of binary caches. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "fetchers/cacheurl.h"

static void good(void **state)
{
	static const struct {
		const char *text;
		enum cache_kind kind;
		const char *file, *dir, *shown;
		long priority;
	} cases[] = {
		{"https://h/p/", CACHE_WEB, "https://h/p/nar/x y.nar", NULL,
		 "https://h/p", -1},
		{"http://h:81?priority=7", CACHE_WEB, "http://h:81/nar/x y.nar", NULL,
		 "http://h:81", 7},
		{"https://me:pw@h/p", CACHE_WEB, "https://me:pw@h/p/nar/x y.nar", NULL,
		 "https://***@h/p", -1},
		{"/a/b c/?priority=0", CACHE_DIR, "file:///a/b%20c/nar/x y.nar", "/a/b c",
		 "/a/b c", 0},
		{"file:///a/b%20c%3f", CACHE_DIR, "file:///a/b%20c%3F/nar/x y.nar",
		 "/a/b c?", "/a/b c?", -1},
		{"s3://b", CACHE_S3, "https://s3.us-east-1.amazonaws.com/b/nar/x y.nar",
		 NULL, "s3://b", -1},
		{"s3://b/p/q?region=eu-1&endpoint=h:9000&scheme=http&priority=5",
		 CACHE_S3, "http://h:9000/b/p/q/nar/x y.nar", NULL, "s3://b/p/q", 5},
		/* What is signed is escaped in one way. */
		{"s3://b/p+q=r?endpoint=h", CACHE_S3, "https://h/b/p%2Bq%3Dr/nar/x y.nar",
		 NULL, "s3://b/p+q=r", -1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autocacheurl struct cache_url u;
		autoerror struct error err = {0};
		autofree char *want = NULL;
		const char *blank = strstr(cases[i].file, "x y");

		print_message("# %s\n", cases[i].text);
		assert_int_equal(cache_url_parse(cases[i].text, &u, &err), 0);
		autofree char *file = cache_url_file(&u, "nar/x y.nar");
		want = xasprintf("%.*sx%%20y.nar", (int)(blank - cases[i].file),
				 cases[i].file);
		assert_string_equal(file, want);
		assert_int_equal(u.kind, cases[i].kind);
		assert_int_equal(u.priority, cases[i].priority);
		assert_string_equal(u.shown, cases[i].shown);
		if (cases[i].dir)
			assert_string_equal(u.dir, cases[i].dir);
		else
			assert_null(u.dir);
	}
}

static void bad(void **state)
{
	static const char *const cases[] = {
		"",
		"cache",
		"ftp://h/p",
		"https://",
		"https:///p",
		"https://me@/p",
		"https://h/p#x",
		"https://h/p q",
		"https://h/\rX",
		"file://host/dir",
		"file:relative",
		"s3://",
		"s3:///p",
		"s3://b\x7f",
		"s3://b?endpoint=h/evil",
		"s3://b?endpoint=",
		"s3://b?scheme=file",
		"s3://b?region=a&region=b",
		"https://h?region=a",
		"https://h?priority=",
		"https://h?priority=-1",
		"https://h?priority=1x",
		"https://h?priority=99999999999999999999",
		"https://h?secret-key=x",
		"/d?",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autocacheurl struct cache_url u;
		autoerror struct error err = {0};

		print_message("# '%s'\n", cases[i]);
		assert_int_equal(cache_url_parse(cases[i], &u, &err), -1);
		assert_int_equal(err.class, ERROR_RECIPE);
	}
}

/* A query tells files of a web server apart; to a directory it is part of a name. */
static void files(void **state)
{
	autocacheurl struct cache_url web, dir;
	autoerror struct error err = {0};

	(void)state;
	assert_int_equal(cache_url_parse("https://h/p", &web, &err), 0);
	assert_int_equal(cache_url_parse("/d", &dir, &err), 0);
	autofree char *a = cache_url_file(&web, "nar/x.nar?hash=y");
	autofree char *b = cache_url_file(&dir, "nar/x.nar?hash=y");
	autofree char *c = cache_url_file(&dir, "nar/%2e%2e/x");
	assert_string_equal(a, "https://h/p/nar/x.nar?hash=y");
	assert_string_equal(b, "file:///d/nar/x.nar%3Fhash=y");
	assert_string_equal(c, "file:///d/nar/%252e%252e/x");
}

static void absolute(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{"cache?priority=3", "/w/cache?priority=3"},
		{"/c", "/c"},
		{"https://h", "https://h"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autofree char *got = cache_url_absolute(cases[i].text, "/w");

		assert_string_equal(got, cases[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good),
		cmocka_unit_test(bad),
		cmocka_unit_test(files),
		cmocka_unit_test(absolute),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
