// SPDX-License-Identifier: MIT
/* What probe writes, the evaluator reads: whatever is in the texts. S5-10 S5-14 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "cli/board.h"
#include "cli/target_write.h"
#include "evaluator/target_file.h"

static void written_is_read(void **state)
{
	static const struct {
		const char *text; /* a file */
		const char *release, *arch, *vermagic;
	} cases[] = {
		{"Linux h 5.4.20-sunxi #8 SMP x armv7l GNU/Linux", "5.4.20-sunxi",
		 "armhf", NULL},
		{"Linux h 4.4.38L4T kernel 4.4.38 #1 SMP aarch64",
		 "4.4.38L4T kernel 4.4.38", "arm64", NULL},
		{"Linux h 6.1 #1 SMP x86_64", "6.1", "x86_64", NULL},
		{"Linux h 6.1.0 #1 \"quoted\\ \t: # {\" i686", "6.1.0", "i386", NULL},
		{"Linux h 6.1.0-rc7+ #1 \303\244 \377 riscv64", "6.1.0-rc7+", "riscv64",
		 NULL},
		{"uname: no\nLinux h 3.4.113 #1 armv7l\nvermagic: 3.4.113 SMP ARMv7",
		 "3.4.113", "armhf", "3.4.113 SMP ARMv7 "},
		{"6.8.0 SMP preempt aarch64", "6.8.0", "arm64",
		 "6.8.0 SMP preempt aarch64"},
		{"6.8.0 SMP aarch64RANDSTRUCT_0123abcd", "6.8.0", "arm64",
		 "6.8.0 SMP aarch64RANDSTRUCT_0123abcd"},
	};
	char dir[] = "/tmp/kbuild-probe.XXXXXX";

	(void)state;
	assert_non_null(mkdtemp(dir));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct target_written written[PROBE_FACTS + 1];
		autofree char *path = path_join(dir, "a board.yaml");
		autofree char *config = path_join(dir, "a board.config");
		autoerror struct error err = {0};
		struct arena a = {0};
		struct probe p = {.a = &a};

		assert_int_equal(probe_add(&p, "file", str_of(cases[i].text), &err), 0);
		assert_int_equal(
			probe_add(&p, "config", STR("CONFIG_A=y\nCONFIG_B=m\n"), &err),
			0);
		assert_int_equal(probe_complete(&p, &err), 0);
		assert_int_equal(target_write(&p, path, written, &err), 0);
		assert_true(written[PROBE_FACTS].changed);
		struct target_file *t = target_file_read(path, "board.yaml", &a, &err);
		if (!t)
			fail_msg("%s: %s", cases[i].text, err.msg);
		assert_string_equal(t->release, cases[i].release);
		assert_string_equal(t->arch->name, cases[i].arch);
		assert_string_equal(t->config, config);
		if (cases[i].vermagic)
			assert_string_equal(t->vermagic, cases[i].vermagic);
		else
			assert_null(t->vermagic);
		assert_int_equal(target_write(&p, path, written, &err), 0);
		assert_false(written[PROBE_FACTS].changed);
		assert_false(written[FACT_CONFIG].changed);
		probe_finish(&p);
		arena_finish(&a);
	}
	autoerror struct error err = {0};
	assert_int_equal(dir_remove(AT_FDCWD, dir, &err), 0);
}

static void reads_addresses(void **state)
{
	static const struct {
		const char *address, *user, *host, *port;
	} good[] = {
		{"ssh://board", NULL, "board", NULL},
		{"ssh://board/", NULL, "board", NULL},
		{"ssh://root@192.0.2.1:22", "root", "192.0.2.1", "22"},
		{"ssh://a.b-c_d@board.example", "a.b-c_d", "board.example", NULL},
		{"ssh://[::1]:2222", NULL, "::1", "2222"},
		{"ssh://me@[fe80::1%eth0]", "me", "fe80::1%eth0", NULL},
	};
	static const char *const bad[] = {
		"ssh://",        "ssh:///",          "ssh://@host", "ssh://-host",
		"ssh://-l@host", "ssh://host:0",     "ssh://host:", "ssh://host:65536",
		"ssh://host:2x", "ssh://ho st",      "ssh://h;id",  "ssh://[::1",
		"ssh://[::1]x",  "http://host",      "ssh://a:b:1", "ssh://host/dir",
		"host",          "ssh://$(id)@host", "ssh://h\n",   "ssh://[-x]",
	};
	struct arena a = {0};
	struct board b;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		autoerror struct error err = {0};

		assert_int_equal(board_parse(good[i].address, &a, &b, &err), 0);
		assert_string_equal(b.host, good[i].host);
		assert_string_equal(b.user ? b.user : "-",
				    good[i].user ? good[i].user : "-");
		assert_string_equal(b.port ? b.port : "-",
				    good[i].port ? good[i].port : "-");
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		autoerror struct error err = {0};

		if (board_parse(bad[i], &a, &b, &err) == 0)
			fail_msg("'%s' was taken", bad[i]);
		assert_int_equal(err.class, ERROR_RECIPE);
	}
	arena_finish(&a);
}

static void quotes_words(void **state)
{
	autobuf struct strbuf out = STRBUF_INIT;

	(void)state;
	board_quote(&out, "it's $(id) \\");
	assert_string_equal(out.ptr, "'it'\\''s $(id) \\'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written_is_read),
		cmocka_unit_test(reads_addresses),
		cmocka_unit_test(quotes_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
