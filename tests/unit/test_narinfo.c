// SPDX-License-Identifier: MIT
#include "store/narinfo.h"

#include "store/path.h"
#include "tests/unit/vectors.h"

#define HASH  "1inbj7hzi8c24s6lpkhdi80nm51vdzpr1yg60b9q89p8226b3hzj"
#define LEAF  "svx5gskf3a2af38g7v850zfrggyspjym-leaf"
#define PATH  "StorePath: /nix/store/" LEAF "\n"
#define URL   "URL: nar/x.nar\n"
#define SHAPE "NarHash: sha256:" HASH "\nNarSize: 128\n"
#define SIG                                                                              \
	"k:"                                                                             \
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" \
	"AAA"                                                                            \
	"AAAAA=="

/* What only an import can find wrong, or (bzip2) only a download. */
static const char *const wrong_later[] = {
	"no-compression(=bzip2)", "empty-ca",       "wrong-narsize", "wrong-narhash",
	"wrong-filehash",         "wrong-filesize", "other-name"};

static bool right_in_form(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(wrong_later); i++)
		if (strcmp(name, wrong_later[i]) == 0)
			return true;
	return false;
}

static void edge_cases(void **state)
{
	(void)state;
	vectors_each("narinfo_edge_cases", v)
	{
		const char *name = text_of(v, "case");
		bool want = strcmp(text_of(v, "kbuild_expected"), "accept") == 0 ||
			    right_in_form(name);
		autoerror struct error err = {0};
		struct arena a = {0};
		struct narinfo n;

		print_message("# %s\n", name);
		assert_int_equal(
			narinfo_parse(str_of(text_of(v, "narinfo")), &a, &n, &err),
			want ? 0 : -1);
		if (want)
			assert_string_equal(path_name(n.info.path),
					    strcmp(name, "other-name") ? "leaf"
								       : "other");
		arena_finish(&a);
	}
}

static void same_text_again(void **state)
{
	(void)state;
	vectors_each("signing", v)
	{
		autoerror struct error err = {0};
		autobuf struct strbuf out = STRBUF_INIT;
		struct arena a = {0};
		struct narinfo n;

		assert_done(narinfo_parse(str_of(text_of(v, "text")), &a, &n, &err),
			    &err);
		narinfo_write(&n, &out);
		assert_string_equal(out.ptr, text_of(v, "text"));
		assert_int_equal(n.info.nsigs, 1);
		assert_string_equal(n.info.sigs[0], text_of(v, "sig"));
		if (n.info.ca)
			assert_string_equal(path_info_ca_path(&n.info, &a), n.info.path);
		arena_finish(&a);
	}
}

/* --- what a hostile or careless cache might send ---------------------------------- */

struct line {
	const char *text; /* put in front of, or instead of, the plain lines */
	const char *says; /* NULL: fine */
};

static void check_lines(const char *before, const char *after, const struct line *lines,
			size_t n)
{
	for (size_t i = 0; i < n; i++) {
		autofree char *text = xasprintf("%s%s\n%s", before, lines[i].text, after);
		autoerror struct error err = {0};
		struct arena a = {0};
		struct narinfo out;
		int got = narinfo_parse(str_of(text), &a, &out, &err);

		print_message("# row %zu\n", i);
		assert_int_equal(got, lines[i].says ? -1 : 0);
		if (lines[i].says) {
			assert_non_null(err.cause);
			assert_int_equal(err.class, ERROR_INFRA);
			if (!strstr(err.cause->msg, lines[i].says))
				fail_msg("'%s' has no '%s'", err.cause->msg,
					 lines[i].says);
		}
		arena_finish(&a);
	}
}

static void urls(void **state)
{
	static const char says[] = "expected a URL relative to the cache";
	static const struct line lines[] = {
		{"URL: nar/x.nar.zst", NULL},
		{"URL: nar/0a.nar?hash=0b", NULL},
		{"URL: nar/..x/y..", NULL},
		{"URL: a/b:c", NULL},
		{"URL: ", says},
		{"URL: /nar/x", says},
		{"URL: //other.example/x", says},
		{"URL: ?x", says},
		{"URL: ..", says},
		{"URL: nar/../../x", says},
		{"URL: ../x", says},
		{"URL: nar/..", says},
		{"URL: nar/..?x", says},
		{"URL: ./x", says},
		{"URL: nar/%2e%2e/x", says},
		{"URL: nar\\..\\x", says},
		{"URL: http://other.example/x", says},
		{"URL: file:///etc/passwd", says},
		{"URL: x:y", says},
		{"URL: nar/x y", says},
		{"URL: nar/x#y", says},
		{"URL: nar/\xc3\xa4", says},
		{"URL: nar/x\r", "control character"},
		{"URL: nar/x\nURL: nar/y", "a second line URL"},
		{"URL:nar/x", "expected 'Key: value'"},
	};

	(void)state;
	check_lines(PATH, SHAPE, lines, ARRAY_LEN(lines));
}

static void sizes_and_hashes(void **state)
{
	static const struct line lines[] = {
		{"NarHash: sha256:" HASH "\nNarSize: 9223372036854775807", NULL},
		{"NarHash: sha256:" HASH "\nNarSize: 9223372036854775808", "a size"},
		{"NarHash: sha256:" HASH "\nNarSize: 18446744073709551616", "a size"},
		{"NarHash: sha256:" HASH "\nNarSize: 99999999999999999999999", "a size"},
		{"NarHash: sha256:" HASH "\nNarSize: -1", "a size"},
		{"NarHash: sha256:" HASH "\nNarSize: +1", "a size"},
		{"NarHash: sha256:" HASH "\nNarSize: 0x10", "a size"},
		{"NarHash: sha256:" HASH "\nNarSize: 12 ", "a size"},
		{"NarHash: sha256:" HASH "\nNarSize: ", "a size"},
		{"NarHash: sha256:" HASH "\nNarSize: 0", "is zero"},
		{"NarHash: sha256:" HASH, "no line NarSize"},
		{"NarSize: 12", "no line NarHash"},
		{"NarHash: " HASH "\nNarSize: 12", "a SHA-256"},
		{"NarHash: md5:d41d8cd98f00b204e9800998ecf8427e\nNarSize: 12",
		 "a SHA-256"},
		{"NarHash: sha256:\nNarSize: 12", "a SHA-256"},
		{"NarHash: sha256:zz" HASH "\nNarSize: 12", "a SHA-256"},
		{"NarHash: sha256:" HASH "\nNarHash: sha256:" HASH "\nNarSize: 12",
		 "a second line NarHash"},
	};

	(void)state;
	check_lines(PATH URL, "", lines, ARRAY_LEN(lines));
}

static void other_lines(void **state)
{
	static const struct line lines[] = {
		{"Future: anything: at all", NULL},
		{"FileSize: 0", NULL},
		{"FileHash: sha1:x", "a SHA-256"},
		{"FileSize: 1\nFileSize: 1", "a second line FileSize"},
		{"FileSize: x", "a size"},
		{"Compression: br", NULL},
		{"Compression: ../x", "the name of a compression"},
		{"Compression: XZ", "the name of a compression"},
		{"Compression: xz\nCompression: none", "a second line Compression"},
		{"References: " LEAF, NULL},
		{"References: \nReferences: " LEAF, NULL},
		{"References: " LEAF "\nReferences: ", "a second line References"},
		{"References: leaf", "a store path"},
		{"References: /nix/store/" LEAF, "a store path"},
		{"References: ../../etc", "a store path"},
		{"References: svx5gskf3a2af38g7v850zfrggyspjym-a/b", "a store path"},
		{"References: evx5gskf3a2af38g7v850zfrggyspjym-leaf", "a store path"},
		{"Deriver: " LEAF ".drv", NULL},
		{"Deriver: unknown-deriver", NULL},
		{"Deriver: unknown", "a store path"},
		{"Deriver: ../" LEAF, "a store path"},
		{"Deriver: " LEAF "\nDeriver: " LEAF, "a second line Deriver"},
		{"Sig: " SIG "\nSig: other" SIG, NULL},
		{"Sig: k:AAAA", NULL},
		{"Sig: k", "a signature"},
		{"Sig: k:", "a signature"},
		{"Sig: :AAAA", "a signature"},
		{"Sig: a k:AAAA", "a signature"},
		{"Sig: k:AAA", "a signature"},
		{"Sig: k:AA*A", "a signature"},
		{"Sig: k:AB==", "a signature"},
		{"Sig: k:AA=A", "a signature"},
		{"CA: x\nCA: x", "a second line CA"},
		{"", "expected 'Key: value'"},
		{"no colon", "expected 'Key: value'"},
		{": value", "expected 'Key: value'"},
		{"References:", "expected 'Key: value'"},
		{"Future: \x1b[2J", "control character"},
		{"Future: \t", "control character"},
		{PATH, "a second line StorePath"},
	};

	(void)state;
	check_lines(PATH URL, SHAPE, lines, ARRAY_LEN(lines));
}

static void store_paths(void **state)
{
	static const struct line lines[] = {
		{"StorePath: /nix/store/" LEAF, NULL},
		{"StorePath: /gnu/store/" LEAF, "a store path"},
		{"StorePath: " LEAF, "a store path"},
		{"StorePath: /nix/store/" LEAF "/x", "a store path"},
		{"StorePath: /nix/store/../store/" LEAF, "a store path"},
		{"StorePath: /nix/store/svx5gskf3a2af38g7v850zfrggyspjym-..",
		 "a store path"},
		{"StorePath: /nix/store/svx5gskf3a2af38g7v850zfrggyspjy-leaf",
		 "a store path"},
		{"StorePath: ", "a store path"},
	};

	(void)state;
	check_lines("", URL SHAPE, lines, ARRAY_LEN(lines));
}

static int parse(const char *text, size_t n, struct arena *a, struct narinfo *out)
{
	autoerror struct error err = {0};

	return narinfo_parse((struct str){text, n}, a, out, &err);
}

static void whole_texts(void **state)
{
	static const char good[] = PATH URL SHAPE;
	static const char nul[] = PATH "URL: nar/x\0/../..\n" SHAPE;
	struct arena a = {0};
	struct narinfo n;
	char *big = xcalloc(1, NARINFO_MAX + 2);

	(void)state;
	assert_int_equal(parse(good, strlen(good), &a, &n), 0);
	assert_string_equal(n.compression, "bzip2");
	assert_false(n.has_file_hash);
	assert_int_equal(n.file_size, 0);
	assert_int_equal(n.info.nrefs, 0);
	assert_int_equal(parse(nul, sizeof(nul) - 1, &a, &n), -1);
	assert_int_equal(parse("", 0, &a, &n), -1);
	assert_int_equal(parse("\n", 1, &a, &n), -1);
	/* Every beginning of a good one is a bad one. */
	for (size_t i = 0; i < strlen(good); i++)
		assert_int_equal(parse(good, i, &a, &n), -1);
	memset(big, 'x', NARINFO_MAX + 1);
	memcpy(big, good, strlen(good));
	memcpy(big + strlen(good), "Future: ", 8);
	big[NARINFO_MAX - 1] = '\n';
	assert_int_equal(parse(big, NARINFO_MAX, &a, &n), 0);
	big[NARINFO_MAX - 1] = 'x';
	big[NARINFO_MAX] = '\n';
	assert_int_equal(parse(big, NARINFO_MAX + 1, &a, &n), -1);
	free(big);
	arena_finish(&a);
}

static void references_are_a_set(void **state)
{
	static const char text[] = PATH URL SHAPE "References: " LEAF "-2 " LEAF
						  "-10  " LEAF " " LEAF "-2 " LEAF "\n";
	static const char *const want[] = {"/nix/store/" LEAF, "/nix/store/" LEAF "-10",
					   "/nix/store/" LEAF "-2"};
	struct arena a = {0};
	struct narinfo n;

	(void)state;
	assert_int_equal(parse(text, strlen(text), &a, &n), 0);
	assert_int_equal(n.info.nrefs, ARRAY_LEN(want));
	for (size_t i = 0; i < ARRAY_LEN(want); i++)
		assert_string_equal(n.info.refs[i], want[i]);
	arena_finish(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(edge_cases),  cmocka_unit_test(same_text_again),
		cmocka_unit_test(urls),        cmocka_unit_test(sizes_and_hashes),
		cmocka_unit_test(other_lines), cmocka_unit_test(store_paths),
		cmocka_unit_test(whole_texts), cmocka_unit_test(references_are_a_set),
	};

	return cmocka_run_group_tests(tests, NULL, vectors_finish);
}
