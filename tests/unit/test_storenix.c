// SPDX-License-Identifier: MIT
/*
 * A store with derivations, references and realisations, shown to the Nix of this
 * machine: it must read all of it as its own. Without Nix there is nobody to ask, which
 * is said.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "store/drv.h"
#include "store/path.h"
#include "store/store.h"
#include "store/verify.h"
#include "tests/unit/vectors.h"

struct fix {
	char *dir, *root;
	struct store *st;
	struct arena a;
	struct error err;
	struct path_info info; /* of the record that was looked up last */
	const char *hello, *floating, *output, *resolved;
};

static const char *no_input(void *ctx, const char *drv_path, const char *output)
{
	fail_msg("asked for %s of %s (%p)", output, drv_path, ctx);
	return NULL;
}

static const char *add_drv(struct fix *f, const char *name, const struct drv *drv)
{
	autobuf struct strbuf text = STRBUF_INIT;
	char *file = arena_printf(&f->a, "%s.drv", name);
	const char *path;

	drv_write(drv, &text);
	assert_done(store_add_text(f->st, file, (struct str){text.ptr, text.len},
				   drv->srcs, drv->nsrcs, &f->a, &path, &f->err),
		    &f->err);
	assert_string_equal(path,
			    drv_path(&f->a, name, drv, (struct str){text.ptr, text.len}));
	return path;
}

/* The life of one step: floating derivation, resolved one, output, realisation. */
static void build_one(struct fix *f)
{
	static const char script[] = "say \"$out\" with \\ and\ttab\nand newline";
	const char *srcs[] = {f->hello}, *args[] = {"-c", script};
	struct drv_output outputs[] = {{"out", "", "r:sha256", ""}};
	struct drv_env env[] = {
		{"builder", "/bin/sh"},
		{"name", "step"},
		{"out", drv_placeholder(&f->a, "out")},
		{"system", "x86_64-linux"},
	};
	struct drv drv = {
		.outputs = outputs,
		.noutputs = 1,
		.srcs = srcs,
		.nsrcs = 1,
		.system = "x86_64-linux",
		.builder = "/bin/sh",
		.args = args,
		.nargs = 2,
		.env = env,
		.nenv = ARRAY_LEN(env),
	};
	struct drv resolved;
	struct path_info info;

	f->floating = add_drv(f, "step", &drv);
	assert_done(drv_resolve(&drv, "step", no_input, NULL, &f->a, &resolved, &f->err),
		    &f->err);
	f->resolved = add_drv(f, "step", &resolved);

	autofree char *tree = path_join(store_scratch_dir(f->st), "tree");
	autofree char *link = path_join(tree, "link");
	assert_int_equal(mkdir(tree, 0755), 0);
	assert_int_equal(symlink(f->hello, link), 0);
	const struct store_take take = {
		.physical = tree,
		.name = "step",
		.candidates = &f->hello,
		.ncandidates = 1,
		.deriver = f->resolved,
		.owner = geteuid(),
		.ultimate = true,
	};
	assert_done(store_take(f->st, &take, &f->a, &info, &f->err), &f->err);
	f->output = info.path;
	const struct realisation r = {resolved.outputs[0].path, info.path};
	assert_done(store_record(f->st, &r, 1, f->resolved, NULL, 0, &f->err), &f->err);
}

static int setup(void **state)
{
	struct fix *f = xcalloc(1, sizeof(*f));
	const char *path;

	umask(022);
	f->dir = fresh_dir();
	f->root = path_join(f->dir, "root");
	autofree char *conf = path_join(f->dir, "nix.conf");
	static const char text[] =
		"build-users-group =\nexperimental-features = nix-command\n";
	assert_done(dir_write(AT_FDCWD, conf, text, strlen(text), 0644, false, &f->err),
		    &f->err);
	setenv("NIX_CONF_DIR", f->dir, 1);
	unsetenv("NIX_REMOTE");
	assert_done(store_open(f->root, STORE_WRITE, &f->st, &f->err), &f->err);
	assert_done(store_add_text(f->st, "hello.txt", STR("hello\n"), NULL, 0, &f->a,
				   &path, &f->err),
		    &f->err);
	f->hello = path;
	build_one(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fix *f = *state;

	store_close(f->st);
	arena_finish(&f->a);
	free(f->root);
	drop_dir(f->dir);
	free(f);
	return 0;
}

/* What `PROGRAM --store ROOT ARGS` prints; false if there is no such program. */
static bool ask(struct fix *f, struct strbuf *out, const char *program, const char *verb,
		const char *a, const char *b)
{
	autoargv struct argv argv = {0};
	autoerror struct error err = {0};

	argv_push(&argv, program);
	if (strcmp(program, "nix") == 0)
		argv_push(&argv, verb);
	argv_pushl(&argv, "--store", f->root, NULL);
	if (strcmp(program, "nix") != 0)
		argv_push(&argv, verb);
	argv_push(&argv, a);
	if (b)
		argv_push(&argv, b);
	strbuf_reset(out);
	int code = child_output(&(struct child){.argv = &argv}, out, &err);
	if (code < 0) {
		print_message("# NOT TESTED, there is no %s here: %s\n", program,
			      err.msg);
		return false;
	}
	print_message("# %s %s %s\n", program, verb, a);
	assert_int_equal(code, 0);
	while (out->len && out->ptr[out->len - 1] == '\n')
		out->ptr[--out->len] = '\0';
	return true;
}

static void nix_verifies(void **state)
{
	autobuf struct strbuf out = STRBUF_INIT;

	ask(*state, &out, "nix-store", "--verify", "--check-contents", NULL);
}

static void nix_follows_references(void **state)
{
	struct fix *f = *state;
	autobuf struct strbuf out = STRBUF_INIT;

	if (!ask(f, &out, "nix-store", "-q", "--references", f->output))
		return;
	assert_string_equal(out.ptr, f->hello);
	ask(f, &out, "nix-store", "-q", "--referrers", f->hello);
	assert_non_null(strstr(out.ptr, f->output));
	assert_non_null(strstr(out.ptr, f->floating));
	assert_non_null(strstr(out.ptr, f->resolved));
	ask(f, &out, "nix-store", "-q", "--deriver", f->output);
	assert_string_equal(out.ptr, f->resolved);
	ask(f, &out, "nix-store", "-q", "--tree", f->output);
	assert_int_equal(strncmp(out.ptr, f->output, strlen(f->output)), 0);
	assert_non_null(strstr(out.ptr, f->hello));
}

/* The resolved derivation's output is known to Nix, and there: the realisation. */
static void nix_knows_the_output(void **state)
{
	struct fix *f = *state;
	autobuf struct strbuf out = STRBUF_INIT;
	const char *path;

	if (!ask(f, &out, "nix-store", "-q", "--outputs", f->resolved))
		return;
	assert_int_equal(
		store_realisation(f->st, out.ptr, &f->a, &f->info, &path, &f->err), 1);
	assert_string_equal(path, f->output);
	autofree char *key = xstrdup(out.ptr);
	ask(f, &out, "nix-store", "-q", "--references", key);
	assert_string_equal(out.ptr, f->output);
	ask(f, &out, "nix-store", "--realise", f->resolved, NULL);
	assert_string_equal(out.ptr, key);
}

static void nix_reads_derivations(void **state)
{
	struct fix *f = *state;
	autobuf struct strbuf out = STRBUF_INIT;

	if (!ask(f, &out, "nix", "show-derivation", f->resolved, NULL))
		return;
	struct json_object *all = json_tokener_parse(out.ptr), *drv;
	assert_non_null(all);
	assert_true(json_object_object_get_ex(all, f->resolved, &drv));
	struct json_object *args = field(drv, "args");
	assert_string_equal(json_object_get_string(json_object_array_get_idx(args, 1)),
			    "say \"$out\" with \\ and\ttab\nand newline");
	assert_string_equal(text_of(field(drv, "env"), "name"), "step");
	json_object_put(all);
}

/* Nix's collector spares what this process uses, and afterwards what has a root. */
static void nix_collects_garbage(void **state)
{
	struct fix *f = *state;
	autobuf struct strbuf out = STRBUF_INIT;
	const struct store_root root = {"step", f->output};
	const struct store_group group = {
		.name = "recipe", .place = f->dir, .roots = &root, .nroots = 1};
	const char *loose;

	assert_done(store_group_set(f->st, &group, &f->err), &f->err);
	assert_done(store_add_text(f->st, "loose", STR("loose"), NULL, 0, &f->a, &loose,
				   &f->err),
		    &f->err);
	if (!ask(f, &out, "nix-store", "--gc", "--print-roots", NULL))
		return;
	assert_non_null(strstr(out.ptr, "gcroots/kbuild/recipe/step"));
	ask(f, &out, "nix-store", "--gc", "--quiet", NULL);
	assert_int_equal(store_find(f->st, loose, &f->err), 1);
	assert_int_equal(store_find(f->st, f->resolved, &f->err), 1);

	store_close(f->st);
	assert_done(store_open(f->root, STORE_WRITE, &f->st, &f->err), &f->err);
	ask(f, &out, "nix-store", "--gc", "--quiet", NULL);
	assert_int_equal(store_find(f->st, loose, &f->err), 0);
	assert_int_equal(store_find(f->st, f->output, &f->err), 1);
	assert_int_equal(store_find(f->st, f->hello, &f->err), 1);
	const struct verify_options thorough = {.contents = true};
	struct verify_report report;
	assert_done(store_verify(f->st, &thorough, &f->a, &report, &f->err), &f->err);
	assert_int_equal(report.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nix_verifies),
		cmocka_unit_test(nix_follows_references),
		cmocka_unit_test(nix_knows_the_output),
		cmocka_unit_test(nix_reads_derivations),
		cmocka_unit_test(nix_collects_garbage),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
