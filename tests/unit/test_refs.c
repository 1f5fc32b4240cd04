// SPDX-License-Identifier: MIT
#include "store/refs.h"

#include "store/digest.h"
#include "store/path.h"
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

static void scans_trees(void **state)
{
	vectors_each("reference_scan", v)
	{
		const char *bases[8], *found[8], *paths[9];
		size_t n = texts_of(v, "candidates", bases, 8);
		size_t nfound = texts_of(v, "found", found, 8), hits = 0;
		autoerror struct error err = {0};
		autofree char *tree =
			xasprintf("%s/%s", (char *)*state, text_of(v, "tree"));
		const struct nar_dump dump = {.dir = -100, .path = tree};
		uint64_t size;

		print_message("# %s: %s\n", text_of(v, "case"), text_of(v, "note"));
		bases[n] = text_of(v, "self");
		for (size_t i = 0; i <= n; i++)
			paths[i] = xasprintf(STORE_DIR "/%s", bases[i]);
		autorefs struct refs *refs = refs_new(paths, n + 1);
		autodigest struct digest *d = digest_new(refs);
		assert_done(nar_dump(&dump, digest_sink(d), &err), &err);
		digest_end(d, &size);
		for (size_t i = 0; i < n; i++) {
			bool want = false;

			for (size_t k = 0; k < nfound; k++)
				want |= strcmp(found[k], bases[i]) == 0;
			assert_int_equal(refs_found(refs, i), want);
			hits += refs_found(refs, i);
		}
		assert_int_equal(hits, nfound);
		assert_int_equal(refs_found(refs, n),
				 json_object_get_boolean(field(v, "found_self")));
		for (size_t i = 0; i <= n; i++)
			free((char *)paths[i]);
	}
}

static const char *const needle[] = {STORE_DIR
				     "/xrabnx1r49hn890prhx86h6iyn19p976-hello.txt"};

/* However the stream is cut, one occurrence is found, and nothing where there is none. */
static void any_portions(void **state)
{
	char text[200];

	(void)state;
	for (size_t at = 0; at + PATH_DIGEST_LEN <= sizeof(text); at += 7) {
		/* 'a' is a letter of digests: the hardest surroundings. */
		memset(text, at % 2 ? 'a' : '-', sizeof(text));
		memcpy(text + at, path_base(needle[0]), PATH_DIGEST_LEN);
		for (size_t cut = 1; cut <= sizeof(text); cut++) {
			autorefs struct refs *refs = refs_new(needle, 1);

			for (size_t i = 0; i < sizeof(text); i += cut)
				refs_feed(refs, text + i,
					  cut < sizeof(text) - i ? cut
								 : sizeof(text) - i);
			assert_true(refs_found(refs, 0));
		}
		text[at + 13] ^= 1;
		autorefs struct refs *refs = refs_new(needle, 1);
		refs_feed(refs, text, sizeof(text));
		assert_false(refs_found(refs, 0));
	}
}

/* Against the obvious algorithm, on text made of few letters. */
static void agrees_with_search(void **state)
{
	enum { N = 40, LEN = 3000 };
	char names[N][60], text[LEN + 1];
	const char *paths[N];
	uint32_t seed = 12345;

	(void)state;
	for (int round = 0; round < 200; round++) {
		for (size_t i = 0; i < LEN; i++) {
			seed = seed * 1664525 + 1013904223;
			text[i] = "ab0e"[seed >> 30];
			if ((seed >> 8 & 63) && text[i] == 'e')
				text[i] = 'z';
		}
		text[LEN] = '\0';
		for (size_t i = 0; i < N; i++) {
			/* Half of them are cut out of the text. */
			snprintf(names[i], sizeof(names[i]), STORE_DIR "/%.32s-x",
				 text + (i * 71) % (LEN - 40));
			if (i % 2)
				names[i][12 + i % 30] = 'y';
			paths[i] = names[i];
		}
		autorefs struct refs *refs = refs_new(paths, N);
		refs_feed(refs, text, 1234);
		refs_feed(refs, text + 1234, LEN - 1234);
		for (size_t i = 0; i < N; i++) {
			char digest[33] = {0};
			bool legal;

			memcpy(digest, path_base(names[i]), 32);
			legal = !strchr(digest, 'e');
			assert_int_equal(refs_found(refs, i),
					 legal && strstr(text, digest));
		}
	}
}

static void nothing_to_find(void **state)
{
	autorefs struct refs *refs = refs_new(NULL, 0);

	(void)state;
	refs_feed(refs, "some text", 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scans_trees),
		cmocka_unit_test(any_portions),
		cmocka_unit_test(agrees_with_search),
		cmocka_unit_test(nothing_to_find),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
