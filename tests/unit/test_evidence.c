// SPDX-License-Identifier: MIT
/* What differs between two builds and why: orders, archives, formats; broken ones, too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "realise/causes.h"
#include "module/elf.h"
#include "realise/items.h"

/* --- items -------------------------------------------------------------------------- */

static void count_pairs(void *ctx, struct str a, struct str b)
{
	strbuf_printf(ctx, "%.*s|%.*s;", (int)a.len, a.ptr, (int)b.len, b.ptr);
}

static void pairs_items(void **state)
{
	static const struct {
		const char *a, *b, *pairs;
		bool reordered, reversed;
	} cases[] = {
		{"a\nb\nc\n", "a\nb\nc\n", "", false, false},
		{"a\nb\nc\n", "c\nb\na\n", "", true, true},
		{"a\nb\nc\n", "b\na\nc\n", "", true, false},
		{"a\nb\nc\n", "a\nx\nc\n", "b|x;", false, false},
		{"a\nb\n", "a\n", "b|;", false, false},
		{"", "a\nb\n", "|a;|b;", false, false},
		{"a\na\nb\n", "b\na\na\n", "", true, false},
		{"a", "a\n", "", false, false},
		{"1\n2\nx\n", "y\n2\n1\n", "x|y;", true, true},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autobuf struct strbuf pairs = STRBUF_INIT;

		print_message("# case %zu\n", i);
		strbuf_adds(&pairs, "");
		struct items_order order =
			items_compare(str_of(cases[i].a), str_of(cases[i].b), items_lines,
				      count_pairs, &pairs);
		assert_string_equal(pairs.ptr ? pairs.ptr : "", cases[i].pairs);
		assert_int_equal(order.reordered, cases[i].reordered);
		assert_int_equal(order.reversed, cases[i].reversed);
	}
}

/* --- archives ----------------------------------------------------------------------- */

static void add_cpio(struct strbuf *b, const char *name, const char *content,
		     unsigned inode, unsigned mtime)
{
	strbuf_printf(b, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X",
		      inode, 0100644, 0, 0, 1, mtime, (unsigned)strlen(content), 0, 0, 0,
		      0, (unsigned)strlen(name) + 1, 0);
	strbuf_add(b, name, strlen(name) + 1);
	while (b->len % 4)
		strbuf_addc(b, '\0');
	strbuf_adds(b, content);
	while (b->len % 4)
		strbuf_addc(b, '\0');
}

static void add_ar(struct strbuf *b, const char *name, const char *content,
		   unsigned mtime)
{
	if (!b->len)
		strbuf_adds(b, "!<arch>\n");
	strbuf_printf(b, "%-16s%-12u%-6u%-6u%-8o%-10zu`\n", name, mtime, 0u, 0u, 0100644u,
		      strlen(content));
	strbuf_adds(b, content);
	if (b->len % 2)
		strbuf_addc(b, '\n');
}

static struct str all_of(const struct strbuf *b)
{
	return (struct str){b->ptr, b->len};
}

static void count_contents(void *ctx, struct str a, struct str b)
{
	(void)a, (void)b;
	++*(int *)ctx;
}

static void compares_archives(void **state)
{
	autobuf struct strbuf a = STRBUF_INIT, b = STRBUF_INIT, c = STRBUF_INIT,
			      d = STRBUF_INIT;
	struct archive_finding f;
	int differ = 0;

	(void)state;
	add_cpio(&a, "one", "11", 1, 5);
	add_cpio(&a, "two", "2", 2, 5);
	add_cpio(&b, "two", "2", 7, 5);
	add_cpio(&b, "one", "11", 8, 5);
	assert_true(archive_compare(all_of(&a), all_of(&b), &f, count_contents, &differ));
	assert_string_equal(f.format, "cpio");
	assert_true(f.reordered && f.fields[FIELD_INODE] && !f.fields[FIELD_TIME]);
	assert_true(!f.content && differ == 0);

	add_ar(&c, "x.o/", "abc", 1);
	add_ar(&d, "x.o/", "abd", 2);
	assert_true(archive_compare(all_of(&c), all_of(&d), &f, count_contents, &differ));
	assert_string_equal(f.format, "ar");
	assert_true(f.content && f.fields[FIELD_TIME] && !f.reordered && differ == 1);
	assert_int_equal(f.member.len, 4);
	assert_false(
		archive_compare(all_of(&a), all_of(&c), &f, count_contents, &differ));
}

/* Every beginning, and every byte turned round: no answer is wrong, none may crash. */
static void survives_broken(void **state)
{
	autobuf struct strbuf a = STRBUF_INIT, b = STRBUF_INIT;
	struct archive_finding f;
	int differ = 0;

	(void)state;
	add_cpio(&a, "one", "content", 1, 5);
	add_cpio(&a, "TRAILER!!!", "", 0, 0);
	add_ar(&b, "x.o/", "abcdefg", 1);
	const struct strbuf *all[] = {&a, &b};
	for (size_t k = 0; k < ARRAY_LEN(all); k++) {
		for (size_t n = 0; n <= all[k]->len; n++) {
			autofree char *cut = xmalloc(n ? n : 1);

			memcpy(cut, all[k]->ptr, n);
			archive_compare((struct str){cut, n}, (struct str){cut, n}, &f,
					count_contents, &differ);
		}
		for (size_t n = 0; n < all[k]->len * 8; n++) {
			autofree char *bad = xmalloc(all[k]->len);

			memcpy(bad, all[k]->ptr, all[k]->len);
			bad[n / 8] = (char)(bad[n / 8] ^ 1 << n % 8);
			archive_compare((struct str){bad, all[k]->len}, all_of(all[k]),
					&f, count_contents, &differ);
		}
	}
}

static void survives_broken_elf(void **state)
{
	autobuf struct strbuf self = STRBUF_INIT;
	autoerror struct error err = {0};

	(void)state;
	assert_int_equal(dir_read(AT_FDCWD, "/proc/self/exe", &self, &err), 0);
	struct str text = elf_section_at(all_of(&self), 0);
	assert_int_equal(text.len, 0);
	for (size_t n = 0; n < 64 * 8; n++) {
		self.ptr[n / 8] = (char)(self.ptr[n / 8] ^ 1 << n % 8);
		for (size_t at = 0; at < self.len; at += self.len / 7)
			elf_section_at(all_of(&self), at);
		self.ptr[n / 8] = (char)(self.ptr[n / 8] ^ 1 << n % 8);
	}
}

/* --- causes ------------------------------------------------------------------------- */

/* `size` zeros with some bytes at some place. */
struct patch {
	size_t at;
	const char *bytes;
	size_t n;
};

static void write_file(const char *path, size_t size, const struct patch *p, size_t n)
{
	autofree char *bytes = xcalloc(1, size);
	autoerror struct error err = {0};

	for (size_t i = 0; i < n; i++)
		if (p[i].n)
			memcpy(bytes + p[i].at, p[i].bytes, p[i].n);
	assert_int_equal(dir_write(AT_FDCWD, path, bytes, size, 0644, false, &err), 0);
}

#define BYTES(s) s, sizeof(s) - 1
#define SIGNED                                                                           \
	"\0\0\2\0\0\0\0\0\0\0\0\20"                                                      \
	"~Module signature appended~\n"

/* 2027-01-15 08:00:00 UTC and five years on */
enum { WHEN = 1800000000, AHEAD = 157784760 };

static void names_causes(void **state)
{
	static const struct {
		const char *path;
		size_t size;
		struct patch both[2], a, b;
		const char *cause;
	} cases[] = {
		{"fs.img",
		 4096,
		 {{0, BYTES("hsqs")}},
		 {8, BYTES("\1\2\3\4")},
		 {8, BYTES("\4\3\2\1")},
		 "file system image"},
		{"fs.img",
		 8192,
		 {{1080, BYTES("\x53\xef")}},
		 {1128, BYTES("abcdefgh")},
		 {1128, BYTES("ABCDEFGH")},
		 "file system image"},
		{"virt.dtb",
		 200,
		 {{0, BYTES("\xd0\x0d\xfe\xed")}, {100, BYTES("rng-seed")}},
		 {60, BYTES("abcdefgh")},
		 {60, BYTES("ABCDEFGH")},
		 "device tree seed"},
		{"x.ko",
		 100 + 16 + 40,
		 {{116, BYTES(SIGNED)}},
		 {101, BYTES("abcdefgh")},
		 {101, BYTES("ABCDEFGH")},
		 "signing key"},
		{"vmlinux",
		 100,
		 {{30, BYTES("\3\0\0\0GNU")}},
		 {38, BYTES("abcdefgh")},
		 {38, BYTES("ABCDEFGH")},
		 "build id"},
		{"m.pyc",
		 100,
		 {{50, BYTES("code")}},
		 {8, BYTES("\1\2\3\4")},
		 {8, BYTES("\4\3\2\1")},
		 "python cache"},
		{"randstruct.seed",
		 16,
		 {{0}},
		 {0, BYTES("abcdefgh")},
		 {0, BYTES("12345678")},
		 "randstruct seed"},
		/* WHEN little and big endian, the second time AHEAD */
		{"stamp",
		 64,
		 {{0}},
		 {32, BYTES("\x00\xd2\x49\x6b")},
		 {32, BYTES("\xb8\x6c\xb1\x74")},
		 "timestamp"},
		{"stamp",
		 64,
		 {{0}},
		 {31, BYTES("\x6b\x49\xd2\x00")},
		 {31, BYTES("\x74\xb1\x6c\xb8")},
		 "timestamp"},
		{"text",
		 64,
		 {{0}},
		 {8, BYTES("on 2027-01-15 done")},
		 {8, BYTES("on 2032-01-15 done")},
		 "timestamp"},
		{"text",
		 64,
		 {{0}},
		 {8, BYTES("made at 08:00:00 sharp")},
		 {8, BYTES("made at 13:06:00 sharp")},
		 "timestamp"},
	};
	const struct run_facts first = {.begin = WHEN - 1000,
					.end = WHEN - 1000,
					.host = "localhost",
					.user = "kbuild"};
	const struct run_facts again = {.begin = WHEN,
					.end = WHEN + 5,
					.ahead = AHEAD,
					.host = "elsewhere",
					.user = "somebody",
					.umask = 077};
	char dir[] = "/tmp/kbuild-evidence.XXXXXX";

	(void)state;
	assert_non_null(mkdtemp(dir));
	autofree char *x = path_join(dir, "x"), *y = path_join(dir, "y");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct patch a[] = {cases[i].both[0], cases[i].both[1], cases[i].a};
		const struct patch b[] = {cases[i].both[0], cases[i].both[1], cases[i].b};
		struct evidence e = {
			.path = cases[i].path, .first = &first, .again = &again};
		struct found_cause found[CAUSES_MAX];
		autoerror struct error err = {0};
		struct arena arena = {0};

		print_message("# %s: %s\n", cases[i].path, cases[i].cause);
		write_file(x, cases[i].size, a, ARRAY_LEN(a));
		write_file(y, cases[i].size, b, ARRAY_LEN(b));
		assert_int_equal(evidence_open(&e, x, y, &err), 0);
		size_t n = causes_find(&e, &arena, found);
		assert_int_equal(n, 1);
		assert_string_equal(found[0].cause->name, cases[i].cause);
		evidence_close(&e);
		arena_finish(&arena);
	}
	unlink(x);
	unlink(y);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pairs_items),     cmocka_unit_test(compares_archives),
		cmocka_unit_test(survives_broken), cmocka_unit_test(survives_broken_elf),
		cmocka_unit_test(names_causes),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
