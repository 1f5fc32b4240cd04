// SPDX-License-Identifier: MIT
/* The short strings that name sources; where archives are, as apt has it. S1-02 S3-01 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "base/error.h"
#include "fetchers/debline.h"
#include "fetchers/host.h"
#include "fetchers/spec.h"
#include "fetchers/url.h"

static const char *shown(const char *s)
{
	return s ? s : "-";
}

static void specs(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{"debian/linux-source-6.12", "debian - linux-source-6.12 -"},
		{"debian/13/linux-source-6.12", "debian trixie linux-source-6.12 -"},
		{"debian/bullseye/linux-source-5.10",
		 "debian bullseye linux-source-5.10 -"},
		{"debian/10/x0", "debian buster x0 -"},
		{"debian/sid/g++", "debian sid g++ -"},
		{"debian/busybox-static:arm64", "debian - busybox-static arm64"},
		{"kernel.org/6.12", "kernel 6.12"},
		{"kernel.org/6.12.12", "kernel 6.12.12"},
		{"kernel.org/6.13-rc1", "kernel 6.13-rc1"},
		{"kernel.org/2.6.39.4", "kernel 2.6.39.4"},
		{"git+https://h/x.git#v1", "git https://h/x.git v1"},
		{"git+https://h/x.git", "git https://h/x.git -"},
		{"git+file:///a/b#refs/heads/x", "git file:///a/b refs/heads/x"},
		{"git+ssh://me@h/x.git#a", "git ssh://me@h/x.git a"},
		{"https://h/x.tar.xz", "url https://h/x.tar.xz"},
		{"file:///x", "url file:///x"},
		{"./x", "path ./x"},
		{"../x", "path ../x"},
		{"/x", "path /x"},
		{"debian/", "error"},
		{"debian/Linux", "error"},
		{"debian/9/x0", "error"},
		{"debian/13/", "error"},
		{"debian/a/b/c", "error"},
		{"debian/x0:", "error"},
		{"debian/--help", "error"},
		{"kernel.org/", "error"},
		{"kernel.org/6", "error"},
		{"kernel.org/6.12.", "error"},
		{"kernel.org/6.12/../x", "error"},
		{"git+git://h/x", "error"},
		{"git+file://h/x", "error"},
		{"git+/x", "error"},
		{"ftp://h/x", "error"},
		{"linux", "error"},
		{"", "error"},
		{"./a\nb", "error"},
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena a = {0};
		autoerror struct error err = {0};
		struct spec s;
		const char *got = "error";

		print_message("# %zu: %s\n", i, cases[i].want);
		if (spec_parse(cases[i].text, &a, &s, &err) == 0) {
			const char *forms[] = {
				[SPEC_DEBIAN] = arena_printf(
					&a, "debian %s %s %s", shown(s.suite),
					shown(s.package), shown(s.arch)),
				[SPEC_KERNEL] =
					arena_printf(&a, "kernel %s", shown(s.version)),
				[SPEC_GIT] = arena_printf(&a, "git %s %s", shown(s.url),
							  shown(s.ref)),
				[SPEC_URL] = arena_printf(&a, "url %s", shown(s.url)),
				[SPEC_PATH] = arena_printf(&a, "path %s", shown(s.path)),
			};
			got = forms[s.kind];
		} else {
			assert_int_equal(err.class, ERROR_RECIPE);
		}
		assert_string_equal(got, cases[i].want);
		arena_finish(&a);
	}
}

static void archives(void **state)
{
	static const struct {
		const char *name;
		size_t stem;
	} cases[] = {
		{"x.tar.xz", 1}, {"x.tgz", 1},           {"linux-6.12.tar.gz", 10},
		{"x.zip", 1},    {"rootfs.cpio.gz", 14}, {".tar", 4},
		{"x.gz", 4},
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(spec_stem_len(cases[i].name), cases[i].stem);
}

static void urls(void **state)
{
	static const struct {
		const char *base, *path, *want;
	} joins[] = {
		{"http://h/debian/", "pool/a_1%3a2.deb",
		 "http://h/debian/pool/a_1%253a2.deb"},
		{"http://h", "/a b", "http://h/a%20b"},
		{"http://h//", "g++_1~2.deb", "http://h/g++_1~2.deb"},
	};
	static const struct {
		const char *url, *name, *masked;
	} names[] = {
		{"https://h/a/b.tar.xz?x=/y", "b.tar.xz", "https://h/a/b.tar.xz?x=/y"},
		{"https://u:p@h/a%20b#f", "a b", "https://***@h/a%20b#f"},
		{"git+https://tok@h/x.git", "x.git", "git+https://***@h/x.git"},
		{"https://h/a@b/", "a@b", "https://h/a@b/"},
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(joins); i++) {
		autofree char *got = url_join(joins[i].base, joins[i].path);
		assert_string_equal(got, joins[i].want);
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		autofree char *name = url_basename(names[i].url);
		autofree char *masked = url_masked(names[i].url);
		assert_string_equal(name, names[i].name);
		assert_string_equal(masked, names[i].masked);
	}
}

static void deb_lines(void **state)
{
#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	static const struct {
		const char *line;
		int ret;
	} cases[] = {
		{"a_1_all.deb sha256:" HEX " 12 pool/main/a/a/", 0},
		{"a_1_all.deb  sha256:" HEX "  12  pool/main/a/a/", 0},
		{"a_1_all.deb sha256:" HEX " 12", -1},
		{"a_1_all.deb md5:" HEX " 12 pool/main/a/a/", -1},
		{"a_1_all.deb sha256:abc 12 pool/main/a/a/", -1},
		{"a_1_all.deb sha256:" HEX " 0 pool/main/a/a/", -1},
		{"a_1_all.deb sha256:" HEX " 1x pool/main/a/a/", -1},
		{"../a.deb sha256:" HEX " 12 pool/main/a/a/", -1},
		{"a.deb sha256:" HEX " 12 /pool/", -1},
		{"a.deb sha256:" HEX " 12 pool/../..", -1},
		{"a.deb sha256:" HEX " 12 http://evil/", -1},
		{"a.deb sha256:" HEX " 12 pool/ more", -1},
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena a = {0};
		autoerror struct error err = {0};
		struct deb_line d;

		print_message("# %s\n", cases[i].line);
		assert_int_equal(deb_line_parse(str_of(cases[i].line), &a, &d, &err),
				 cases[i].ret);
		if (cases[i].ret < 0)
			assert_int_equal(err.class, ERROR_LOCK);
		arena_finish(&a);
	}
}

static void write_text(const char *dir, const char *name, const char *text)
{
	autofree char *path = path_join(dir, name);
	autoerror struct error err = {0};

	assert_int_equal(dir_write(AT_FDCWD, path, text, strlen(text), 0644, false, &err),
			 0);
}

static void sources_of_apt(void **state)
{
	char dir[] = "/tmp/kbuild-apt-XXXXXX";
	autoargv struct argv bases = {0};
	autoerror struct error err = {0};
	autobuf struct strbuf got = STRBUF_INIT;
	(void)state;

	assert_non_null(mkdtemp(dir));
	autofree char *parts = path_join(dir, "sources.list.d");
	assert_int_equal(mkdir(parts, 0755), 0);
	write_text(dir, "sources.list",
		   "# deb http://commented/ trixie main\n"
		   "deb http://one/debian/ trixie main contrib\n"
		   "deb [arch=amd64 signed-by=/x.gpg] https://two/debian "
		   "bookworm-security main\n"
		   "deb-src http://src/debian trixie main\n"
		   "deb http://one/debian bookworm main\n"
		   "deb http://other/apt nodistro main\n"
		   "deb http://docker/linux bookworm stable\n"
		   "deb cdrom:[Debian]/ trixie main\n");
	write_text(parts, "a.sources",
		   "Types: deb deb-src\nURIs: http://three/debian\n http://four/debian\n"
		   "Suites: stable stable-updates\nComponents: main\n# note\n"
		   "Signed-By: /x.gpg\n\n"
		   "Enabled: no\nTypes: deb\nURIs: http://off/debian\nSuites: sid\n"
		   "Components: main\n\n"
		   "types: deb\nuris: http://five/debian\nsuites: sid\ncomponents: main");
	write_text(parts, "b.list.save", "deb http://saved/debian trixie main\n");
	apt_sources(dir, &bases);
	for (size_t i = 0; i < bases.n; i++)
		strbuf_printf(&got, "%s\n", bases.v[i]);
	assert_string_equal(got.ptr,
			    "http://one/debian\nhttps://two/debian\nhttp://three/debian\n"
			    "http://four/debian\nhttp://five/debian\n");
	assert_int_equal(dir_remove(AT_FDCWD, dir, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(specs),          cmocka_unit_test(archives),
		cmocka_unit_test(urls),           cmocka_unit_test(deb_lines),
		cmocka_unit_test(sources_of_apt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
