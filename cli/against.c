// SPDX-License-Identifier: MIT
#include "cli/against.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "evaluator/target_file.h"
#include "module/btf.h"
#include "module/image.h"
#include "module/unpack.h"
#include "store/drv.h"
#include "store/path.h"

enum { FILE_MAX = 1 << 30 };

int against_read_file(const char *file, struct strbuf *out, struct error *err)
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

/* The first module of a tree; NULL: none. */
static char *first_module(const char *dir)
{
	autoclose int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoerror struct error ignored = {0};
	autoargv struct argv names = {0};
	char *found = NULL;

	if (fd < 0 || dir_names(fd, &names, &ignored) < 0)
		return NULL;
	for (size_t i = 0; i < names.n && !found; i++) {
		autofree char *path = path_join(dir, names.v[i]);
		struct stat st;

		if (lstat(path, &st) < 0)
			continue;
		if (S_ISDIR(st.st_mode))
			found = first_module(path);
		else if (strstr(names.v[i], ".ko"))
			found = xstrdup(path);
	}
	return found;
}

/* How large struct module is, its own modules tell and nothing else. */
static void add_struct_size(struct against *x, const char *dir)
{
	autofree char *file = x->target.struct_size ? NULL : first_module(dir);
	autobuf struct strbuf bytes = STRBUF_INIT;
	autoerror struct error ignored = {0};
	struct module m;

	if (file && against_read_file(file, &bytes, &ignored) == 0 &&
	    module_read(all_of(&bytes), &x->cli->arena, &m, &ignored) == 0)
		x->target.struct_size = m.struct_size;
}

/* The physical path of output i of a derivation; NULL: it is not there, or err. */
static char *output_path(struct against *x, struct store *st, const struct drv *drv,
			 size_t i, struct error *err)
{
	struct path_info info;
	const char *at;
	int found = store_realisation(st, drv->outputs[i].path, &x->cli->arena, &info,
				      &at, err);

	return found > 0 ? store_physical(st, at) : NULL;
}

/* What the same build put into its other outputs, of which a result/ link knows nothing.
 */
static int add_outputs(struct against *x, struct store *st, const char *path,
		       struct error *err)
{
	autobuf struct strbuf text = STRBUF_INIT;
	struct path_info info;
	struct drv drv;
	int found = store_info(st, path, &x->cli->arena, &info, err), any = 0;

	if (found <= 0 || !info.deriver)
		return found < 0 ? -1 : 0;
	autofree char *file = store_physical(st, info.deriver);
	if (access(file, R_OK) < 0)
		return 0;
	if (dir_read(AT_FDCWD, file, &text, err) < 0 ||
	    drv_read(all_of(&text), &x->cli->arena, &drv, err) < 0)
		return -1;
	for (size_t i = 0; i < drv.noutputs && any >= 0; i++) {
		bool dev = strcmp(drv.outputs[i].name, "dev") == 0;

		if (!dev && strcmp(drv.outputs[i].name, "modules") != 0)
			continue;
		autofree char *dir = output_path(x, st, &drv, i, err);
		if (!dir)
			continue;
		if (dev)
			any = target_read_dir(&x->target, dir, &x->cli->arena, err);
		else
			add_struct_size(x, dir);
	}
	return error_is_set(err) ? -1 : any;
}

/* A directory that is a store object: its root is what comes before the store's name. */
static int add_siblings(struct against *x, const char *dir, struct error *err)
{
	autofree char *real = path_absolute(dir);
	char *at = real ? strstr(real, STORE_DIR "/") : NULL;
	autostore struct store *st = NULL;

	if (!at || strchr(at + PATH_PREFIX_LEN, '/'))
		return 0;
	const char *path = arena_strdup(&x->cli->arena, at);
	*at = '\0';
	if (!x->cli->root)
		x->cli->root = arena_strdup(&x->cli->arena, real);
	if (cli_open_store(x->cli, STORE_READ, &st, err) < 0)
		return -1;
	return add_outputs(x, st, path, err);
}

static int against_dir(struct against *x, const char *dir, struct error *err)
{
	int found = target_read_dir(&x->target, dir, &x->cli->arena, err);

	if (found == 0) {
		autofree char *build = path_join(dir, "build");
		found = target_read_dir(&x->target, build, &x->cli->arena, err);
	}
	autofree char *modules = path_join(dir, "kernel");
	add_struct_size(x, modules);
	int more = found < 0 ? -1 : add_siblings(x, dir, err);
	if (more < 0 || found || more)
		return more < 0 ? -1 : 0;
	error_class(
		err, ERROR_RECIPE,
		"expected include/config/kernel.release, .config or Module.symvers in %s",
		dir);
	return error_hint(err, "give a kernel's build directory or its headers");
}

static int against_recipe(struct against *x, const char *recipe, struct error *err)
{
	const char *slash = strrchr(recipe, '/');
	int n = slash ? (int)(slash - recipe) + 1 : 0;
	const char *link = arena_printf(&x->cli->arena, "%.*sresult/kernel", n, recipe);

	if (access(link, F_OK) == 0)
		return against_dir(x, link, err);
	error_class(err, ERROR_RECIPE,
		    "the kernel of %s was not realized: there is no %s", recipe, link);
	return error_hint(err, "kbuild realize %s#kernel", recipe);
}

/* --- a machine that somebody wrote down --------------------------------------------- */

/* The bytes of a file that the target names, whatever it is packed with. */
static int read_named(const char *file, struct strbuf *out, struct error *err)
{
	return file ? against_read_file(file, out, err) : 0;
}

static const struct machine *machine_of(const struct arch *arch)
{
	static const struct {
		const char *arch, *machine;
	} names[] = {{"armhf", "arm"}};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(arch->name, names[i].arch) == 0)
			return machine_named(names[i].machine);
	return machine_named(arch->name);
}

static int against_target(struct against *x, const char *name, struct error *err)
{
	autobuf struct strbuf config = STRBUF_INIT, symvers = STRBUF_INIT;
	autobuf struct strbuf exports = STRBUF_INIT, btf = STRBUF_INIT;
	struct arena *a = &x->cli->arena;
	struct kernel_target *t = &x->target;
	const struct target_file *f = target_file_read(name, name, a, err);

	if (!f || read_named(f->config, &config, err) < 0 ||
	    read_named(f->symvers, &symvers, err) < 0 ||
	    read_named(f->exports, &exports, err) < 0 ||
	    read_named(f->btf, &btf, err) < 0)
		return -1;
	t->release = t->release ? t->release : f->release;
	t->machine = machine_of(f->arch);
	t->sig_enforce = f->sig_enforce && *f->sig_enforce == 'y';
	if (f->vermagic)
		target_set_vermagic(t, str_of(f->vermagic), a);
	if (f->config) {
		kconfig_read(&t->config, all_of(&config), a);
		t->has_config = true;
		t->config_file = f->config;
	}
	if (f->symvers &&
	    target_read_symvers(t, f->symvers, all_of(&symvers), a, err) < 0)
		return -1;
	if (f->exports)
		target_read_exports(t, f->exports, all_of(&exports), a);
	if (f->btf && !btf_names_len(all_of(&btf), &t->btf_names))
		return error_class(err, ERROR_RECIPE,
				   "%s: expected /sys/kernel/btf/vmlinux", f->btf);
	return 0;
}

/* A recipe has `kbuild:`, such a file `target:`, both at the beginning of a line. */
static int against_yaml(struct against *x, const char *name, struct error *err)
{
	autobuf struct strbuf text = STRBUF_INIT;

	if (against_read_file(name, &text, err) < 0)
		return -1;
	bool is_target = str_starts(text.ptr, "target:") || strstr(text.ptr, "\ntarget:");

	return is_target ? against_target(x, name, err) : against_recipe(x, name, err);
}

/* --- any of them -------------------------------------------------------------------- */

static int against_file(struct against *x, const char *file, struct error *err)
{
	enum { TYPE = 16, RELOCATABLE = 1 };
	struct strbuf *b = &x->other;

	if (against_read_file(file, b, err) < 0)
		return -1;
	if (b->len > TYPE && !memcmp(b->ptr, "\177ELF", 4) &&
	    b->ptr[TYPE] == RELOCATABLE) {
		if (module_read(all_of(b), &x->cli->arena, &x->reference, err) < 0)
			return error_wrap(err, "%s", file);
		target_of_module(&x->target, &x->reference, &x->cli->arena);
		return 0;
	}
	if (target_of_image(&x->target, file, all_of(b), &x->cli->arena))
		return 0;
	error_class(err, ERROR_RECIPE,
		    "%s: expected a kernel: a directory, an image, a "
		    "module, Module.symvers, a recipe or a target file",
		    file);
	return error_hint(err, "kbuild inspect --help");
}

static int read_target(struct against *x, const char *against, struct error *err)
{
	struct stat st;

	if (stat(against, &st) < 0) {
		error_class(err, ERROR_RECIPE, "cannot find %s", against);
		return error_hint(err, "kbuild inspect --help");
	}
	if (S_ISDIR(st.st_mode))
		return against_dir(x, against, err);
	if (str_ends(against, ".yaml") || str_ends(against, ".yml"))
		return against_yaml(x, against, err);
	if (str_ends(against, "Module.symvers")) {
		char *dir = arena_strdup(&x->cli->arena, against);
		char *slash = strrchr(dir, '/');
		if (slash)
			*slash = '\0';
		return against_dir(x, slash ? (*dir ? dir : "/") : ".", err);
	}
	return against_file(x, against, err);
}

int against_read(struct against *x, const char *word, struct error *err)
{
	if (read_target(x, word, err) < 0)
		return -1;
	target_complete(&x->target, &x->cli->arena);
	return 0;
}

void against_finish(struct against *x)
{
	target_finish(&x->target);
	strbuf_finish(&x->other);
}
