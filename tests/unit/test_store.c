// SPDX-License-Identifier: MIT
/* What comes into a store, and asking for it. */
#include "tests/unit/storefix.h"

/* --- adding ----------------------------------------------------------------------- */

static void adds_trees(void **state)
{
	struct fix *f = *state;

	vectors_each("trees", v)
	{
		const char *path = add_tree(f, text_of(v, "tree"), text_of(v, "name"));
		struct path_info i = info(f, path);

		assert_string_equal(path, text_of(v, "store_path"));
		assert_string_equal(i.ca, text_of(v, "ca"));
		assert_int_equal(i.nar_size, json_object_get_int64(field(v, "nar_size")));
		assert_int_equal(i.nrefs, 0);
		assert_false(i.ultimate);
	}
	assert_whole(f);
}

static void adds_texts(void **state)
{
	struct fix *f = *state;

	add_tree(f, "hello.txt", "hello.txt");
	add_tree(f, "mixed", "mixed");
	vectors_each("text_adds", v)
	{
		const char *refs[8];
		size_t n = texts_of(v, "references", refs, ARRAY_LEN(refs));
		const char *path;

		for (size_t i = 0; i < n; i++)
			if (!find(f, refs[i]))
				n = 0;
		if (n == 0 && json_object_array_length(field(v, "references")))
			continue;
		path = add_text(f, text_of(v, "name"), text_of(v, "text"), refs, n);
		struct path_info i = info(f, path);
		char hex[SHA256_HEX_SIZE];

		assert_string_equal(path, text_of(v, "store_path"));
		assert_string_equal(i.ca, text_of(v, "ca"));
		assert_string_equal(sha256_hex(&i.nar, hex),
				    text_of(v, "nar_sha256_hex"));
		assert_int_equal(i.nrefs, n);
		assert_int_equal(inode(f, path),
				 inode(f, add_text(f, text_of(v, "name"),
						   text_of(v, "text"), refs, n)));
	}
	assert_whole(f);
}

static void text_needs_valid_references(void **state)
{
	struct fix *f = *state;
	const char *refs[] = {"/nix/store/xrabnx1r49hn890prhx86h6iyn19p976-hello.txt"};
	const char *path;

	assert_int_equal(
		store_add_text(f->st, "x", STR("x"), refs, 1, &f->a, &path, &f->err), -1);
	assert_int_equal(find(f, path), 0);
}

/*
 * Store scenario 16: a path that is valid is not touched again; what is there without a
 * row is replaced.
 */
static void valid_stays_garbage_goes(void **state)
{
	struct fix *f = *state;
	const char *path = add_tree(f, "mixed", "mixed"), *hello;
	ino_t before = inode(f, path);
	struct store *other;

	assert_string_equal(add_tree(f, "mixed", "mixed"), path);
	assert_int_equal(inode(f, path), before);

	assert_done(store_open(f->root, STORE_WRITE, &other, &f->err), &f->err);
	store_close(other);
	hello = "/nix/store/xrabnx1r49hn890prhx86h6iyn19p976-hello.txt";
	autofree char *garbage = store_physical(f->st, hello);
	autofree char *deeper = path_join(garbage, "read-only");
	assert_int_equal(mkdir(garbage, 0755), 0);
	assert_int_equal(mkdir(deeper, 0555), 0);
	assert_int_equal(chmod(garbage, 0555), 0);
	assert_string_equal(add_tree(f, "hello.txt", "hello.txt"), hello);
	assert_whole(f);
}

static void checks_the_expected_hash(void **state)
{
	struct fix *f = *state;
	autofree char *physical = xasprintf("%s/trees/mixed", trees);
	struct sha256 wrong = {{1}};
	struct store_add add = {.physical = physical, .name = "mixed", .expect = &wrong};
	autoargv struct argv left = {0};
	const char *path;

	assert_int_equal(store_add(f->st, &add, &f->a, &path, &f->err), -1);
	assert_non_null(strstr(f->err.cause->msg, "hash mismatch"));
	autoclose int scratch = open(store_scratch_dir(f->st), O_RDONLY | O_DIRECTORY);
	assert_done(dir_names(scratch, &left, &f->err), &f->err);
	assert_int_equal(left.n, 0);

	struct sha256 right = info(f, add_tree(f, "mixed", "mixed")).nar;
	add.expect = &right;
	add.physical = "/does/not/exist"; /* not even looked at */
	assert_done(store_add(f->st, &add, &f->a, &path, &f->err), &f->err);
	assert_int_equal(find(f, path), 1);
}

static void bad_names(void **state)
{
	static const char *const names[] = {"", ".", "..", "a/b", "a b", "..-x"};
	struct fix *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct store_add add = {.physical = trees, .name = names[i]};
		autoerror struct error err = {0};
		const char *path;

		assert_int_equal(store_add(f->st, &add, &f->a, &path, &err), -1);
	}
}

/* --- taking ----------------------------------------------------------------------- */

static void takes_with_references(void **state)
{
	struct fix *f = *state;
	const char *hello = add_tree(f, "hello.txt", "hello.txt");
	const char *mixed = add_tree(f, "mixed", "mixed");
	const char *candidates[] = {mixed, hello};
	autofree char *text = xasprintf("refers to %s\n", hello);
	char *out = path_join(store_scratch_dir(f->st), "out");
	struct store_take take = {
		.physical = out,
		.name = "refs-1",
		.candidates = candidates,
		.ncandidates = 2,
		.deriver = "/nix/store/2zvll2226si8m7px1nkvdbq1xpzbwc04-floating.drv",
		.owner = geteuid(),
		.ultimate = true,
	};
	struct path_info i;

	assert_done(dir_write(AT_FDCWD, out, text, strlen(text), 0600, false, &f->err),
		    &f->err);
	assert_done(store_take(f->st, &take, &f->a, &i, &f->err), &f->err);
	assert_string_equal(
		i.path,
		text_of(json_object_array_get_idx(
				vectors_section("ca_with_references_synthetic"), 0),
			"store_path"));
	i = info(f, i.path);
	assert_int_equal(i.nrefs, 1);
	assert_string_equal(i.refs[0], hello);
	assert_string_equal(i.deriver, take.deriver);
	assert_true(i.ultimate);
	assert_int_equal(access(out, F_OK), -1);
	free(out);
	assert_whole(f);
}

static void refuses_forbidden_references(void **state)
{
	struct fix *f = *state;
	const char *forbidden[] = {"/nix/store/ib3czs6y3l6b790q6hjscqf5x243r5ks-kb-ca"};
	autofree char *out = make_output(f, "out", forbidden[0]);
	struct store_take take = {.physical = out,
				  .name = "kb-ca",
				  .forbidden = forbidden,
				  .nforbidden = 1,
				  .owner = geteuid()};
	struct path_info i;

	assert_int_equal(store_take(f->st, &take, &f->a, &i, &f->err), -1);
	assert_int_equal(f->err.class, ERROR_BUILD);
	assert_int_equal(access(out, F_OK), 0);
	take.nforbidden = 0;
	assert_done(store_take(f->st, &take, &f->a, &i, &f->err), &f->err);
}

static void takes_flat_files(void **state)
{
	struct fix *f = *state;
	autofree char *out = path_join(store_scratch_dir(f->st), "file");
	struct sha256 h = sha256_of("bytes", 5), wrong = {{1}};
	struct store_take take = {
		.physical = out, .name = "some.deb", .flat = &wrong, .owner = (uid_t)-1};
	autoerror struct error err = {0};
	struct path_info i;
	struct stat st;

	assert_done(dir_write(AT_FDCWD, out, "bytes", 5, 0755, false, &f->err), &f->err);
	assert_int_equal(store_take(f->st, &take, &f->a, &i, &err), -1);
	take.flat = &h;
	assert_done(store_take(f->st, &take, &f->a, &i, &f->err), &f->err);
	assert_string_equal(i.path, path_flat(&f->a, &h, "some.deb"));
	assert_true(str_starts(i.ca, "fixed:sha256:"));
	autofree char *physical = store_physical(f->st, i.path);
	assert_int_equal(stat(physical, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0444);

	autofree char *tree = make_output(f, "tree", "x");
	autoerror struct error not_file = {0};
	take.physical = tree;
	assert_int_equal(store_take(f->st, &take, &f->a, &i, &not_file), -1);
}

static void taking_twice_is_one_object(void **state)
{
	struct fix *f = *state;
	struct path_info first, second;

	for (int i = 0; i < 2; i++) {
		autofree char *out = make_output(f, "out", "same");
		struct store_take take = {
			.physical = out, .name = "n", .owner = geteuid()};

		assert_done(
			store_take(f->st, &take, &f->a, i ? &second : &first, &f->err),
			&f->err);
		assert_int_equal(access(out, F_OK), -1);
	}
	assert_string_equal(first.path, second.path);
}

/* --- asking ----------------------------------------------------------------------- */

static void finds_by_digest(void **state)
{
	struct fix *f = *state;
	const char *path = add_tree(f, "mixed", "mixed"), *hit = NULL;
	char prefix[33] = {0};

	for (size_t n = 4; n <= 32; n++) {
		memcpy(prefix, path_base(path), n);
		assert_int_equal(store_find_digest(f->st, prefix, &f->a, &hit, &f->err),
				 1);
		assert_string_equal(hit, path);
	}
	assert_int_equal(store_find_digest(f->st, "kr1", &f->a, &hit, &f->err), 0);
	assert_int_equal(store_find_digest(f->st, "0000", &f->a, &hit, &f->err), 0);
	/* '_' and '%' mean nothing special. */
	assert_int_equal(store_find_digest(f->st, "k_18", &f->a, &hit, &f->err), 0);
}

static void closures(void **state)
{
	struct fix *f = *state;
	const char *a = add_text(f, "a", "a", NULL, 0);
	const char *b = add_text(f, "b", a, &a, 1);
	const char *c = add_text(f, "c", "c", NULL, 0);
	const char *bc[] = {strcmp(b, c) < 0 ? b : c, strcmp(b, c) < 0 ? c : b};
	autoargv struct argv all = {0}, none = {0};

	const char *d = add_text(f, "d", "d", bc, 2);
	assert_done(store_closure(f->st, &d, 1, &all, &f->err), &f->err);
	assert_int_equal(all.n, 4);
	for (size_t i = 1; i < all.n; i++)
		assert_true(strcmp(all.v[i - 1], all.v[i]) < 0);
	const char *absent = "/nix/store/xrabnx1r49hn890prhx86h6iyn19p976-hello.txt";
	assert_int_equal(store_closure(f->st, &absent, 1, &none, &f->err), -1);
}

static void reading_needs_nothing(void **state)
{
	struct fix *f = *state;
	autofree char *nowhere = path_join(f->dir, "nowhere");
	struct verify_report none;
	struct store *st;
	struct path_info i;
	const char *path = "/nix/store/xrabnx1r49hn890prhx86h6iyn19p976-hello.txt";

	assert_done(store_open(nowhere, STORE_READ, &st, &f->err), &f->err);
	assert_int_equal(store_find(st, path, &f->err), 0);
	assert_int_equal(store_info(st, path, &f->a, &i, &f->err), 0);
	assert_int_equal(store_realisation(st, path, &f->a, &f->info, &path, &f->err), 0);
	assert_done(store_verify(st, &(struct verify_options){0}, &f->a, &none, &f->err),
		    &f->err);
	assert_int_equal(none.n, 0);
	assert_int_equal(
		store_add_text(st, "x", STR("x"), NULL, 0, &f->a, &path, &f->err), -1);
	store_close(st);
	assert_int_equal(access(nowhere, F_OK), -1);
}

static void other_schemas_are_refused(void **state)
{
	struct fix *f = *state;
	autofree char *file = path_join(f->root, "nix/var/nix/db/schema");
	struct store *st;

	assert_done(dir_write(AT_FDCWD, file, "11", 2, 0644, false, &f->err), &f->err);
	assert_int_equal(store_open(f->root, STORE_READ, &st, &f->err), -1);
	assert_null(st);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(adds_trees),
		STORE_TEST(adds_texts),
		STORE_TEST(text_needs_valid_references),
		STORE_TEST(valid_stays_garbage_goes),
		STORE_TEST(checks_the_expected_hash),
		STORE_TEST(bad_names),
		STORE_TEST(takes_with_references),
		STORE_TEST(refuses_forbidden_references),
		STORE_TEST(takes_flat_files),
		STORE_TEST(taking_twice_is_one_object),
		STORE_TEST(finds_by_digest),
		STORE_TEST(closures),
		STORE_TEST(reading_needs_nothing),
		STORE_TEST(other_schemas_are_refused),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
