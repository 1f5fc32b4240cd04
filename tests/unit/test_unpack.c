// SPDX-License-Identifier: MIT
/* Archives as trees, the hostile ones above all. */
#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
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
#include "fetchers/deb.h"
#include "fetchers/unpack.h"

struct member {
	char kind; /* f(ile) x(ecutable) d(ir) l(ink) h(ard link) c(har) b(lock) p(ipe) */
	const char *path, *text; /* contents or target */
};

enum { MEMBERS = 5 };

static char top[64];

static void write_member(struct archive *a, const struct member *m)
{
	static const struct {
		char kind;
		mode_t type;
	} types[] = {{'f', AE_IFREG}, {'x', AE_IFREG}, {'d', AE_IFDIR}, {'l', AE_IFLNK},
		     {'h', AE_IFREG}, {'c', AE_IFCHR}, {'b', AE_IFBLK}, {'p', AE_IFIFO}};
	struct archive_entry *e = archive_entry_new();
	bool data = (m->kind == 'f' || m->kind == 'x') && m->text;

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (types[i].kind == m->kind)
			archive_entry_set_filetype(e, types[i].type);
	archive_entry_set_pathname(e, m->path);
	archive_entry_set_perm(e, m->kind == 'x' ? 07755 : 0644);
	archive_entry_set_size(e, data ? (la_int64_t)strlen(m->text) : 0);
	if (m->kind == 'l')
		archive_entry_set_symlink(e, m->text);
	if (m->kind == 'h')
		archive_entry_set_hardlink(e, m->text);
	assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
	if (data)
		assert_int_equal(archive_write_data(a, m->text, strlen(m->text)),
				 strlen(m->text));
	archive_entry_free(e);
}

static void write_archive(const char *path, int (*format)(struct archive *),
			  const struct member *members)
{
	struct archive *a = archive_write_new();

	assert_int_equal(format(a), ARCHIVE_OK);
	archive_write_add_filter_gzip(a);
	assert_int_equal(archive_write_open_filename(a, path), ARCHIVE_OK);
	for (size_t i = 0; i < MEMBERS && members[i].path; i++)
		write_member(a, &members[i]);
	assert_int_equal(archive_write_close(a), ARCHIVE_OK);
	archive_write_free(a);
}

static int setup(void **state)
{
	(void)state;
	strcpy(top, "/tmp/kbuild-unpack-XXXXXX");
	return mkdtemp(top) ? 0 : -1;
}

static int teardown(void **state)
{
	autoerror struct error err = {0};
	(void)state;

	return dir_remove(AT_FDCWD, top, &err);
}

static char *in_top(const char *name)
{
	return path_join(top, name);
}

static int try(const struct member *members, int strip, struct error *err)
{
	autofree char *archive = in_top("a.tar.gz"), *dest = in_top("dest");
	struct unpack u = {.archive = archive, .dest = dest, .strip = strip};
	autoerror struct error quiet = {0};

	dir_remove(AT_FDCWD, dest, &quiet);
	write_archive(archive, archive_write_set_format_pax_restricted, members);
	return unpack_run(&u, err);
}

/* All that was said, the causes too. */
static void story(const struct error *err, struct strbuf *out)
{
	for (; err; err = err->cause)
		strbuf_printf(out, "%s\n", err->msg ? err->msg : "");
}

static void hostile(void **state)
{
	static const struct {
		struct member members[MEMBERS];
		const char *says;
	} cases[] = {
		{{{'f', "/abs", "x"}}, "'/abs' has an absolute path"},
		{{{'f', "../up", "x"}}, "'../up' has '..'"},
		{{{'d', "a", 0}, {'f', "a/../../up", "x"}}, "'a/../../up' has '..'"},
		{{{'d', "..", 0}}, "'../' has '..'"},
		{{{'l', "a", "/tmp"}, {'f', "a/x", "x"}}, "'a/x' goes through 'a'"},
		{{{'l', "a", "."}, {'d', "a/d", 0}}, "'a/d' goes through 'a'"},
		{{{'l', "a", ".."}, {'l', "a/x", "y"}}, "'a/x' goes through 'a'"},
		{{{'l', "a", "b"}, {'d', "b", 0}, {'f', "a/b/x", "x"}},
		 "goes through 'a'"},
		{{{'d', "a", 0}, {'f', "a/f", "x"}, {'l', "a", ".."}, {'f', "a/up", "x"}},
		 "'a' would replace a directory"},
		{{{'f', "a", "x"}, {'f', "a/b", "x"}}, "'a/b' goes through 'a'"},
		{{{'l', "a", "/etc"}, {'d', "a", 0}}, "'a' is a directory where"},
		{{{'h', "a", "/etc/passwd"}}, "'a' leads out of the tree"},
		{{{'h', "a", "../x"}}, "'a' leads out of the tree"},
		{{{'l', "l", "/etc"}, {'h', "a", "l/passwd"}}, "goes through 'l'"},
		{{{'l', "l", "/etc/passwd"}, {'h', "a", "l"}}, "is no regular file"},
		{{{'h', "a", "nothing"}}, "'nothing'"},
		{{{'c', "dev", 0}}, "'dev' is a device node"},
		{{{'b', "dev", 0}}, "'dev' is a device node"},
		{{{'p', "pipe", 0}}, "'pipe' is a FIFO"},
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autoerror struct error err = {0};
		autobuf struct strbuf said = STRBUF_INIT;
		autofree char *dest = in_top("dest"), *up = in_top("up");

		print_message("# %s\n", cases[i].says);
		assert_int_equal(try(cases[i].members, 0, &err), -1);
		story(&err, &said);
		if (!strstr(said.ptr, cases[i].says))
			fail_msg("expected '%s', found '%s'", cases[i].says, said.ptr);
		assert_int_equal(access(dest, F_OK), -1);
		assert_int_equal(access(up, F_OK), -1);
	}
}

static void check_file(const char *path, mode_t mode, const char *text)
{
	autofree char *full = in_top(path);
	autobuf struct strbuf got = STRBUF_INIT;
	autoerror struct error err = {0};
	struct stat st;

	print_message("# %s\n", path);
	assert_int_equal(lstat(full, &st), 0);
	assert_int_equal(st.st_mode & 07777, mode);
	assert_int_equal(dir_read(AT_FDCWD, full, &got, &err), 0);
	assert_string_equal(got.ptr, text);
}

static void modes(void **state)
{
	static const struct member members[MEMBERS] = {{'d', "./t/", 0},
						       {'x', "./t//bin", "b"},
						       {'f', "t/f", "f"},
						       {'h', "t/hard", "t/f"},
						       {'l', "t/link", "../../outside"}};
	autoerror struct error err = {0};
	autofree char *link = in_top("dest/t/link");
	char target[64] = {0};
	(void)state;

	assert_int_equal(try(members, 0, &err), 0);
	check_file("dest/t/bin", 0755, "b"); /* never setuid */
	check_file("dest/t/f", 0644, "f");
	check_file("dest/t/hard", 0644, "f");
	assert_true(readlink(link, target, sizeof(target) - 1) > 0);
	assert_string_equal(target, "../../outside");
}

/* The last one wins, and a link is replaced, not followed. */
static void duplicates(void **state)
{
	autofree char *victim = in_top("victim");
	const struct member members[MEMBERS] = {{'f', "f", "first"},
						{'l', "l", victim},
						{'f', "l", "new"},
						{'x', "f", "last"}};
	autoerror struct error err = {0};
	(void)state;

	assert_int_equal(dir_write(AT_FDCWD, victim, "old", 3, 0644, false, &err), 0);
	assert_int_equal(try(members, 0, &err), 0);
	check_file("dest/f", 0755, "last");
	check_file("dest/l", 0644, "new");
	check_file("victim", 0644, "old");
}

static void strips(void **state)
{
	static const struct member one[MEMBERS] = {{'f', "top/a/f", "x"},
						   {'h', "top/g", "top/a/f"}};
	static const struct member two[MEMBERS] = {{'f', "top/f", "x"},
						   {'f', "other", "y"}};
	static const struct {
		const struct member *members;
		int strip, ret;
		const char *file;
	} cases[] = {
		{one, STRIP_AUTO, 1, "dest/a/f"},
		{one, 0, 0, "dest/top/a/f"},
		{one, 1, 1, "dest/g"},
		{one, 2, 2, "dest/f"},
		{two, STRIP_AUTO, 0, "dest/top/f"},
		{two, 1, 1, "dest/f"},
		{two, 5, -1, NULL},
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autoerror struct error err = {0};
		int ret = try(cases[i].members, cases[i].strip, &err);

		print_message("# case %zu\n", i);
		assert_int_equal(ret, cases[i].ret < 0 ? -1 : 0);
		if (cases[i].file)
			check_file(cases[i].file, 0644, "x");
	}
}

static void zips(void **state)
{
	static const struct member members[MEMBERS] = {{'f', "z/a", "x"},
						       {'x', "z/b", "y"}};
	static const struct member evil[MEMBERS] = {{'f', "../up", "x"}};
	autofree char *archive = in_top("a.zip"), *dest = in_top("dest");
	struct unpack u = {.archive = archive, .dest = dest, .strip = STRIP_AUTO};
	autoerror struct error err = {0};
	(void)state;

	struct archive *a = archive_write_new();
	archive_write_set_format_zip(a);
	archive_write_open_filename(a, archive);
	write_member(a, &members[0]);
	write_member(a, &members[1]);
	archive_write_free(a);
	assert_int_equal(unpack_run(&u, &err), 0);
	assert_int_equal(u.strip, 1);
	check_file("dest/a", 0644, "x");

	a = archive_write_new();
	archive_write_set_format_zip(a);
	archive_write_open_filename(a, archive);
	write_member(a, &evil[0]);
	archive_write_free(a);
	dir_remove(AT_FDCWD, dest, &err);
	u.strip = 0;
	assert_int_equal(unpack_run(&u, &err), -1);
}

/* A few kilobytes that would become gigabytes; and a member that lies about its size. */
static void bombs(void **state)
{
	autofree char *archive = in_top("bomb.tar.gz"), *dest = in_top("dest");
	struct unpack u = {.archive = archive, .dest = dest, .strip = 0};
	autoerror struct error err = {0};
	autobuf struct strbuf said = STRBUF_INIT;
	struct archive_entry *e = archive_entry_new();
	struct archive *a = archive_write_new();
	static char zeros[1 << 20];
	(void)state;

	archive_write_set_format_pax_restricted(a);
	archive_write_add_filter_gzip(a);
	archive_write_open_filename(a, archive);
	archive_entry_set_pathname(e, "zeros");
	archive_entry_set_filetype(e, AE_IFREG);
	archive_entry_set_perm(e, 0644);
	archive_entry_set_size(e, 700ll << 20);
	archive_write_header(a, e);
	for (int i = 0; i < 700; i++)
		archive_write_data(a, zeros, sizeof(zeros));
	archive_entry_free(e);
	archive_write_free(a);
	assert_int_equal(unpack_run(&u, &err), -1);
	story(&err, &said);
	assert_non_null(strstr(said.ptr, "'zeros'"));
	assert_non_null(strstr(said.ptr, "absurdly large"));
	assert_int_equal(access(dest, F_OK), -1);
}

static void damaged(void **state)
{
	static const struct member members[MEMBERS] = {
		{'f', "a", "some contents of a file"}};
	autofree char *archive = in_top("a.tar.gz"), *dest = in_top("dest");
	struct unpack u = {.archive = archive, .dest = dest, .strip = 0};
	struct stat st;
	(void)state;

	write_archive(archive, archive_write_set_format_ustar, members);
	assert_int_equal(stat(archive, &st), 0);
	for (off_t size = 0; size < st.st_size - 8; size += 5) {
		autoerror struct error err = {0};

		print_message("# cut to %lld bytes\n", (long long)size);
		write_archive(archive, archive_write_set_format_ustar, members);
		assert_int_equal(truncate(archive, size), 0);
		assert_int_equal(unpack_run(&u, &err), -1);
		assert_int_equal(access(dest, F_OK), -1);
	}
}

/* --- packages -------------------------------------------------------------- */

static void make_deb(const char *path, const struct member *members)
{
	autofree char *data = in_top("data.tar.gz");
	autobuf struct strbuf bytes = STRBUF_INIT;
	autoerror struct error err = {0};

	write_archive(data, archive_write_set_format_ustar, members);
	assert_int_equal(dir_read(AT_FDCWD, data, &bytes, &err), 0);
	struct archive *a = archive_write_new();
	archive_write_set_format_ar_svr4(a);
	archive_write_open_filename(a, path);
	const struct member version = {'f', "debian-binary", "2.0\n"};
	write_member(a, &version);
	struct archive_entry *e = archive_entry_new();
	archive_entry_set_pathname(e, "data.tar.gz");
	archive_entry_set_filetype(e, AE_IFREG);
	archive_entry_set_perm(e, 0644);
	archive_entry_set_size(e, (la_int64_t)bytes.len);
	archive_write_header(a, e);
	archive_write_data(a, bytes.ptr, bytes.len);
	archive_entry_free(e);
	archive_write_free(a);
}

static void merged_usr(void **state)
{
	static const struct member first[MEMBERS] = {
		{'x', "./bin/tool", "t"},
		{'l', "./usr/bin/tool", "/bin/tool"},
		{'l', "./lib/libx.so", "../usr/share/x"},
		{'f', "./usr/share/doc/x", "d"},
		{'f', "./usr/share/both", "first"}};
	static const struct member second[MEMBERS] = {
		{'l', "./bin", "usr/bin"},
		{'f', "./usr/share/both", "second"},
		{'h', "./usr/share/hard", "./usr/share/both"}};
	autofree char *a = in_top("a.deb"), *b = in_top("b.deb"), *dest = in_top("dest");
	autofree char *alias = in_top("dest/usr/bin/alias");
	autofree char *bin = in_top("dest/bin"), *lib = in_top("dest/usr/lib/libx.so");
	char target[64] = {0};
	struct deb_tree d = {
		.dest = dest,
		.merge_usr = true,
		.prune = "usr/share/doc",
		.threads = 2,
		.links = "usr/bin/alias tool\nusr/bin/none nothing\nusr/bin/tool other",
		.files = "etc/passwd\troot:x:0:0\\n\\tb\\\\\\n",
		.dirs = "proc\nnix/store"};
	(void)state;

	make_deb(a, first);
	make_deb(b, second);
	argv_pushl(&d.debs, a, b, NULL);
	for (int i = 0; i < 20; i++) { /* whichever thread is faster */
		autoerror struct error err = {0};

		if (deb_unpack(&d, &err) < 0)
			fail_msg("%s", err.msg);
		check_file("dest/usr/share/both", 0644, "second");
		check_file("dest/usr/share/hard", 0644, "second");
		check_file("dest/usr/bin/tool", 0755, "t");
		assert_int_equal(readlink(alias, target, sizeof(target)), 4);
		assert_memory_equal(target, "tool", 4);
		memset(target, 0, sizeof(target));
		check_file("dest/etc/passwd", 0644, "root:x:0:0\n\tb\\\n");
		assert_int_equal(readlink(bin, target, sizeof(target) - 1), 7);
		assert_string_equal(target, "usr/bin");
		memset(target, 0, sizeof(target));
		assert_true(readlink(lib, target, sizeof(target) - 1) > 0);
		assert_string_equal(target, "/usr/share/x");
		memset(target, 0, sizeof(target));
		autofree char *doc = in_top("dest/usr/share/doc"),
			      *none = in_top("dest/usr/bin/none");
		autofree char *store = in_top("dest/nix/store");
		assert_int_equal(access(doc, F_OK), -1);
		assert_int_equal(faccessat(AT_FDCWD, none, F_OK, AT_SYMLINK_NOFOLLOW),
				 -1);
		assert_int_equal(access(store, F_OK), 0);
		assert_int_equal(dir_remove(AT_FDCWD, dest, &err), 0);
	}
	argv_finish(&d.debs);
}

static void hostile_packages(void **state)
{
	static const struct {
		struct member members[MEMBERS];
		const char *says;
	} cases[] = {
		{{{'f', "./../up", "x"}}, "'./../up' has '..'"},
		{{{'l', "./a", "/tmp"}, {'f', "./a/x", "x"}}, "goes through 'a'"},
		{{{'c', "./dev/null", 0}}, "device node"},
	};
	autofree char *deb = in_top("evil.deb"), *dest = in_top("dest");
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autoerror struct error err = {0};
		autobuf struct strbuf said = STRBUF_INIT;
		struct deb_tree d = {.dest = dest, .merge_usr = true};

		make_deb(deb, cases[i].members);
		argv_push(&d.debs, deb);
		assert_int_equal(deb_unpack(&d, &err), -1);
		story(&err, &said);
		assert_non_null(strstr(said.ptr, cases[i].says));
		assert_non_null(strstr(said.ptr, "evil.deb"));
		assert_int_equal(access(dest, F_OK), -1);
		argv_finish(&d.debs);
	}
}

#define with_top(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_top(hostile), with_top(modes),      with_top(duplicates),
		with_top(strips),  with_top(zips),       with_top(bombs),
		with_top(damaged), with_top(merged_usr), with_top(hostile_packages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
