// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "cli/cmd.h"
#include "cli/module_report.h"
#include "module/image.h"
#include "module/unpack.h"
#include "store/drv.h"
#include "store/path.h"

enum { FILE_MAX = 1 << 30 };

struct inspecting {
	struct cli *cli;
	struct arena *a;
	struct kernel_target target;
	struct strbuf other; /* the module it is compared with */
	struct module reference;
};

static int read_file(const char *file, struct strbuf *out, struct error *err)
{
	autoclose int fd = open(file, O_RDONLY | O_CLOEXEC);
	autobuf struct strbuf raw = STRBUF_INIT;

	if (fd < 0) {
		error_errno(err, "cannot open %s", file);
		if (errno == ENOENT || errno == ENOTDIR)
			err->class = ERROR_RECIPE;
		return -1;
	}
	if (read_all(fd, FILE_MAX, &raw, err) < 0)
		return error_wrap(err, "%s", file);
	if (unpack((struct str){raw.ptr ? raw.ptr : "", raw.len}, FILE_MAX, out, err) < 0)
		return error_wrap(err, "%s", file);
	strbuf_adds(out, "");
	return 0;
}

static struct str all_of(const struct strbuf *b)
{
	return (struct str){b->ptr, b->len};
}

/* --- the kernel --------------------------------------------------------------------- */

/* What the same build put into its output `dev`, of which a result/ link knows nothing.
 */
static int add_dev(struct inspecting *x, struct store *st, const char *path,
		   struct error *err)
{
	autobuf struct strbuf text = STRBUF_INIT;
	struct path_info info;
	struct drv drv;
	int found = store_info(st, path, x->a, &info, err);

	if (found <= 0 || !info.deriver)
		return found < 0 ? -1 : 0;
	autofree char *file = store_physical(st, info.deriver);
	if (access(file, R_OK) < 0)
		return 0;
	if (dir_read(AT_FDCWD, file, &text, err) < 0 ||
	    drv_read(all_of(&text), x->a, &drv, err) < 0)
		return -1;
	for (size_t i = 0; i < drv.noutputs; i++) {
		const char *at;

		if (strcmp(drv.outputs[i].name, "dev") != 0)
			continue;
		found = store_realisation(st, drv.outputs[i].path, x->a, &info, &at, err);
		if (found <= 0)
			return found;
		autofree char *dev = store_physical(st, at);
		return target_read_dir(&x->target, dev, x->a, err);
	}
	return 0;
}

/* A directory that is a store object: its root is what comes before the store's name. */
static int add_siblings(struct inspecting *x, const char *dir, struct error *err)
{
	autofree char *real = path_absolute(dir);
	char *at = real ? strstr(real, STORE_DIR "/") : NULL;
	autostore struct store *st = NULL;

	if (!at || strchr(at + PATH_PREFIX_LEN, '/'))
		return 0;
	const char *path = arena_strdup(x->a, at);
	*at = '\0';
	if (!x->cli->root)
		x->cli->root = arena_strdup(x->a, real);
	if (cli_open_store(x->cli, STORE_READ, &st, err) < 0)
		return -1;
	return add_dev(x, st, path, err);
}

static int against_dir(struct inspecting *x, const char *dir, struct error *err)
{
	int found = target_read_dir(&x->target, dir, x->a, err);

	if (found == 0) {
		autofree char *build = path_join(dir, "build");
		found = target_read_dir(&x->target, build, x->a, err);
	}
	int more = found < 0 ? -1 : add_siblings(x, dir, err);
	if (more < 0 || found || more)
		return more < 0 ? -1 : 0;
	error_class(
		err, ERROR_RECIPE,
		"expected include/config/kernel.release, .config or Module.symvers in %s",
		dir);
	return error_hint(err, "give a kernel's build directory or its headers");
}

static int against_recipe(struct inspecting *x, const char *recipe, struct error *err)
{
	const char *slash = strrchr(recipe, '/');
	int n = slash ? (int)(slash - recipe) + 1 : 0;
	const char *link = arena_printf(x->a, "%.*sresult/kernel", n, recipe);

	if (access(link, F_OK) == 0)
		return against_dir(x, link, err);
	error_class(err, ERROR_RECIPE,
		    "the kernel of %s was not realized: there is no %s", recipe, link);
	return error_hint(err, "kbuild realize %s#kernel", recipe);
}

static int against_file(struct inspecting *x, const char *file, struct error *err)
{
	enum { TYPE = 16, RELOCATABLE = 1 };
	struct strbuf *b = &x->other;

	if (read_file(file, b, err) < 0)
		return -1;
	if (b->len > TYPE && !memcmp(b->ptr, "\177ELF", 4) &&
	    b->ptr[TYPE] == RELOCATABLE) {
		if (module_read(all_of(b), x->a, &x->reference, err) < 0)
			return error_wrap(err, "%s", file);
		target_of_module(&x->target, &x->reference, x->a);
		return 0;
	}
	if (target_of_image(&x->target, file, all_of(b), x->a))
		return 0;
	error_class(err, ERROR_RECIPE,
		    "%s: expected a kernel: a directory, an image, a "
		    "module, Module.symvers or a recipe",
		    file);
	return error_hint(err, "kbuild inspect --help");
}

static int read_target(struct inspecting *x, const char *against, struct error *err)
{
	struct stat st;

	if (stat(against, &st) < 0) {
		error_class(err, ERROR_RECIPE, "cannot find %s", against);
		return error_hint(err, "kbuild inspect --help");
	}
	if (S_ISDIR(st.st_mode))
		return against_dir(x, against, err);
	if (str_ends(against, ".yaml") || str_ends(against, ".yml"))
		return against_recipe(x, against, err);
	if (str_ends(against, "Module.symvers")) {
		char *dir = arena_strdup(x->a, against);
		char *slash = strrchr(dir, '/');
		if (slash)
			*slash = '\0';
		return against_dir(x, slash ? (*dir ? dir : "/") : ".", err);
	}
	return against_file(x, against, err);
}

/* --- the command -------------------------------------------------------------------- */

static void print(struct cli *cli, const char *file, const char *against,
		  const struct module *m, const struct inspecting *x,
		  const struct verdict *v)
{
	autobuf struct strbuf out = STRBUF_INIT;

	if (cli->json) {
		struct json_object *o = json_object_new_object();

		json_add(o, "file", file);
		json_object_object_add(o, "module", json_of_module(m));
		if (against)
			json_object_object_add(o, "verdict",
					       json_of_verdict(&x->target, v));
		cli_print_json(o);
		return;
	}
	if (!against || !cli->quiet)
		report_module(file, m, &out);
	if (against)
		report_verdict(against, m, &x->target, v, &out);
	fwrite(out.ptr, 1, out.len, stdout);
}

int cmd_inspect(struct cli *cli, int argc, char **argv, struct error *err)
{
	const char *against = NULL, *release = NULL;
	const struct cli_opt opts[] = {
		{"against", .text = &against, .arg = "KERNEL",
		 .help = "would this kernel load it?"},
		{"release", .text = &release, .arg = "TEXT",
		 .help = "the kernel's release, where KERNEL does not say it"},
		{0},
	};
	autobuf struct strbuf file = STRBUF_INIT;
	struct inspecting x = {.cli = cli, .a = &cli->arena};
	struct verdict v = {0};
	struct module m;

	if (cli_parse(cli, opts, &argc, argv, err) < 0)
		return -1;
	if (argc != 1)
		return cli_usage(cli, err, "expected one module, as in hello.ko");
	if (read_file(argv[0], &file, err) < 0)
		return -1;
	if (module_read(all_of(&file), &cli->arena, &m, err) < 0)
		return error_wrap(err, "%s", argv[0]);
	x.target.release = release;
	int res = against ? read_target(&x, against, err) : 0;
	if (res == 0 && against) {
		target_complete(&x.target, &cli->arena);
		verdict_make(&m, &x.target, &cli->arena, &v);
	}
	if (res == 0)
		print(cli, argv[0], against, &m, &x, &v);
	target_finish(&x.target);
	strbuf_finish(&x.other);
	if (res < 0)
		return -1;
	return v.outcome == OUTCOME_REFUSED ? EXIT_INCOMPATIBLE : EXIT_DONE;
}
