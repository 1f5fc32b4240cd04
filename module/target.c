// SPDX-License-Identifier: MIT
#include "module/target.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "module/elf.h"
#include "module/vermagic.h"

enum { FILE_MAX = 256 << 20 };

/* The directory of a kernel; `inside`: it may come from anybody. */
struct source_dir {
	int fd;
	const char *name;
	bool inside;
};

/* The first of the names that is there: 1 with its bytes, 0 none of them. */
static int read_first(const struct source_dir *d, const char *const *names,
		      struct strbuf *text, const char **file, struct error *err)
{
	for (; *names; names++) {
		autoclose int fd = dir_open_file(d->fd, *names, d->inside);

		if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == EINVAL))
			continue;
		if (fd < 0)
			return error_errno(err, "cannot open %s/%s", d->name, *names);
		if (read_all(fd, FILE_MAX, text, err) < 0)
			return error_wrap(err, "%s/%s", d->name, *names);
		*file = *names;
		return 1;
	}
	return 0;
}

static struct str all_of(const struct strbuf *b)
{
	return (struct str){b->ptr, b->len};
}

static char *line_of(const struct strbuf *b, struct arena *a)
{
	struct str text = all_of(b), line = str_cut(&text, '\n');

	return arena_strndup(a, line.ptr, line.len);
}

static int read_release(struct kernel_target *t, const struct source_dir *d,
			struct arena *a, struct error *err)
{
	static const char *const names[] = {"include/config/kernel.release", "release",
					    NULL};
	autobuf struct strbuf text = STRBUF_INIT;
	const char *file;
	int found = t->release ? 0 : read_first(d, names, &text, &file, err);

	if (found > 0)
		t->release = line_of(&text, a);
	return found;
}

void target_set_vermagic(struct kernel_target *t, struct str text, struct arena *a)
{
	bool ends = text.len && text.ptr[text.len - 1] == ' ';

	t->vermagic = arena_printf(a, "%.*s%s", (int)text.len, text.ptr,
				   ends || vermagic_ends_bare(text) ? "" : " ");
}

static int read_vermagic(struct kernel_target *t, const struct source_dir *d,
			 struct arena *a, struct error *err)
{
	static const char *const names[] = {"vermagic", NULL};
	autobuf struct strbuf text = STRBUF_INIT;
	const char *file;
	int found = t->vermagic ? 0 : read_first(d, names, &text, &file, err);

	if (found > 0)
		target_set_vermagic(t, str_of(line_of(&text, a)), a);
	return found;
}

static int read_config(struct kernel_target *t, const struct source_dir *d,
		       struct arena *a, struct error *err)
{
	static const char *const names[] = {".config", "config", NULL};
	autobuf struct strbuf text = STRBUF_INIT;
	const char *file;
	int found = t->has_config ? 0 : read_first(d, names, &text, &file, err);

	if (found <= 0)
		return found;
	kconfig_read(&t->config, all_of(&text), a);
	t->has_config = true;
	t->config_file = arena_printf(a, "%s/%s", d->name, file);
	return 1;
}

int target_read_symvers(struct kernel_target *t, const char *file, struct str text,
			struct arena *a, struct error *err)
{
	if (symvers_read(&t->symvers, text, a, err) < 0)
		return error_wrap(err, "%s", file);
	/* An empty one is of a kernel that was prepared, not built: it says nothing. */
	if (!t->symvers.n)
		return 0;
	t->has_symvers = true;
	t->symvers_file = arena_strdup(a, file);
	return 1;
}

static int read_symvers(struct kernel_target *t, const struct source_dir *d,
			struct arena *a, struct error *err)
{
	static const char *const names[] = {"Module.symvers", NULL};
	autobuf struct strbuf text = STRBUF_INIT;
	const char *file;
	int found = t->has_symvers ? 0 : read_first(d, names, &text, &file, err);

	if (found <= 0)
		return found;
	autofree char *path = path_join(d->name, file);
	return target_read_symvers(t, path, all_of(&text), a, err);
}

void target_read_exports(struct kernel_target *t, const char *file, struct str text,
			 struct arena *a)
{
	symvers_add_names(&t->symvers, text, a);
	if (t->has_symvers || !t->symvers.n)
		return;
	t->has_symvers = t->only_names = true;
	t->symvers_file = arena_strdup(a, file);
}

/* Names without CRCs: what is there instead of, or beside, an empty Module.symvers. */
static int read_exports(struct kernel_target *t, const struct source_dir *d,
			struct arena *a, struct error *err)
{
	static const char *const names[] = {"exports", NULL};
	autobuf struct strbuf text = STRBUF_INIT;
	const char *file;
	int found = t->has_symvers ? 0 : read_first(d, names, &text, &file, err);

	if (found <= 0)
		return found;
	autofree char *path = path_join(d->name, file);
	target_read_exports(t, path, all_of(&text), a);
	return 1;
}

/* #define NAME "HASH"; the older one belonged to a plugin of gcc. */
static int read_randstruct(struct kernel_target *t, const struct source_dir *d,
			   struct arena *a, struct error *err)
{
	static const char now[] = "include/generated/randstruct_hash.h";
	static const char *const names[] = {
		now, "include/generated/randomize_layout_hash.h", NULL};
	autobuf struct strbuf text = STRBUF_INIT;
	const char *file;
	int found = t->randstruct ? 0 : read_first(d, names, &text, &file, err);

	if (found <= 0)
		return found;
	struct str rest = all_of(&text);
	str_cut(&rest, '"');
	struct str hash = rest.ptr ? str_cut(&rest, '"') : STR("");
	if (hash.len)
		t->randstruct =
			arena_printf(a, "RANDSTRUCT_%s%.*s", file == now ? "" : "PLUGIN_",
				     (int)hash.len, hash.ptr);
	return 0;
}

/*
 * The vmlinux that modules' type information is made with, whole or only that. Its few
 * pages that are needed are mapped: it may have hundreds of megabytes.
 */
static int read_btf(struct kernel_target *t, const struct source_dir *d, struct arena *a,
		    struct error *err)
{
	autoerror struct error ignored = {0}; /* it is not its kernel's fault */
	struct elf_section types;
	struct stat st;
	struct elf e;

	(void)a;
	(void)err;
	if (t->btf_names || !kconfig_is(&t->config, "DEBUG_INFO_BTF_MODULES"))
		return 0;
	autoclose int fd = dir_open_file(d->fd, "vmlinux", d->inside);
	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size <= 0)
		return 0;
	size_t n = (size_t)st.st_size;
	char *bytes = mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return 0;
	if (elf_open(&e, (struct str){bytes, n}, &ignored) == 0 &&
	    elf_find(&e, ".BTF", SHT_NULL, &types, &ignored) > 0)
		btf_names_len(types.data, &t->btf_names);
	munmap(bytes, n);
	return 0;
}

int target_read_at(struct kernel_target *t, int fd, const char *name, bool inside,
		   struct arena *a, struct error *err)
{
	static int (*const readers[])(struct kernel_target *, const struct source_dir *,
				      struct arena *, struct error *) = {
		read_release, read_vermagic,   read_config, read_symvers,
		read_exports, read_randstruct, read_btf,
	};
	const struct source_dir d = {fd, name, inside};
	int any = 0;

	for (size_t i = 0; i < ARRAY_LEN(readers); i++) {
		int found = readers[i](t, &d, a, err);

		if (found < 0)
			return -1;
		any |= found;
	}
	return any;
}

int target_read_dir(struct kernel_target *t, const char *dir, struct arena *a,
		    struct error *err)
{
	autoclose int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (fd < 0)
		return error_errno(err, "cannot open %s", dir);
	return target_read_at(t, fd, dir, false, a, err);
}

void target_of_module(struct kernel_target *t, const struct module *m, struct arena *a)
{
	t->module = m;
	t->machine = m->machine;
	t->vermagic = m->vermagic;
	t->struct_size = m->struct_size;
	if (!m->vermagic)
		return;
	struct str release = vermagic_split(str_of(m->vermagic)).part[VERMAGIC_RELEASE];
	t->release = arena_strndup(a, release.ptr, release.len);
}

void target_complete(struct kernel_target *t, struct arena *a)
{
	autobuf struct strbuf text = STRBUF_INIT;

	if (t->has_config && !t->machine)
		t->machine = machine_of_config(&t->config);
	if (!t->release || t->vermagic || !t->has_config)
		return;
	bool drawn = kconfig_is(&t->config, "RANDSTRUCT") ||
		     kconfig_is(&t->config, "GCC_PLUGIN_RANDSTRUCT");
	t->words_unknown = !vermagic_compose(t->release, &t->config,
					     drawn ? t->randstruct : NULL, &text) ||
			   (drawn && !t->randstruct);
	t->vermagic = arena_strdup(a, text.ptr);
}

void target_finish(struct kernel_target *t)
{
	kconfig_finish(&t->config);
	symvers_finish(&t->symvers);
}
