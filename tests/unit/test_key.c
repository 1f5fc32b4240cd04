// SPDX-License-Identifier: MIT
#include "store/key.h"

#include <fcntl.h>

#include "base/base64.h"
#include "store/narinfo.h"
#include "tests/unit/vectors.h"

static struct key_secret secret_of_vectors(void)
{
	autoerror struct error err = {0};
	struct key_secret key;

	assert_done(key_secret_parse(text_of(vectors_section("signing_key"), "secret"),
				     &key, &err),
		    &err);
	return key;
}

static struct key_public other_key(const char *name)
{
	autoerror struct error err = {0};
	struct key_secret key;

	assert_done(key_generate(name, &key, &err), &err);
	return key_public_of(&key);
}

static void fingerprints_and_signatures(void **state)
{
	struct key_secret key = secret_of_vectors();
	struct key_public public = key_public_of(&key);

	(void)state;
	vectors_each("signing", v)
	{
		autoerror struct error err = {0};
		autobuf struct strbuf text = STRBUF_INIT;
		struct arena a = {0};
		struct narinfo n;

		assert_done(narinfo_parse(str_of(text_of(v, "text")), &a, &n, &err),
			    &err);
		path_fingerprint(&n.info, &text);
		assert_string_equal(text.ptr, text_of(v, "fingerprint"));
		assert_string_equal(key_sign(&key, &n.info, &a), text_of(v, "sig"));
		assert_int_equal(key_count_signed(&n.info, &public, 1), 1);
		/* Each fact of the fingerprint counts. */
		n.info.nar_size++;
		assert_int_equal(key_count_signed(&n.info, &public, 1), 0);
		n.info.nar_size--;
		n.info.nar.bytes[31] ^= 1;
		assert_int_equal(key_count_signed(&n.info, &public, 1), 0);
		n.info.nar.bytes[31] ^= 1;
		n.info.path = "/nix/store/svx5gskf3a2af38g7v850zfrggyspjym-leaf";
		assert_int_equal(key_count_signed(&n.info, &public, 1), 0);
		arena_finish(&a);
	}
}

/* store scenario 7: several keys, so many of them required */
static void count_of_keys(void **state)
{
	const char *refs[] = {"/nix/store/svx5gskf3a2af38g7v850zfrggyspjym-leaf"};
	struct path_info info = {.path = "/nix/store/72iy2rpzs5vhwq5vy89jgs7i77yxrrwb-x",
				 .nar_size = 120,
				 .refs = refs,
				 .nrefs = 1};
	struct key_secret secret[2];
	struct key_public keys[5];
	autoerror struct error err = {0};
	struct arena a = {0};
	const char *sigs[5];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_done(key_generate(i ? "two" : "one", &secret[i], &err), &err);
		keys[i] = key_public_of(&secret[i]);
		sigs[i] = key_sign(&secret[i], &info, &a);
	}
	keys[2] = other_key("one");  /* the name alone is no proof */
	keys[3] = keys[0];           /* named twice, counts once */
	keys[4] = other_key("none"); /* signed nothing */
	info.sigs = sigs;
	assert_int_equal(key_count_signed(&info, keys, 5), 0);
	info.nsigs = 1;
	assert_int_equal(key_count_signed(&info, keys, 5), 1);
	info.nsigs = 2;
	assert_int_equal(key_count_signed(&info, keys, 5), 2);
	assert_int_equal(key_count_signed(&info, keys + 1, 1), 1);
	assert_int_equal(key_count_signed(&info, keys, 0), 0);
	/* What is no signature does not hide one that is. */
	sigs[2] = sigs[0];
	sigs[0] = "one:AAAA";
	sigs[1] = "one";
	info.nsigs = 3;
	assert_int_equal(key_count_signed(&info, keys, 1), 1);
	/* Right bytes under a wrong name. */
	sigs[0] = arena_printf(&a, "two%s", strchr(sigs[2], ':'));
	info.nsigs = 1;
	assert_int_equal(key_count_signed(&info, keys, 5), 0);
	/* A reference that is not covered. */
	sigs[0] = sigs[2];
	info.nrefs = 0;
	assert_int_equal(key_count_signed(&info, keys, 5), 0);
	arena_finish(&a);
}

static void texts(void **state)
{
	struct key_secret key = secret_of_vectors();
	struct key_public public = key_public_of(&key), again;
	autoerror struct error err = {0};
	struct arena a = {0};

	(void)state;
	assert_string_equal(key_secret_text(&a, &key),
			    text_of(vectors_section("signing_key"), "secret"));
	assert_string_equal(key_public_text(&a, &public),
			    text_of(vectors_section("signing_key"), "public"));
	assert_done(key_public_parse(
			    arena_printf(&a, "%s \r\n", key_public_text(&a, &public)),
			    &again, &err),
		    &err);
	assert_string_equal(again.name, public.name);
	assert_memory_equal(again.bytes, public.bytes, sizeof(public.bytes));
	arena_finish(&a);
}

static void texts_refused(void **state)
{
	static const char half[] = "aSm+5gepFwRTJuiaZhizp3qE3nJMj9fHfIQzqb7nvoA=";
	char name[KEY_NAME_MAX + 2];
	struct arena a = {0};

	(void)state;
	memset(name, 'k', KEY_NAME_MAX + 1);
	name[KEY_NAME_MAX + 1] = '\0';
	const char *bad[] = {
		"",
		":",
		"k",
		"k:",
		half,
		arena_printf(&a, ":%s", half),
		arena_printf(&a, "a b:%s", half),
		arena_printf(&a, "a\nb:%s", half),
		arena_printf(&a, "a:b:%s", half),
		arena_printf(&a, "\xc3\xa4:%s", half),
		arena_printf(&a, "%s:%s", name, half),
		arena_printf(&a, "k: %s", half),
		arena_printf(&a, "k:%s=", half),
		arena_printf(&a, "k:%.43s", half),
		arena_printf(&a, "k:%.42sB=", half), /* surplus bits */
		text_of(vectors_section("signing_key"), "secret"),
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		autoerror struct error err = {0};
		struct key_public key;

		print_message("# key '%.60s'\n", *bad[i] == 'a' ? "a..." : bad[i]);
		assert_int_equal(key_public_parse(bad[i], &key, &err), -1);
		assert_null(strstr(err.msg, "aSm+5"));
	}
	for (size_t i = 0; i < 2; i++) {
		autoerror struct error err = {0};
		struct key_secret key;

		/* Halves that do not fit, and half a key. */
		const char *text = i ? arena_printf(&a, "k:%s", half)
				     : arena_printf(&a, "k:%.43sB%.42s==", half, half);
		assert_int_equal(key_secret_parse(text, &key, &err), -1);
		assert_null(strstr(err.msg, "aSm+5"));
	}
	arena_finish(&a);
}

static void files(void **state)
{
	struct key_secret key = secret_of_vectors(), again;
	autoerror struct error err = {0}, missing = {0};
	struct arena a = {0};
	char *dir = fresh_dir();
	autofree char *file = path_join(dir, "key");
	const char *text = arena_printf(&a, "%s\n", key_secret_text(&a, &key));

	(void)state;
	assert_done(dir_write(AT_FDCWD, file, text, strlen(text), 0600, false, &err),
		    &err);
	assert_done(key_secret_read(file, &again, &err), &err);
	assert_memory_equal(again.bytes, key.bytes, sizeof(key.bytes));
	key_wipe(&again);
	assert_int_equal(again.bytes[0] | again.bytes[63] | again.name[0], 0);
	assert_int_equal(key_secret_read(dir, &again, &missing), -1);
	arena_finish(&a);
	drop_dir(dir);
}

static void names_refused(void **state)
{
	static const char *const bad[] = {"", "a b", "a:b", "a\n", "\x7f", "\xc3\xa4"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		autoerror struct error err = {0};
		struct key_secret key;

		assert_int_equal(key_generate(bad[i], &key, &err), -1);
	}
}

static void base64(void **state)
{
	static const struct {
		const char *plain, *text;
	} rfc[] = {{"", ""},
		   {"f", "Zg=="},
		   {"fo", "Zm8="},
		   {"foo", "Zm9v"},
		   {"foob", "Zm9vYg=="},
		   {"fooba", "Zm9vYmE="},
		   {"foobar", "Zm9vYmFy"}};
	static const char *const bad[] = {
		"Zg",   "Zg=",      "Zg===", "Zh==", "Zm9=",  "Z===",
		"====", "Zg==Zg==", "Zm 9",  "Zm9-", "Zm9v\n"};
	uint8_t bytes[16];
	char text[16];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rfc); i++) {
		size_t n = strlen(rfc[i].plain);

		assert_string_equal(base64_encode((const uint8_t *)rfc[i].plain, n, text),
				    rfc[i].text);
		assert_int_equal(base64_decode(str_of(text), bytes), n);
		assert_memory_equal(bytes, rfc[i].plain, n);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(base64_decode(str_of(bad[i]), bytes), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base64),
		cmocka_unit_test(fingerprints_and_signatures),
		cmocka_unit_test(count_of_keys),
		cmocka_unit_test(texts),
		cmocka_unit_test(texts_refused),
		cmocka_unit_test(files),
		cmocka_unit_test(names_refused),
	};

	return cmocka_run_group_tests(tests, NULL, vectors_finish);
}
