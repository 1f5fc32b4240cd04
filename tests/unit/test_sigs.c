// SPDX-License-Identifier: MIT
#include "store/sigs.h"

#include "tests/unit/storefix.h"

/* A content-addressed file and a realisation of it. */
struct pair {
	const char *content, *key;
};

static struct pair make_pair(struct fix *f)
{
	static const char key[] = "/nix/store/svx5gskf3a2af38g7v850zfrggyspjym-leaf";
	struct pair p = {.key = key};

	assert_done(store_add_text(f->st, "leaf", STR("x"), NULL, 0, &f->a, &p.content,
				   &f->err),
		    &f->err);
	const struct realisation r = {key, p.content};
	assert_done(store_record(f->st, &r, 1, p.content, NULL, 0, &f->err), &f->err);
	return p;
}

static void count(void *ctx, const char *path, const char *what)
{
	const struct pair *p = ctx;

	assert_string_equal(path, p->key);
	assert_non_null(strstr(what, "trusted key"));
}

/* store scenario 7: several keys, 1 and 2 of them required, content needs none */
static void signs_and_counts(void **state)
{
	struct fix *f = *state;
	struct pair p = make_pair(f);
	struct key_secret secret[2];
	struct key_public keys[2];
	struct path_info info;

	for (size_t i = 0; i < 2; i++) {
		assert_done(key_generate(i ? "two" : "one", &secret[i], &f->err),
			    &f->err);
		keys[i] = key_public_of(&secret[i]);
	}
	for (size_t have = 0; have <= 2; have++) {
		for (size_t need = 1; need <= 2; need++)
			assert_int_equal(store_verify_sigs(f->st, keys, 2, need, count,
							   &p, &f->err),
					 have < need);
		if (have == 2)
			break;
		assert_int_equal(store_sign(f->st, p.key, &secret[have], &f->err), 1);
		assert_int_equal(store_sign(f->st, p.key, &secret[have], &f->err), 0);
		reopen(f, STORE_WRITE);
	}
	assert_int_equal(store_verify_sigs(f->st, keys, 1, 1, count, &p, &f->err), 0);
	assert_int_equal(store_verify_sigs(f->st, keys, 1, 2, count, &p, &f->err), 1);
	assert_int_equal(store_info(f->st, p.key, &f->a, &info, &f->err), 1);
	assert_int_equal(info.nsigs, 2);
	assert_int_equal(store_sign(f->st, p.content, &secret[0], &f->err), 1);
}

static void what_cannot_be_signed(void **state)
{
	struct fix *f = *state;
	struct pair p = make_pair(f);
	struct key_secret secret;

	assert_done(key_generate("k", &secret, &f->err), &f->err);
	assert_int_equal(store_sign(f->st,
				    "/nix/store/svx5gskf3a2af38g7v850zfrggyspjym-none",
				    &secret, &f->err),
			 -1);
	error_finish(&f->err);
	reopen(f, STORE_READ);
	assert_int_equal(store_sign(f->st, p.key, &secret, &f->err), -1);
	error_finish(&f->err);
	reopen(f, STORE_WRITE);
	assert_int_equal(store_sign(f->st, p.key, &secret, &f->err), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(signs_and_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(what_cannot_be_signed, setup, teardown),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
