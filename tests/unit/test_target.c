// SPDX-License-Identifier: MIT
/* Releases, and the files that describe machines. S5-02 S5-14 S5-15 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "evaluator/target_file.h"

/* Releases as machines of all kinds report them. */
static const struct {
	const char *text, *version, *local, *upstream;
	enum release_maker maker;
	bool dirty;
} releases[] = {
	{"5.4.20-sunxi", "5.4.20", "-sunxi", "5.4.20", RELEASE_ANY, false},
	{"4.20.0-rc7-dirty", "4.20.0-rc7", "-dirty", "4.20-rc7", RELEASE_ANY, true},
	{"6.1.0-43-armmp", "6.1.0", "-43-armmp", "6.1", RELEASE_DEBIAN, false},
	{"6.12.48+deb13-amd64", "6.12.48", "+deb13-amd64", "6.12.48", RELEASE_DEBIAN,
	 false},
	{"6.12.9+bpo-arm64", "6.12.9", "+bpo-arm64", "6.12.9", RELEASE_DEBIAN, false},
	{"5.10.0-0.deb10.16-amd64", "5.10.0", "-0.deb10.16-amd64", "5.10", RELEASE_DEBIAN,
	 false},
	{"4.19.0-0.bpo.9-cloud-amd64", "4.19.0", "-0.bpo.9-cloud-amd64", "4.19",
	 RELEASE_DEBIAN, false},
	{"4.4.38L4T kernel 4.4.38", "4.4.38", "L4T kernel 4.4.38", "4.4.38", RELEASE_ANY,
	 false},
	{"5.10.0+", "5.10.0", "+", "5.10", RELEASE_ANY, false},
	{"6.6.0-rc1-00123-g0123456789ab", "6.6.0-rc1", "-00123-g0123456789ab", "6.6-rc1",
	 RELEASE_ANY, false},
	{"5.15.92-g35e5e36", "5.15.92", "-g35e5e36", "5.15.92", RELEASE_ANY, false},
	{"6.1.21-v7+", "6.1.21", "-v7+", "6.1.21", RELEASE_ANY, false},
	{"5.15.0-91-generic", "5.15.0", "-91-generic", "5.15", RELEASE_UBUNTU, false},
	{"6.8.0-1013-raspi", "6.8.0", "-1013-raspi", "6.8", RELEASE_UBUNTU, false},
	{"4.9.140-tegra", "4.9.140", "-tegra", "4.9.140", RELEASE_ANY, false},
	{"6.12-rc3", "6.12-rc3", "", "6.12-rc3", RELEASE_ANY, false},
	{"6.12.0-rc3", "6.12.0-rc3", "", "6.12-rc3", RELEASE_ANY, false},
	{"4.14.87", "4.14.87", "", "4.14.87", RELEASE_ANY, false},
	{"2.6.32.63-custom", "2.6.32.63", "-custom", "2.6.32.63", RELEASE_ANY, false},
	{"3.10.105.1", "3.10.105", ".1", "3.10.105", RELEASE_ANY, false},
	{"5.4.0-1-sunxi", "5.4.0", "-1-sunxi", "5.4", RELEASE_ANY, false},
	{"4.19.0-rc", "4.19.0", "-rc", "4.19", RELEASE_ANY, false},
	{"6.6.31-rt31", "6.6.31", "-rt31", "6.6.31", RELEASE_ANY, false},
	{"5.4.20-sunxi ", "5.4.20", "-sunxi ", "5.4.20", RELEASE_ANY, false},
	{"10.0.0", "10.0.0", "", "10.0", RELEASE_ANY, false},
};

static void assert_str(struct str got, const char *want)
{
	autofree char *text = xstrndup(got.ptr, got.len);

	assert_string_equal(text, want);
}

static void test_release_parts(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(releases); i++) {
		struct arena a = {0};
		struct release r;

		print_message("%s\n", releases[i].text);
		assert_true(release_split(releases[i].text, &r));
		assert_str(r.version, releases[i].version);
		assert_str(r.local, releases[i].local);
		assert_string_equal(release_upstream(&r, &a), releases[i].upstream);
		assert_int_equal(r.maker, releases[i].maker);
		assert_int_equal(r.dirty, releases[i].dirty);
		arena_finish(&a);
	}
}

static void test_release_none(void **state)
{
	static const char *const bad[] = {
		"",       "6",  "6.",  "v6.12.1", "linux-5.4.20",
		"-sunxi", ".1", "6.x", " 6.1.0"};
	struct release r;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(release_split(bad[i], &r));
}

/* --- target files ----------------------------------------------------------------- */

static const char *write_target(const char *text)
{
	static char path[] = "/tmp/kbuild-target-XXXXXX";

	strcpy(strrchr(path, '-') + 1, "XXXXXX");
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	return path;
}

static void test_target_whole(void **state)
{
	struct arena a = {0};
	autoerror struct error err = {0};
	const char *path = write_target(
		"target: 1\nrelease: 4.4.38L4T kernel 4.4.38\narch: aarch64\n"
		"vermagic: \"4.4.38L4T kernel 4.4.38 SMP preempt aarch64\"\n"
		"config: /etc/passwd\nsig_enforce: no\n");
	struct target_file *t = target_file_read(path, "board.yaml", &a, &err);

	(void)state;
	unlink(path);
	assert_non_null(t);
	assert_string_equal(t->release, "4.4.38L4T kernel 4.4.38");
	assert_string_equal(t->arch->name, "arm64");
	assert_string_equal(t->config, "/etc/passwd");
	assert_string_equal(t->sig_enforce, "n");
	assert_null(t->symvers);
	assert_str(t->parts.local, "L4T kernel 4.4.38");
	assert_int_equal(target_file_at(t, "arch").off,
			 strlen("target: 1\nrelease: 4.4.38"
				"L4T kernel 4.4.38\narch: "));
	arena_finish(&a);
}

/* One mistake each, and the word its message must hold. */
static const struct {
	const char *text, *message;
} broken[] = {
	{"", "empty"},
	{"- target\n", "expected a map with the key 'target', found a list"},
	{"target: 2\nrelease: 6.1.0\narch: arm\n", "expected version 1 of target files"},
	{"release: 6.1.0\narch: arm\n", "target"},
	{"target: 1\narch: arm\n", "release"},
	{"target: 1\nrelease: linux-6.1\narch: arm\n",
	 "expected a release such as 5.4.20-sunxi, found 'linux-6.1'"},
	{"target: 1\nrelease: 6.1.0\narch: armm\n", "unknown architecture 'armm'"},
	{"target: 1\nrelease: 6.1.0\narch: arm\nconfg: x\n",
	 "unknown key 'confg' in target"},
	{"target: 1\nrelease: 6.1.0\narch: arm\nconfig: ./none\n",
	 "config: cannot open './none'"},
	{"target: 1\nrelease: 6.1.0\narch: arm\nbtf: /etc\n",
	 "btf: '/etc' is not a file"},
	{"target: 1\nrelease: 6.1.0\narch: arm\nvermagic: 6.1.1 SMP \n",
	 "vermagic is of 6.1.1, release is 6.1.0"},
	{"target: 1\nrelease: 6.1.0\narch: arm\nsig_enforce: 1\n", "expected y or n"},
};

static void test_target_broken(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
		struct arena a = {0};
		autoerror struct error err = {0};
		const char *path = write_target(broken[i].text);

		assert_null(target_file_read(path, "board.yaml", &a, &err));
		unlink(path);
		if (!err.msg || !strstr(err.msg, broken[i].message))
			fail_msg("%s: %s", broken[i].text, err.msg);
		arena_finish(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_release_parts),
		cmocka_unit_test(test_release_none),
		cmocka_unit_test(test_target_whole),
		cmocka_unit_test(test_target_broken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
