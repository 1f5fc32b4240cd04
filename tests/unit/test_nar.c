// SPDX-License-Identifier: MIT
#include "store/nar.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "store/digest.h"
#include "store/ingest.h"
#include "tests/unit/vectors.h"

static int setup(void **state)
{
	*state = vectors_trees();
	return 0;
}

static int teardown(void **state)
{
	drop_dir(*state);
	return vectors_finish(state);
}

/* --- sinks and sources in memory -------------------------------------------------- */

struct memory {
	struct nar_sink sink;
	struct strbuf out;
	char buf[NAR_SINK_MIN];
};

static int keep(struct nar_sink *s, struct error *err)
{
	struct memory *m = (struct memory *)s;

	(void)err;
	strbuf_add(&m->out, s->buf, s->len);
	s->len = 0;
	return 0;
}

static struct memory *memory_new(void)
{
	struct memory *m = xcalloc(1, sizeof(*m));

	m->sink = (struct nar_sink){.buf = m->buf, .cap = sizeof(m->buf), .flush = keep};
	return m;
}

static int from_str(void *ctx, void *bytes, size_t n, struct error *err)
{
	struct str *s = ctx;

	if (n > s->len)
		return error_make(err, "the end");
	memcpy(bytes, s->ptr, n);
	s->ptr += n;
	s->len -= n;
	return 0;
}

static int dump_to(struct memory *m, const char *path, struct error *err)
{
	return nar_dump(&(struct nar_dump){.dir = AT_FDCWD, .path = path}, &m->sink, err);
}

static void hash_tree(const char *path, struct sha256 *h, uint64_t *size)
{
	autodigest struct digest *d = digest_new(NULL);
	autoerror struct error err = {0};
	const struct nar_dump dump = {.dir = AT_FDCWD, .path = path};

	assert_done(nar_dump(&dump, digest_sink(d), &err), &err);
	*h = digest_end(d, size);
}

static void write_file(const char *dir, const char *name, const char *text, mode_t mode)
{
	autoerror struct error err = {0};
	autofree char *path = path_join(dir, name);

	assert_done(dir_write(AT_FDCWD, path, text, strlen(text), 0600, false, &err),
		    &err);
	assert_int_equal(chmod(path, mode), 0);
}

/* --- writing ---------------------------------------------------------------------- */

static void hashes_of_trees(void **state)
{
	vectors_each("trees", v)
	{
		autofree char *tree =
			xasprintf("%s/trees/%s", (char *)*state, text_of(v, "tree"));
		struct sha256 h;
		char hex[SHA256_HEX_SIZE];
		uint64_t size;

		print_message("# %s\n", text_of(v, "tree"));
		hash_tree(tree, &h, &size);
		assert_string_equal(sha256_hex(&h, hex),
				    text_of(field(v, "nar_sha256"), "hex"));
		assert_int_equal(size, json_object_get_int64(field(v, "nar_size")));
	}
}

/* The hash does not depend on the buffers, nor on whether a thread does it. */
static void long_files(void **state)
{
	static const size_t sizes[] = {0,      1,       7,      8,      16383,
				       16384,  16385,   65537,  262000, 262144,
				       262145, 1000003, 3000000};
	char *dir = fresh_dir();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct memory *m = memory_new();
		autoerror struct error err = {0};
		autofree char *text = xmalloc(sizes[i] + 1);
		struct sha256 h, again;
		uint64_t size;

		for (size_t k = 0; k < sizes[i]; k++)
			text[k] = (char)('a' + (k * k >> 3) % 26);
		text[sizes[i]] = '\0';
		write_file(dir, "f", text, 0644);
		assert_done(dump_to(m, dir, &err), &err);
		hash_tree(dir, &h, &size);
		again = sha256_of(m->out.ptr, m->out.len);
		print_message("# %zu bytes\n", sizes[i]);
		assert_true(sha256_equal(&h, &again));
		assert_int_equal(size, m->out.len);
		strbuf_finish(&m->out);
		free(m);
	}
	drop_dir(dir);
}

static void text_is_a_file(void **state)
{
	static const char text[] = "just text\n";
	char *dir = fresh_dir();
	autofree char *path = path_join(dir, "f");
	struct memory *m = memory_new(), *t = memory_new();
	autoerror struct error err = {0};

	(void)state;
	write_file(dir, "f", text, 0644);
	assert_done(dump_to(m, path, &err), &err);
	assert_done(nar_dump_text(text, strlen(text), &t->sink, &err), &err);
	assert_int_equal(m->out.len, t->out.len);
	assert_memory_equal(m->out.ptr, t->out.ptr, t->out.len);
	strbuf_finish(&m->out);
	strbuf_finish(&t->out);
	free(m);
	free(t);
	drop_dir(dir);
}

static bool skip_b(void *ctx, const char *path, bool is_dir)
{
	strbuf_printf(ctx, "%s%s ", path, is_dir ? "/" : "");
	return strcmp(path, "sub/b") == 0 || strcmp(path, "gone") == 0;
}

static void skips(void **state)
{
	char *dir = fresh_dir(), *same = fresh_dir();
	autofree char *sub = path_join(dir, "sub"), *gone = path_join(dir, "gone");
	autofree char *sub2 = path_join(same, "sub");
	struct memory *m = memory_new(), *want = memory_new();
	autobuf struct strbuf asked = STRBUF_INIT;
	autoerror struct error err = {0};

	(void)state;
	mkdir(sub, 0700);
	mkdir(gone, 0700);
	mkdir(sub2, 0700);
	write_file(sub, "a", "a", 0600);
	write_file(sub, "b", "b", 0600);
	write_file(gone, "c", "c", 0600);
	write_file(sub2, "a", "a", 0600);
	const struct nar_dump dump = {
		.dir = AT_FDCWD, .path = dir, .skip = skip_b, .skip_ctx = &asked};
	assert_done(nar_dump(&dump, &m->sink, &err), &err);
	assert_done(dump_to(want, same, &err), &err);
	assert_string_equal(asked.ptr, "gone/ sub/ sub/a sub/b ");
	assert_int_equal(m->out.len, want->out.len);
	assert_memory_equal(m->out.ptr, want->out.ptr, want->out.len);
	strbuf_finish(&m->out);
	strbuf_finish(&want->out);
	free(m);
	free(want);
	drop_dir(dir);
	drop_dir(same);
}

static int grow(void *ctx, const struct nar_node *n, struct error *err)
{
	(void)err;
	if (S_ISREG(n->st.st_mode) &&
	    truncate(n->name[0] ? ctx : "", *n->name == 'f' ? 6 : 0))
		fail_msg("cannot change the file");
	return 0;
}

static void notices_changed_sizes(void **state)
{
	static const char *const texts[] = {"12345", "1234567"};
	char *dir = fresh_dir();
	autofree char *path = path_join(dir, "f");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct memory *m = memory_new();
		autoerror struct error err = {0};
		const struct nar_visitor v = {.enter = grow, .ctx = path};
		const struct nar_dump dump = {
			.dir = AT_FDCWD, .path = dir, .visitor = &v};

		write_file(dir, "f", texts[i], 0644);
		assert_int_equal(nar_dump(&dump, &m->sink, &err), -1);
		assert_non_null(strstr(err.msg, "changed its size"));
		strbuf_finish(&m->out);
		free(m);
	}
	drop_dir(dir);
}

static void refuses_fifos_and_depth(void **state)
{
	char *dir = fresh_dir();
	autofree char *fifo = path_join(dir, "fifo");
	struct memory *m = memory_new();
	autoerror struct error err = {0}, deep = {0};
	autobuf struct strbuf path = STRBUF_INIT;

	(void)state;
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(dump_to(m, dir, &err), -1);
	assert_int_equal(unlink(fifo), 0);
	strbuf_adds(&path, dir);
	for (int depth = 1; depth <= NAR_DEPTH_MAX; depth++) {
		autoerror struct error fine = {0};

		m->sink.len = 0;
		if (depth < NAR_DEPTH_MAX)
			assert_done(dump_to(m, dir, &fine), &fine);
		strbuf_adds(&path, "/d");
		assert_int_equal(mkdir(path.ptr, 0700), 0);
	}
	assert_int_equal(dump_to(m, dir, &deep), -1);
	assert_non_null(strstr(deep.msg, "nested too deeply"));
	strbuf_finish(&m->out);
	free(m);
	drop_dir(dir);
}

/* --- reading ---------------------------------------------------------------------- */

static void token(struct strbuf *out, const char *s)
{
	static const char zeros[8];
	size_t n = strlen(s);
	unsigned char le[8] = {(unsigned char)n, (unsigned char)(n >> 8)};

	strbuf_add(out, le, sizeof(le));
	strbuf_add(out, s, n);
	strbuf_add(out, zeros, -n & 7);
}

/* Directories in directories, each with one entry of that name; at the bottom a file. */
static void nested_archive(struct strbuf *out, int depth, const char *name)
{
	static const char *const file[] = {"(", "type", "regular", "contents", "", ")"};

	token(out, "nix-archive-1");
	for (int i = 0; i < depth; i++) {
		const char *const begin[] = {"(", "type", "directory", "entry",
					     "(", "name", name,        "node"};

		for (size_t k = 0; k < ARRAY_LEN(begin); k++)
			token(out, begin[k]);
	}
	for (size_t k = 0; k < ARRAY_LEN(file); k++)
		token(out, file[k]);
	for (int i = 0; i < 2 * depth; i++)
		token(out, ")");
}

static void limits(void **state)
{
	static const struct {
		int depth;
		size_t name;
		int ret;
	} cases[] = {{0, 1, 0},  {1, 255, 0}, {1, 256, -1},
		     {63, 1, 0}, {64, 1, -1}, {200, 1, -1}};
	char *dir = fresh_dir();
	autofree char *to = path_join(dir, "out");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autobuf struct strbuf nar = STRBUF_INIT;
		autoerror struct error err = {0}, ignored = {0};
		char name[300] = {0};

		memset(name, 'n', cases[i].name);
		nested_archive(&nar, cases[i].depth, name);
		struct str in = {nar.ptr, nar.len};
		print_message("# depth %d, name of %zu\n", cases[i].depth, cases[i].name);
		assert_int_equal(nar_restore(from_str, &in, AT_FDCWD, to, &err),
				 cases[i].ret);
		dir_remove(AT_FDCWD, to, &ignored);
	}
	drop_dir(dir);
}

static void malformed(void **state)
{
	char *dir = fresh_dir();
	autofree char *to = path_join(dir, "out");

	(void)state;
	vectors_each("nar_malformed", v)
	{
		autoerror struct error err = {0}, ignored = {0};
		unsigned char *nar;
		size_t len = base64_of(v, "nar_base64", &nar);
		const char *verdict = text_of(v, "kbuild_expected");
		struct str in = {(char *)nar, len};
		bool longer = strstr(verdict, "longer stream");

		print_message("# %s\n", text_of(v, "case"));
		int ret = nar_restore(from_str, &in, AT_FDCWD, to, &err);
		assert_int_equal(ret == 0, longer || strcmp(verdict, "accept") == 0);
		/* What follows an archive is left for the next reader. */
		assert_int_equal(ret == 0 && in.len > 0, longer);
		assert_int_equal(access(to, F_OK), ret);
		dir_remove(AT_FDCWD, to, &ignored);
		free(nar);
	}
	drop_dir(dir);
}

static void round_trips(void **state)
{
	char *dir = fresh_dir();

	vectors_each("trees", v)
	{
		autofree char *tree =
			xasprintf("%s/trees/%s", (char *)*state, text_of(v, "tree"));
		autofree char *to = xasprintf("%s/%zu", dir, v_i);
		struct memory *m = memory_new();
		autoerror struct error err = {0}, taken = {0};
		struct sha256 h, want;
		uint64_t size;

		print_message("# %s\n", text_of(v, "tree"));
		assert_done(dump_to(m, tree, &err), &err);
		struct str in = {m->out.ptr, m->out.len};
		assert_done(nar_restore(from_str, &in, AT_FDCWD, to, &err), &err);
		assert_int_equal(in.len, 0);
		hash_tree(to, &h, &size);
		sha256_parse(text_of(field(v, "nar_sha256"), "hex"), &want);
		assert_true(sha256_equal(&h, &want));
		/* Never onto something that exists. */
		in = (struct str){m->out.ptr, m->out.len};
		assert_int_equal(nar_restore(from_str, &in, AT_FDCWD, to, &taken), -1);
		hash_tree(to, &h, &size);
		assert_true(sha256_equal(&h, &want));
		strbuf_finish(&m->out);
		free(m);
	}
	drop_dir(dir);
}

/* Every beginning of an archive fails and leaves nothing. */
static void truncated(void **state)
{
	autofree char *tree = xasprintf("%s/trees/mixed", (char *)*state);
	char *dir = fresh_dir();
	autofree char *to = path_join(dir, "out");
	struct memory *m = memory_new();
	autoerror struct error err = {0};

	assert_done(dump_to(m, tree, &err), &err);
	for (size_t n = 0; n < m->out.len; n += n < 600 ? 1 : 97) {
		autoerror struct error short_of = {0};
		struct str in = {m->out.ptr, n};

		assert_int_equal(nar_restore(from_str, &in, AT_FDCWD, to, &short_of), -1);
		assert_int_equal(access(to, F_OK), -1);
	}
	strbuf_finish(&m->out);
	free(m);
	drop_dir(dir);
}

/* --- canonical form --------------------------------------------------------------- */

static void make_odd_tree(const char *dir)
{
	static const mode_t modes[] = {0,    01,   010,  0100, 0400, 0600,
				       0644, 0655, 0700, 0711, 0755, 0777};

	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		autofree char *name = xasprintf("f%o", modes[i]);

		if (modes[i] == 01 || modes[i] == 010) {
			free(name);
			name = xasprintf("f%03o", modes[i]);
		}
		write_file(dir, name, "x", modes[i]);
	}
	write_file(dir, "f4755", "x", 0644);
	write_file(dir, "h1", "x", 0600);
	autofree char *h1 = path_join(dir, "h1"), *h2 = path_join(dir, "h2");
	autofree char *d = path_join(dir, "d"), *s = path_join(dir, "s");
	assert_int_equal(link(h1, h2), 0);
	assert_int_equal(mkdir(d, 0700), 0);
	assert_int_equal(symlink("/nowhere", s), 0);
}

static void check_canonical(const char *dir)
{
	vectors_each("canonicalised", v)
	{
		autofree char *path = path_join(dir, text_of(v, "path"));
		struct stat st;

		print_message("# %s\n", text_of(v, "path"));
		assert_int_equal(lstat(path, &st), 0);
		assert_int_equal(st.st_mode & 07777,
				 strtol(text_of(v, "mode") + 2, NULL, 8));
		assert_int_equal(st.st_mtim.tv_sec,
				 json_object_get_int(field(v, "mtime")));
		assert_int_equal(st.st_mtim.tv_nsec, 0);
		assert_int_equal(st.st_uid, geteuid());
		if (S_ISREG(st.st_mode))
			assert_int_equal(st.st_nlink,
					 json_object_get_int(field(v, "nlink")));
	}
}

static void canonical_form(void **state)
{
	char *dir = fresh_dir();
	autofree char *tree = path_join(dir, "t");
	struct ingest in = {.owner = geteuid()};
	autoerror struct error err = {0};
	struct sha256 h;
	uint64_t size;

	(void)state;
	assert_int_equal(mkdir(tree, 0700), 0);
	make_odd_tree(tree);
	assert_done(ingest_take(&in, AT_FDCWD, tree, &err), &err);
	assert_done(ingest_seal(AT_FDCWD, tree, &err), &err);
	check_canonical(tree);
	hash_tree(tree, &h, &size);
	assert_true(sha256_equal(&h, &in.nar));
	assert_int_equal(size, in.size);
	drop_dir(dir);
}

static void copies_are_canonical(void **state)
{
	static const char *const names[] = {
		"mixed",    "perms",     "names", "hello.txt", "hello-exec",
		"link-rel", "empty-dir", "many",  "deep",      "bigfile"};
	char *dir = fresh_dir();

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		autofree char *tree = xasprintf("%s/trees/%s", (char *)*state, names[i]);
		autofree char *copy = path_join(dir, names[i]);
		struct ingest in = {.owner = (uid_t)-1}, again = in;
		autoerror struct error err = {0};
		struct sha256 h;
		struct stat st;
		uint64_t size;

		print_message("# %s\n", names[i]);
		hash_tree(tree, &h, &size);
		assert_done(ingest_copy(&in, tree, AT_FDCWD, copy, &err), &err);
		assert_done(ingest_seal(AT_FDCWD, copy, &err), &err);
		assert_true(sha256_equal(&h, &in.nar));
		assert_int_equal(lstat(copy, &st), 0);
		assert_int_equal(st.st_mtim.tv_sec, 1);
		if (!S_ISLNK(st.st_mode))
			assert_int_equal(st.st_mode & 0222, 0);
		assert_done(ingest_take(&again, AT_FDCWD, copy, &err), &err);
		assert_true(sha256_equal(&h, &again.nar));
	}
	drop_dir(dir);
}

static int try_take(const char *tree, uid_t owner)
{
	struct ingest in = {.owner = owner};
	autoerror struct error err = {0};

	return ingest_take(&in, AT_FDCWD, tree, &err);
}

static void bad_outputs(void **state)
{
	static const struct {
		mode_t mode;
		int ret;
	} roots[] = {{0755, 0}, {0700, 0}, {0775, -1}, {0757, -1}, {0777, -1}};
	char *dir = fresh_dir();
	autofree char *tree = path_join(dir, "t"), *odd = path_join(tree, "odd");

	(void)state;
	assert_int_equal(mkdir(tree, 0700), 0);
	for (size_t i = 0; i < ARRAY_LEN(roots); i++) {
		print_message("# root of mode %o\n", roots[i].mode);
		chmod(tree, roots[i].mode);
		assert_int_equal(try_take(tree, geteuid()), roots[i].ret);
	}
	chmod(tree, 0755);
	assert_int_equal(try_take(tree, geteuid() + 1), -1);
	write_file(tree, "odd", "x", 04755);
	assert_int_equal(try_take(tree, geteuid()), -1);
	assert_int_equal(try_take(tree, (uid_t)-1), 0);
	unlink(odd);
	assert_int_equal(mkfifo(odd, 0600), 0);
	assert_int_equal(try_take(tree, geteuid()), -1);
	unlink(odd);
	assert_int_equal(mknod(odd, S_IFSOCK | 0600, 0), 0);
	assert_int_equal(try_take(tree, geteuid()), -1);
	drop_dir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hashes_of_trees),
		cmocka_unit_test(long_files),
		cmocka_unit_test(text_is_a_file),
		cmocka_unit_test(skips),
		cmocka_unit_test(notices_changed_sizes),
		cmocka_unit_test(refuses_fifos_and_depth),
		cmocka_unit_test(limits),
		cmocka_unit_test(malformed),
		cmocka_unit_test(round_trips),
		cmocka_unit_test(truncated),
		cmocka_unit_test(canonical_form),
		cmocka_unit_test(copies_are_canonical),
		cmocka_unit_test(bad_outputs),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
