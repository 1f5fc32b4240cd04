// SPDX-License-Identifier: MIT
#include "store/path.h"

#include "tests/unit/vectors.h"

static size_t from_hex(const char *hex, uint8_t *out)
{
	size_t n = strlen(hex) / 2;

	for (size_t i = 0; i < n; i++) {
		unsigned int byte;

		assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
		out[i] = (uint8_t)byte;
	}
	return n;
}

static struct sha256 sha(const char *hex)
{
	struct sha256 h;

	assert_int_equal(sha256_parse(hex, &h), 0);
	return h;
}

static void hash_encodings(void **state)
{
	struct arena a = {0};

	(void)state;
	vectors_each("hash_encodings", v)
	{
		uint8_t bytes[64], back[64];
		char text[110];
		size_t n = from_hex(text_of(v, "hex"), bytes);

		assert_string_equal(nix32_encode(bytes, n, text), text_of(v, "nix32"));
		assert_int_equal(nix32_decode(str_of(text), back, n), 0);
		assert_memory_equal(bytes, back, n);
		if (strcmp(text_of(v, "algo"), "sha256") != 0)
			continue;
		struct sha256 h = sha(text_of(v, "hex")), again;
		assert_string_equal(hash_sri(&a, &h), text_of(v, "sri"));
		const char *forms[] = {text_of(v, "sri"), text_of(v, "hex"),
				       text_of(v, "nix32"), hash_nix32(&a, &h),
				       arena_printf(&a, "sha256:%s", text_of(v, "hex"))};
		for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
			assert_int_equal(hash_parse(forms[i], &again), 0);
			assert_true(sha256_equal(&h, &again));
		}
	}
	arena_finish(&a);
}

static void hash_texts_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"sha256:",
		"sha512-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
		"sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
		"sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=", /* surplus bits */
		"sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSu=U=",
		"g3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"zmdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73",
	};
	struct sha256 h;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		print_message("# hash_parse(\"%s\")\n", bad[i]);
		assert_int_equal(hash_parse(bad[i], &h), -1);
	}
}

static void folding(void **state)
{
	(void)state;
	vectors_each("compress_160", v)
	{
		struct sha256 h = sha(text_of(v, "sha256_hex"));
		char text[PATH_DIGEST_LEN + 1];

		assert_string_equal(path_digest(&h, text), text_of(v, "nix32"));
	}
}

static void decode_edge_cases(void **state)
{
	(void)state;
	vectors_each("nix32_decode_edge_cases", v)
	{
		uint8_t bytes[32], want[32];
		bool good = json_object_get_boolean(field(v, "accepted"));

		print_message("# %s\n", text_of(v, "nix32"));
		assert_int_equal(nix32_decode(str_of(text_of(v, "nix32")), bytes, 32),
				 good ? 0 : -1);
		if (good) {
			from_hex(text_of(v, "hex"), want);
			assert_memory_equal(bytes, want, 32);
		}
	}
}

static void names(void **state)
{
	struct arena a = {0};

	(void)state;
	vectors_each("store_names", v)
	{
		const char *name = text_of(v, "name");
		bool good = json_object_get_boolean(field(v, "nix_2_26"));
		autofree char *path =
			xasprintf(STORE_DIR "/xrabnx1r49hn890prhx86h6iyn19p976-%s", name);

		print_message("# case %zu\n", v_i);
		assert_int_equal(path_name_ok(name), good);
		assert_int_equal(path_ok(path), good);
		assert_true(path_name_ok(path_name_clean(&a, name)));
	}
	arena_finish(&a);
}

static void paths(void **state)
{
	static const struct {
		const char *path;
		bool ok;
	} cases[] = {
		{"/nix/store/xrabnx1r49hn890prhx86h6iyn19p976-hello.txt", true},
		{"/nix/store/xrabnx1r49hn890prhx86h6iyn19p976-", false},
		{"/nix/store/xrabnx1r49hn890prhx86h6iyn19p976", false},
		{"/nix/store/xrabnx1r49hn890prhx86h6iyn19p976-a/b", false},
		{"/nix/store/xrabnx1r49hn890prhx86h6iyn19p97-hello.txt", false},
		{"/nix/store/erabnx1r49hn890prhx86h6iyn19p976-hello.txt", false},
		{"/nix/store//xrabnx1r49hn890prhx86h6iyn19p976-hello.txt", false},
		{"/nix/storexxrabnx1r49hn890prhx86h6iyn19p976-hello.txt", false},
		{"xrabnx1r49hn890prhx86h6iyn19p976-hello.txt", false},
		{"/nix/store/", false},
		{"", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		print_message("# path_ok(\"%s\")\n", cases[i].path);
		assert_int_equal(path_ok(cases[i].path), cases[i].ok);
	}
	assert_string_equal(path_name(cases[0].path), "hello.txt");
	assert_string_equal(path_base(cases[0].path),
			    cases[0].path + strlen("/nix/store/"));
}

static void tree_paths(void **state)
{
	struct arena a = {0};

	(void)state;
	vectors_each("trees", v)
	{
		struct sha256 h = sha(text_of(field(v, "nar_sha256"), "hex"));

		assert_string_equal(path_source(&a, &h, NULL, 0, text_of(v, "name")),
				    text_of(v, "store_path"));
	}
	arena_finish(&a);
}

static void fixed_paths(void **state)
{
	struct arena a = {0};

	(void)state;
	vectors_each("fixed_adds", v)
	{
		const char *algo = text_of(v, "algo"), *hex = text_of(v, "hash_hex");
		const char *name = text_of(v, "name"), *path;
		bool recursive = json_object_get_boolean(field(v, "recursive"));
		bool sha256 = strcmp(algo, "sha256") == 0;

		if (sha256) {
			struct sha256 h = sha(hex);

			path = recursive ? path_source(&a, &h, NULL, 0, name)
					 : path_flat(&a, &h, name);
		} else {
			char *inner = arena_printf(&a, "fixed:out:%s%s:%s:",
						   recursive ? "r:" : "", algo, hex);
			struct sha256 h = sha256_of(inner, strlen(inner));

			path = path_make(&a, "output:out", &h, name);
		}
		assert_string_equal(path, text_of(v, "store_path"));
	}
	arena_finish(&a);
}

static void text_paths(void **state)
{
	struct arena a = {0};

	(void)state;
	vectors_each("text_adds", v)
	{
		const char *text = text_of(v, "text"), *refs[8];
		size_t n = texts_of(v, "references", refs, ARRAY_LEN(refs));
		struct sha256 h = sha256_of(text, strlen(text));

		assert_string_equal(path_text(&a, &h, refs, n, text_of(v, "name")),
				    text_of(v, "store_path"));
	}
	arena_finish(&a);
}

static void paths_with_references(void **state)
{
	struct arena a = {0};
	const char *refs[8];

	(void)state;
	vectors_each("ca_with_references_synthetic", v)
	{
		size_t n = texts_of(v, "references", refs, ARRAY_LEN(refs));
		struct sha256 h = sha(text_of(field(v, "nar_sha256"), "hex"));

		assert_string_equal(path_source(&a, &h, refs, n, text_of(v, "name")),
				    text_of(v, "store_path"));
	}
	vectors_each("ca_with_references", v)
	{
		struct sha256 h = sha(text_of(v, "modulo_sha256_hex"));
		size_t n = texts_of(v, "references", refs, ARRAY_LEN(refs));

		assert_int_equal(n, 1);
		char *type = arena_printf(&a, "source:%s:self", refs[0]);
		assert_string_equal(path_make(&a, type, &h, text_of(v, "name")),
				    text_of(v, "store_path"));
	}
	arena_finish(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hash_encodings), cmocka_unit_test(hash_texts_refused),
		cmocka_unit_test(folding),        cmocka_unit_test(decode_edge_cases),
		cmocka_unit_test(names),          cmocka_unit_test(paths),
		cmocka_unit_test(tree_paths),     cmocka_unit_test(fixed_paths),
		cmocka_unit_test(text_paths),     cmocka_unit_test(paths_with_references),
	};

	return cmocka_run_group_tests(tests, NULL, vectors_finish);
}
