// SPDX-License-Identifier: MIT
#include "store/drv.h"

#include "store/path.h"
#include "tests/unit/vectors.h"

/* Reads a text that must be good. */
static struct drv good(struct arena *a, const char *text)
{
	autoerror struct error err = {0};
	struct drv drv;

	assert_done(drv_read(str_of(text), a, &drv, &err), &err);
	return drv;
}

static void assert_text(const struct drv *drv, const char *want)
{
	autobuf struct strbuf text = STRBUF_INIT;

	drv_write(drv, &text);
	assert_string_equal(text.ptr, want);
}

static void round_trips(void **state)
{
	struct arena a = {0};

	(void)state;
	vectors_each("derivations", v)
	{
		const char *text = text_of(v, "aterm");
		struct drv drv = good(&a, text);

		print_message("# %s\n", text_of(v, "attr"));
		assert_text(&drv, text);
		drv_normalise(&drv);
		assert_text(&drv, text);
		assert_string_equal(drv_path(&a, text_of(v, "name"), &drv, str_of(text)),
				    text_of(v, "drv_path"));
		assert_null(drv_get(&drv, "no such variable"));
	}
	arena_finish(&a);
}

static void gets_variables(void **state)
{
	struct arena a = {0};
	struct drv drv =
		good(&a, "Derive([(\"out\",\"\",\"r:sha256\",\"\")],[],[],\"s\",\"b\",[],"
			 "[(\"a\",\"1\"),(\"b\",\"x\\ny\\\\\\\"\\t\\r\"),(\"c\",\"\")])");

	(void)state;
	assert_string_equal(drv_get(&drv, "a"), "1");
	assert_string_equal(drv_get(&drv, "b"), "x\ny\\\"\t\r");
	assert_string_equal(drv_get(&drv, "c"), "");
	arena_finish(&a);
}

static void normalises(void **state)
{
	struct drv_output outputs[] = {{"out", "", "r:sha256", ""},
				       {"dev", "", "r:sha256", ""}};
	const char *some[] = {"out", "debug"}, *one[] = {"out"};
	struct drv_input inputs[] = {{"/b.drv", some, 2}, {"/a.drv", one, 1}};
	const char *srcs[] = {"/z", "/y", "/z", "/y"};
	struct drv_env env[] = {{"b", ""}, {"\xc3\xa4", ""}, {"B", ""}};
	struct drv drv = {
		.outputs = outputs,
		.noutputs = 2,
		.inputs = inputs,
		.ninputs = 2,
		.srcs = srcs,
		.nsrcs = 4,
		.system = "s",
		.builder = "b",
		.env = env,
		.nenv = 3,
	};

	(void)state;
	drv_normalise(&drv);
	assert_text(&drv, "Derive([(\"dev\",\"\",\"r:sha256\",\"\"),(\"out\",\"\",\"r:"
			  "sha256\",\"\")],"
			  "[(\"/a.drv\",[\"out\"]),(\"/b.drv\",[\"debug\",\"out\"])],"
			  "[\"/y\",\"/z\"],\"s\",\"b\",[],"
			  "[(\"B\",\"\"),(\"b\",\"\"),(\"\xc3\xa4\",\"\")])");
}

#define OUT   "[(\"out\",\"\",\"r:sha256\",\"\")]"
#define FRONT "Derive(" OUT ",[],[],\"s\",\"b\",[],"

static void refuses(void **state)
{
	static const char *const bad[] = {
		"",
		"Derive",
		"derive(" OUT ",[],[],\"s\",\"b\",[],[])",
		FRONT "[])\n",
		FRONT "[]) ",
		FRONT "[]",
		FRONT "[(\"a\",\"1\")",
		FRONT "[(\"a\",\"1\")]",
		FRONT "[(\"a\",\"1\"),]"
		      ")",
		FRONT "[,(\"a\",\"1\")])",
		FRONT "[(\"a\")])",
		FRONT "[(\"a\",\"1\",\"2\")])",
		FRONT "[(\"a\",\"1\"), (\"b\",\"2\")])",
		FRONT "[(\"b\",\"1\"),(\"a\",\"2\")])", /* unsorted */
		FRONT "[(\"a\",\"1\"),(\"a\",\"2\")])", /* double */
		FRONT "[(\"a\",\"\\x\")])",             /* unknown escape */
		FRONT "[(\"a\",\"\n\")])",              /* raw newline */
		FRONT "[(\"a\",\"\t\")])",              /* raw tab */
		FRONT "[(\"a\",\"\r\")])",              /* raw return */
		FRONT "[(\"a\",\"\\\")])",              /* unterminated */
		FRONT "[(\"a\",\"1)])",                 /* unterminated */
		FRONT "[(a,\"1\")])",                   /* unquoted */
		"Derive([],[],[],\"s\",\"b\",[],[])",   /* no outputs */
		"Derive([(\"out\",\"\",\"\")],[],[],\"s\",\"b\",[],[])",
		"Derive(" OUT ",[],[\"/b\",\"/a\"],\"s\",\"b\",[],[])",
		"Derive(" OUT ",[],[\"/a\",\"/a\"],\"s\",\"b\",[],[])",
		"Derive(" OUT
		",[(\"/b\",[\"out\"]),(\"/a\",[\"out\"])],[],\"s\",\"b\",[],[])",
		"Derive(" OUT ",[(\"/a\",[\"out\",\"dev\"])],[],\"s\",\"b\",[],[])",
	};
	struct arena a = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		autoerror struct error err = {0};
		struct drv drv;

		print_message("# case %zu\n", i);
		assert_int_equal(drv_read(str_of(bad[i]), &a, &drv, &err), -1);
		assert_int_equal(error_count(&err), 1);
	}
	/* A NUL byte in the middle. */
	autoerror struct error err = {0};
	struct drv drv;
	assert_int_equal(drv_read(STR(FRONT "[(\"a\",\"x\0y\")])"), &a, &drv, &err), -1);
	arena_finish(&a);
}

/* Every beginning of a good text is refused, and none is read beyond its end. */
static void refuses_beginnings(void **state)
{
	(void)state;
	vectors_each("derivations", v)
	{
		const char *text = text_of(v, "aterm");

		for (size_t n = 0; n < strlen(text); n++) {
			autofree char *part = xmalloc(n + 1);
			autoerror struct error err = {0};
			struct arena a = {0};
			struct drv drv;

			memcpy(part, text, n);
			assert_int_equal(drv_read((struct str){part, n}, &a, &drv, &err),
					 -1);
			arena_finish(&a);
		}
	}
}

static void placeholders(void **state)
{
	struct arena a = {0};
	struct json_object *own = vectors_section("placeholders");
	struct json_object *up = vectors_section("upstream_placeholder");

	(void)state;
	json_object_object_foreach(own, output, value) assert_string_equal(
		drv_placeholder(&a, output), json_object_get_string(value));
	assert_string_equal(drv_upstream_placeholder(&a, text_of(up, "drv_path"),
						     text_of(up, "output")),
			    text_of(up, "placeholder"));
	arena_finish(&a);
}

static const char *no_input(void *ctx, const char *drv_path, const char *output)
{
	(void)ctx;
	fail_msg("asked for %s of %s", output, drv_path);
	return NULL;
}

/* Without inputs the resolved rendering is the derivation itself, once its paths are
 * blank. */
static void computes_output_paths(void **state)
{
	struct arena a = {0};
	size_t tried = 0;

	(void)state;
	vectors_each("derivations", v)
	{
		struct drv drv = good(&a, text_of(v, "aterm")), out;
		autoerror struct error err = {0};

		if (drv.ninputs || strcmp(text_of(v, "kind"), "input-addressed") != 0)
			continue;
		for (size_t i = 0; i < drv.noutputs; i++)
			drv.outputs[i].path = "";
		assert_done(drv_resolve(&drv, text_of(v, "name"), no_input, NULL, &a,
					&out, &err),
			    &err);
		assert_text(&out, text_of(v, "aterm"));
		tried++;
	}
	assert_true(tried >= 5);
	arena_finish(&a);
}

static struct json_object *derivation(const char *attr)
{
	vectors_each("derivations",
		     v) if (strcmp(text_of(v, "attr"), attr) == 0) return v;
	fail_msg("no derivation %s", attr);
	return NULL;
}

static const char *one_input(void *ctx, const char *drv_path, const char *output)
{
	const char **known = ctx;

	return strcmp(drv_path, known[0]) == 0 && strcmp(output, known[1]) == 0 ? known[2]
										: NULL;
}

static void resolves(void **state)
{
	struct json_object *v = derivation("floatingMulti");
	struct json_object *want = vectors_section("resolved_input_addressed");
	const char *name = text_of(v, "name");
	const char *known[] = {text_of(derivation("floating"), "drv_path"), "out",
			       "/nix/store/x0k2rf6w2z1wn6hjca61sm63adw1581d-floating"};
	struct arena a = {0};
	struct drv drv = good(&a, text_of(v, "aterm")), out;
	autoerror struct error err = {0}, unknown = {0};

	(void)state;
	assert_done(drv_resolve(&drv, name, one_input, known, &a, &out, &err), &err);
	assert_text(&out, text_of(want, "aterm"));
	assert_string_equal(drv_path(&a, name, &out, str_of(text_of(want, "aterm"))),
			    text_of(want, "drv_path"));
	for (size_t i = 0; i < out.noutputs; i++)
		assert_string_equal(out.outputs[i].path,
				    text_of(field(want, "outputs"), out.outputs[i].name));
	/* What Nix writes for the same thing, see resolved_floating. */
	struct json_object *floating = vectors_section("resolved_floating");
	struct drv nix = good(&a, text_of(floating, "aterm"));
	assert_string_equal(drv_path(&a, name, &nix, str_of(text_of(floating, "aterm"))),
			    text_of(floating, "drv_path"));

	known[1] = "dev";
	assert_int_equal(drv_resolve(&drv, name, one_input, known, &a, &out, &unknown),
			 -1);
	assert_true(error_is_set(&unknown));
	arena_finish(&a);
}

/* The digest of `out` is the realisation key; a result moves to its content address. */
static void readdresses(void **state)
{
	struct json_object *v = vectors_section("readdressing");
	struct arena a = {0};
	struct drv drv = good(&a, text_of(v, "aterm"));
	struct json_object *out = field(field(v, "outputs"), "out");
	unsigned char *nar;
	const char *refs[4];

	(void)state;
	assert_string_equal(drv_path(&a, "kb-ca", &drv, str_of(text_of(v, "aterm"))),
			    text_of(v, "drv_path"));
	assert_int_equal(strncmp(path_base(text_of(out, "ia_path")),
				 text_of(v, "realisation_key"), PATH_DIGEST_LEN),
			 0);
	size_t len = base64_of(out, "ia_nar_base64", &nar);
	struct sha256 h = sha256_of(nar, len);
	size_t n = texts_of(out, "ca_references", refs, ARRAY_LEN(refs));
	assert_string_equal(path_source(&a, &h, refs, n, "kb-ca"),
			    text_of(out, "ca_path"));
	free(nar);
	arena_finish(&a);
}

static void needs_output_variables(void **state)
{
	struct arena a = {0};
	struct drv drv = good(&a, FRONT "[])"), out;
	autoerror struct error err = {0};

	(void)state;
	assert_int_equal(drv_resolve(&drv, "x", no_input, NULL, &a, &out, &err), -1);
	assert_true(error_is_set(&err));
	arena_finish(&a);
}

/*
 * Store scenario 23: a derivation that claims another one's output. Every vector is true
 * to itself; with another's path in its place none of them is.
 */
static void refuses_forged_outputs(void **state)
{
	const char *other = "/nix/store/x0k2rf6w2z1wn6hjca61sm63adw1581d-floating";
	struct arena a = {0};
	size_t own = 0, cannot_tell = 0;

	(void)state;
	vectors_each("derivations", v)
	{
		struct drv drv = good(&a, text_of(v, "aterm"));
		autoerror struct error err = {0}, forged = {0};
		int told = drv_check_outputs(&drv, text_of(v, "name"), &a, &err);

		if (told < 0)
			fail_msg("%s: %s", text_of(v, "name"), err.msg);
		own += told == 1;
		cannot_tell += told == 0;
		drv.outputs[drv.noutputs - 1].path = other;
		if (told == 1)
			assert_int_equal(
				drv_check_outputs(&drv, text_of(v, "name"), &a, &forged),
				-1);
	}
	assert_true(own >= 10);
	assert_true(cannot_tell >= 3);
	arena_finish(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trips),
		cmocka_unit_test(gets_variables),
		cmocka_unit_test(normalises),
		cmocka_unit_test(refuses),
		cmocka_unit_test(refuses_beginnings),
		cmocka_unit_test(placeholders),
		cmocka_unit_test(computes_output_paths),
		cmocka_unit_test(resolves),
		cmocka_unit_test(readdresses),
		cmocka_unit_test(needs_output_variables),
		cmocka_unit_test(refuses_forged_outputs),
	};

	return cmocka_run_group_tests(tests, NULL, vectors_finish);
}
