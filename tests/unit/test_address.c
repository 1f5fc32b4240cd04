// SPDX-License-Identifier: MIT
/* What a tree proves to be. */
#include "store/address.h"

#include "store/nar.h"
#include "tests/unit/storefix.h"

/* 1 if the tree at `physical` proves to be `path` with these references. */
static int proves(struct fix *f, const char *physical, const char *path,
		  const char **refs, size_t nrefs, struct path_info *info)
{
	struct address_facts facts = {0};

	*info = (struct path_info){.path = path, .refs = refs, .nrefs = nrefs};
	assert_done(address_read(AT_FDCWD, physical, &facts, &f->err), &f->err);
	int rc = address_prove(AT_FDCWD, physical, &facts, info, &f->a, &f->err);
	assert_done(rc, &f->err);
	if (rc)
		assert_true(sha256_equal(&info->nar, &facts.nar));
	return rc;
}

static void trees_prove_themselves(void **state)
{
	struct fix *f = *state;
	const char *stranger = "/nix/store/xrabnx1r49hn890prhx86h6iyn19p976-hello.txt";
	struct path_info info;

	vectors_each("trees", v)
	{
		const char *tree = text_of(v, "tree"), *path = text_of(v, "store_path");
		autofree char *physical = xasprintf("%s/trees/%s", trees, tree);

		print_message("# %s\n", tree);
		assert_int_equal(proves(f, physical, path, NULL, 0, &info), 1);
		assert_true(str_starts(info.ca, "fixed:r:sha256:"));
		assert_int_equal(proves(f, physical, path, &stranger, 1, &info), 0);
		assert_null(info.ca);
	}
}

static void files_prove_their_bytes(void **state)
{
	struct fix *f = *state;
	struct path_info info;

	vectors_each("fixed_adds", v)
	{
		autofree char *physical =
			xasprintf("%s/trees/%s", trees, text_of(v, "file"));
		bool ours = strcmp(text_of(v, "algo"), "sha256") == 0;

		/* A flat hash does not cover the execute bit: such a file is no proof. */
		if (!json_object_get_boolean(field(v, "recursive")))
			ours &= access(physical, X_OK) != 0;
		print_message("# %s\n", text_of(v, "ca"));
		assert_int_equal(
			proves(f, physical, text_of(v, "store_path"), NULL, 0, &info),
			ours);
		if (ours)
			assert_string_equal(info.ca, text_of(v, "ca"));
	}
	vectors_each("text_adds", v)
	{
		const char *refs[8], *text = text_of(v, "text");
		size_t n = texts_of(v, "references", refs, ARRAY_LEN(refs));
		autofree char *physical = path_join(f->dir, "text");

		assert_done(dir_write(AT_FDCWD, physical, text, strlen(text), 0644, false,
				      &f->err),
			    &f->err);
		assert_int_equal(
			proves(f, physical, text_of(v, "store_path"), refs, n, &info), 1);
		assert_string_equal(info.ca, text_of(v, "ca"));
		assert_int_equal(chmod(physical, 0755), 0);
		assert_int_equal(
			proves(f, physical, text_of(v, "store_path"), refs, n, &info), 0);
	}
}

static void references_are_part_of_it(void **state)
{
	struct fix *f = *state;
	struct path_info info;

	vectors_each("ca_with_references", v)
	{
		autofree char *physical = xasprintf("%s/%s", trees, text_of(v, "tree"));
		const char *path = text_of(v, "store_path"), *refs[8];
		size_t n = texts_of(v, "references", refs, 7);

		assert_int_equal(proves(f, physical, path, refs, n, &info), 0);
		refs[n] = path;
		assert_int_equal(proves(f, physical, path, refs, n + 1, &info), 1);
		assert_string_equal(info.ca, text_of(v, "ca"));
		assert_int_equal(info.nar_size,
				 json_object_get_int(field(v, "nar_size")));
	}
}

/* --- own digests wherever the buffers end ----------------------------------------- */

enum { SIZE = 300 * 1024 };

struct memory {
	struct nar_sink sink;
	char buf[NAR_SINK_MIN];
	struct strbuf all;
};

static int remember(struct nar_sink *s, struct error *err)
{
	struct memory *m = (struct memory *)s;

	(void)err;
	strbuf_add(&m->all, s->buf, s->len);
	s->len = 0;
	return 0;
}

/* The slow way: the whole archive in memory. */
static struct sha256 slow_modulo(struct fix *f, const char *physical, const char *digest)
{
	struct memory m = {.sink = {.cap = sizeof(m.buf), .flush = remember}};
	const struct nar_dump dump = {.dir = AT_FDCWD, .path = physical};
	autobuf struct strbuf places = STRBUF_INIT;

	m.sink.buf = m.buf;
	assert_done(nar_dump(&dump, &m.sink, &f->err), &f->err);
	for (size_t i = 0; i + PATH_DIGEST_LEN <= m.all.len; i++) {
		if (memcmp(m.all.ptr + i, digest, PATH_DIGEST_LEN) != 0)
			continue;
		strbuf_printf(&places, "|%zu", i);
		memset(m.all.ptr + i, 0, PATH_DIGEST_LEN);
	}
	strbuf_add(&m.all, places.ptr, places.len);
	struct sha256 h = sha256_of(m.all.ptr, m.all.len);
	strbuf_finish(&m.all);
	return h;
}

static void own_digests_anywhere(void **state)
{
	static const size_t chunk = 64 * 1024;
	struct fix *f = *state;
	autofree char *physical = path_join(f->dir, "self");
	autofree char *bytes = xcalloc(SIZE, 1);
	char digest[] = "0123456789abcdfghijklmnpqrsvwxyz";
	struct path_info info;

	for (int round = 0; round < 2; round++) {
		memset(bytes, '.', SIZE);
		/* One at each distance from an end of a buffer, and two in a row. */
		for (size_t i = 0; i < 4; i++)
			memcpy(bytes + (i + 1) * chunk - 112 - 10 * i, digest, 32);
		memcpy(bytes + 1000, digest, 32);
		memcpy(bytes + 1032, digest, 32);
		memcpy(bytes + SIZE - 32, digest, 32);
		assert_done(
			dir_write(AT_FDCWD, physical, bytes, SIZE, 0644, false, &f->err),
			&f->err);
		struct sha256 h = slow_modulo(f, physical, digest);
		const char *path = path_make(&f->a, "source:self", &h, "self");
		/* The second round holds the digest that it has. */
		assert_int_equal(proves(f, physical, path, &path, 1, &info), round);
		memcpy(digest, path_base(path), PATH_DIGEST_LEN);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(trees_prove_themselves),
		STORE_TEST(files_prove_their_bytes),
		STORE_TEST(references_are_part_of_it),
		STORE_TEST(own_digests_anywhere),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
