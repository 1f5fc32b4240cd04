// SPDX-License-Identifier: MIT
#include "cli/probe_files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/dir.h"

static bool is_dir(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int probe_file(struct probe *p, const char *file, struct error *err)
{
	bool standard = strcmp(file, "-") == 0;
	const char *name = standard ? "standard input" : file;
	autoclose int own = standard ? -1 : open(file, O_RDONLY | O_CLOEXEC);
	autobuf struct strbuf bytes = STRBUF_INIT;

	if (!standard && own < 0) {
		error_errno(err, "cannot open %s", file);
		if (errno == ENOENT || errno == ENOTDIR)
			err->class = ERROR_RECIPE;
		return -1;
	}
	if (read_all(standard ? STDIN_FILENO : own, PROBE_FILE_MAX, &bytes, err) < 0)
		return error_wrap(err, "%s", name);
	return probe_add(p, name, (struct str){bytes.ptr ? bytes.ptr : "", bytes.len},
			 err);
}

/* 1 it was there, 0, -1. */
static int add_if_there(struct probe *p, const char *dir, const char *name,
			struct error *err)
{
	autofree char *path = path_join(dir, name);
	struct stat st;

	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	return probe_file(p, path, err) < 0 ? -1 : 1;
}

static int names_in(const char *dir, struct argv *names, struct error *err)
{
	autoclose int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return error_errno(err, "cannot open %s", dir);
	return dir_names(fd, names, err);
}

/* --- a kernel's tree ------------------------------------------------------------------
 */

static bool is_module(const char *name)
{
	static const char *const ends[] = {".ko", ".ko.gz", ".ko.xz", ".ko.zst"};

	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (str_ends(name, ends[i]))
			return true;
	return false;
}

/* The first module below, in the order of names. 1 there was one, 0, -1. */
static int add_module(struct probe *p, const char *dir, int depth, struct error *err)
{
	enum { DEEPEST = 12 };
	autoargv struct argv names = {0};
	struct stat st;
	int res = 0;

	if (depth > DEEPEST)
		return 0;
	if (names_in(dir, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n && !res; i++) {
		autofree char *path = path_join(dir, names.v[i]);

		if (lstat(path, &st) < 0)
			continue;
		if (S_ISDIR(st.st_mode))
			res = add_module(p, path, depth + 1, err);
		else if (S_ISREG(st.st_mode) && is_module(names.v[i]))
			res = probe_file(p, path, err) < 0 ? -1 : 1;
	}
	return res;
}

/* 1 there was something, 0, -1. */
static int add_tree(struct probe *p, const char *dir, struct error *err)
{
	static const char *const files[][3] = {
		{"include/config/kernel.release", "release", NULL},
		{".config", "config", NULL},
		{"Module.symvers", "symvers.gz", NULL},
	};
	int any = 0;

	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		for (size_t k = 0; files[i][k]; k++) {
			int res = add_if_there(p, dir, files[i][k], err);
			if (res < 0)
				return -1;
			any |= res;
			if (res)
				break;
		}
	return any;
}

/* DIR/modules.* and DIR/kernel: its name is the release. */
static int add_modules(struct probe *p, const char *dir, struct error *err)
{
	static const char *const marks[] = {"modules.dep", "modules.builtin",
					    "modules.order"};
	autofree char *real = path_absolute(dir), *kernel = path_join(dir, "kernel");
	bool found = false;

	for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
		autofree char *path = path_join(dir, marks[i]);
		found |= access(path, F_OK) == 0;
	}
	if (!found || !is_dir(kernel) || !real)
		return 0;
	if (probe_say(p, FACT_RELEASE, str_of(strrchr(real, '/') + 1), dir, 0, err) < 0)
		return -1;
	return add_module(p, kernel, 0, err) < 0 ? -1 : 1;
}

/* --- /boot ----------------------------------------------------------------------------
 */

static const char *const boot_files[] = {"config-", "System.map-", "vmlinuz-",
					 "symvers-"};

/* The one release that the names end in. */
static int choose_release(struct probe *p, const char *dir, const struct argv *names,
			  const char **out, struct error *err)
{
	autoargv struct argv releases = {0};
	autobuf struct strbuf all = STRBUF_INIT;

	for (size_t i = 0; i < names->n; i++)
		if (str_starts(names->v[i], boot_files[0]))
			argv_push(&releases, names->v[i] + strlen(boot_files[0]));
	*out = p->facts[FACT_RELEASE].text.ptr;
	if (*out || !releases.n)
		return 0;
	*out = arena_strdup(p->a, releases.v[0]);
	if (releases.n == 1)
		return 0;
	for (size_t i = 0; i < releases.n; i++)
		strbuf_printf(&all, "%s%s", i ? ", " : "", releases.v[i]);
	error_class(err, ERROR_RECIPE, "%s has several kernels: %s", dir, all.ptr);
	return error_hint(err, "--release %s, or a file with its `uname -a`", *out);
}

static int add_boot(struct probe *p, const char *dir, struct error *err)
{
	autoargv struct argv names = {0};
	const char *release;
	int any = 0;

	if (names_in(dir, &names, err) < 0 ||
	    choose_release(p, dir, &names, &release, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n && release; i++)
		for (size_t k = 0; k < ARRAY_LEN(boot_files); k++) {
			const char *rest = names.v[i] + strlen(boot_files[k]);

			if (!str_starts(names.v[i], boot_files[k]) ||
			    !str_starts(rest, release) ||
			    (strcmp(rest + strlen(release), "") != 0 &&
			     strcmp(rest + strlen(release), ".gz") != 0 &&
			     strcmp(rest + strlen(release), ".xz") != 0))
				continue;
			if (!any &&
			    probe_say(p, FACT_RELEASE, str_of(release), dir, 0, err) < 0)
				return -1;
			if (add_if_there(p, dir, names.v[i], err) < 0)
				return -1;
			any = 1;
		}
	return any;
}

/* --- all ------------------------------------------------------------------------------
 */

int probe_dir(struct probe *p, const char *dir, struct error *err)
{
	autofree char *build = path_join(dir, "build");
	int modules = add_modules(p, dir, err);
	int tree = modules < 0 ? -1 : add_tree(p, dir, err);
	int built = tree < 0 || !is_dir(build) ? tree : add_tree(p, build, err);
	int boot = built < 0 ? -1 : add_boot(p, dir, err);

	if (boot < 0)
		return -1;
	if (modules || tree || built || boot)
		return 0;
	error_class(err, ERROR_RECIPE,
		    "%s: expected a kernel's headers, /lib/modules/RELEASE or /boot",
		    dir);
	return error_hint(err, "give the files themselves: --file %s/*", dir);
}

int probe_words(struct probe *p, char **words, size_t n, struct error *err)
{
	for (size_t i = 0; i < n; i++)
		if (!is_dir(words[i]) && probe_file(p, words[i], err) < 0)
			return -1;
	for (size_t i = 0; i < n; i++)
		if (is_dir(words[i]) && probe_dir(p, words[i], err) < 0)
			return -1;
	return 0;
}
