// SPDX-License-Identifier: MIT
#include "module/target.h"

#include <elf.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "module/elf.h"
#include "module/vermagic.h"

/* The first of the names that is a file in dir; NULL: none. */
static char *first_of(const char *dir, const char *const *names)
{
	for (; *names; names++) {
		autofree char *path = path_join(dir, *names);
		struct stat st;

		if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
			return take_ptr(&path);
	}
	return NULL;
}

static char *line_of(struct str text, struct arena *a)
{
	struct str line = str_cut(&text, '\n');

	return arena_strndup(a, line.ptr, line.len);
}

static int read_release(struct kernel_target *t, const char *dir, struct arena *a,
			struct error *err)
{
	static const char *const names[] = {"include/config/kernel.release", "release",
					    NULL};
	autofree char *file = first_of(dir, names);
	autobuf struct strbuf text = STRBUF_INIT;

	if (!file || t->release)
		return 0;
	if (dir_read(AT_FDCWD, file, &text, err) < 0)
		return -1;
	t->release = line_of((struct str){text.ptr, text.len}, a);
	return 1;
}

static int read_config(struct kernel_target *t, const char *dir, struct arena *a,
		       struct error *err)
{
	static const char *const names[] = {".config", "config", NULL};
	autofree char *file = first_of(dir, names);
	autobuf struct strbuf text = STRBUF_INIT;

	if (!file || t->has_config)
		return 0;
	if (dir_read(AT_FDCWD, file, &text, err) < 0)
		return -1;
	kconfig_read(&t->config, (struct str){text.ptr, text.len}, a);
	t->has_config = true;
	t->config_file = arena_strdup(a, file);
	return 1;
}

int target_read_symvers(struct kernel_target *t, const char *file, struct str text,
			struct arena *a, struct error *err)
{
	if (symvers_read(&t->symvers, text, a, err) < 0)
		return error_wrap(err, "%s", file);
	t->has_symvers = true;
	t->symvers_file = arena_strdup(a, file);
	return 1;
}

static int read_symvers(struct kernel_target *t, const char *dir, struct arena *a,
			struct error *err)
{
	static const char *const names[] = {"Module.symvers", NULL};
	autofree char *file = first_of(dir, names);
	autobuf struct strbuf text = STRBUF_INIT;

	if (!file || t->has_symvers)
		return 0;
	if (dir_read(AT_FDCWD, file, &text, err) < 0)
		return -1;
	return target_read_symvers(t, file, (struct str){text.ptr, text.len}, a, err);
}

/* #define NAME "HASH"; the older one belonged to a plugin of gcc. */
static int read_randstruct(struct kernel_target *t, const char *dir, struct arena *a,
			   struct error *err)
{
	static const char *const now[] = {"include/generated/randstruct_hash.h", NULL};
	static const char *const before[] = {"include/generated/randomize_layout_hash.h",
					     NULL};
	autofree char *file = first_of(dir, now), *old = first_of(dir, before);
	autobuf struct strbuf text = STRBUF_INIT;

	if ((!file && !old) || t->randstruct)
		return 0;
	if (dir_read(AT_FDCWD, file ? file : old, &text, err) < 0)
		return -1;
	struct str rest = {text.ptr, text.len};
	str_cut(&rest, '"');
	struct str hash = rest.ptr ? str_cut(&rest, '"') : STR("");
	if (hash.len)
		t->randstruct =
			arena_printf(a, "RANDSTRUCT_%s%.*s", file ? "" : "PLUGIN_",
				     (int)hash.len, hash.ptr);
	return 0;
}

int target_read_dir(struct kernel_target *t, const char *dir, struct arena *a,
		    struct error *err)
{
	int release = read_release(t, dir, a, err);
	int config = release < 0 ? -1 : read_config(t, dir, a, err);
	int symvers = config < 0 ? -1 : read_symvers(t, dir, a, err);

	if (symvers >= 0 && read_randstruct(t, dir, a, err) < 0)
		return -1;
	return symvers < 0 ? -1 : release || config || symvers;
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

/* --- images ------------------------------------------------------------------------- */

/* The setup header of the x86 boot protocol: the release is a text in it. */
static bool read_bzimage(struct kernel_target *t, struct str file, struct arena *a)
{
	enum { MAGIC = 0x202, VERSION = 0x20e, XLOADFLAGS = 0x236, BASE = 0x200 };

	if (file.len < XLOADFLAGS + 2 || memcmp(file.ptr + MAGIC, "HdrS", 4) != 0)
		return false;
	bool wide = file.ptr[XLOADFLAGS] & 1;
	t->machine = machine_of_elf(wide ? EM_X86_64 : EM_386, wide);
	uint64_t at = elf_number(file.ptr + VERSION, 2);
	struct str text = elf_text(file, BASE + at);
	/* "6.12.107 (user@host) #1 SMP ...", and the release may have blanks */
	const char *end = memmem(text.ptr, text.len, " (", 2);
	if (at && end)
		t->release = arena_strndup(a, text.ptr, (size_t)(end - text.ptr));
	return true;
}

static void find_release(struct kernel_target *t, struct str file, struct arena *a)
{
	static const char banner[] = "Linux version ";
	const size_t n = sizeof(banner) - 1;
	struct str rest = file;

	while (!t->release) {
		const char *found = memmem(rest.ptr, rest.len, banner, n);
		if (!found)
			return;
		rest.len -= (size_t)(found + n - rest.ptr);
		rest.ptr = found + n;
		struct str text = elf_text(rest, 0);
		const char *end = memmem(text.ptr, text.len, " (", 2);
		/* There is a format, too: "Linux version %s ..." */
		if (end && *text.ptr >= '0' && *text.ptr <= '9')
			t->release = arena_strndup(a, text.ptr, (size_t)(end - text.ptr));
	}
}

/* A text that is the release and known words only. */
static void find_vermagic(struct kernel_target *t, struct str file, struct arena *a)
{
	struct str rest = file;
	size_t n = strlen(t->release);

	while (!t->vermagic) {
		const char *found = memmem(rest.ptr, rest.len, t->release, n);
		if (!found)
			return;
		struct str text = elf_text(file, (uint64_t)(found - file.ptr));
		rest.len -= (size_t)(found + 1 - rest.ptr);
		rest.ptr = found + 1;
		if (text.len > n + 1 && text.len < 512 && text.ptr[n] == ' ' &&
		    (found == file.ptr || found[-1] == '\0') &&
		    vermagic_split(text).part[VERMAGIC_RELEASE].len == n)
			t->vermagic = arena_strndup(a, text.ptr, text.len);
	}
}

int target_of_image(struct kernel_target *t, struct str file, struct arena *a)
{
	autoerror struct error ignored = {0};
	struct elf e;

	if (read_bzimage(t, file, a))
		return 1;
	bool arm64 = file.len > 0x3c && !memcmp(file.ptr + 0x38, "ARM\x64", 4);
	if (elf_open(&e, file, &ignored) == 0)
		t->machine = machine_of_elf(e.machine, e.wide);
	else if (arm64)
		t->machine = machine_of_elf(EM_AARCH64, true);
	find_release(t, file, a);
	if (t->release)
		find_vermagic(t, file, a);
	return t->machine || t->release;
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
