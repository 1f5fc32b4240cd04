// SPDX-License-Identifier: MIT
/* What a saved file is, and what it says. */
#include <elf.h>

#include "base/argv.h"
#include "module/ikconfig.h"
#include "module/image.h"
#include "module/probe.h"
#include "module/symvers.h"
#include "module/unpack.h"

/* Saved by way of other systems. */
static struct str without_cr(struct probe *p, struct str text)
{
	size_t n = 0;

	if (!memchr(text.ptr, '\r', text.len))
		return text;
	char *to = arena_alloc(p->a, text.len + 1, 1);
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] != '\r' || i + 1 == text.len || text.ptr[i + 1] != '\n')
			to[n++] = text.ptr[i];
	return (struct str){to, n};
}

/* "# Linux/arm 5.4.20 Kernel Configuration": the version is in it. */
static void read_head(struct probe *p, const char *file, struct str text)
{
	for (size_t n = 1; text.ptr && n < 10; n++) {
		struct str line = str_cut(&text, '\n');
		const char *end = memmem(line.ptr, line.len, " Kernel Configuration", 21);

		if (!end || line.len < 8 || memcmp(line.ptr, "# Linux", 7) != 0)
			continue;
		struct str rest = {line.ptr, (size_t)(end - line.ptr)};
		const char *blank = memrchr(rest.ptr, ' ', rest.len);
		p->config_version = (struct found){
			.text = str_of(arena_strndup(p->a, blank + 1,
						     (size_t)(end - blank - 1))),
			.file = arena_strdup(p->a, file),
			.line = n};
		return;
	}
	probe_remark(p, "%s does not begin as a whole .config does: is it a defconfig?",
		     file);
}

static int add_config(struct probe *p, const char *file, struct str text,
		      struct error *err)
{
	const struct found now = {text, file, 0};

	if (p->facts[FACT_CONFIG].text.ptr)
		return probe_set(p, FACT_CONFIG, now, err);
	read_head(p, file, text);
	kconfig_read(&p->config, text, p->a);
	/* It says that more exactly than a banner does. */
	const char *compiler = kconfig_get(&p->config, "CC_VERSION_TEXT");
	if (compiler)
		p->facts[FACT_COMPILER] = (struct found){0};
	if (probe_set(p, FACT_CONFIG, now, err) < 0 ||
	    (compiler && probe_say(p, FACT_COMPILER, str_of(compiler), file, 0, err) < 0))
		return -1;
	return probe_set_machine(p, machine_of_config(&p->config), file, 0, err);
}

static int add_symvers(struct probe *p, const char *file, struct str text,
		       struct error *err)
{
	struct symvers all = {0};
	int res = symvers_read(&all, text, p->a, err);

	symvers_finish(&all);
	if (res < 0)
		return error_wrap(err, "%s", file);
	return probe_set(p, FACT_SYMVERS, (struct found){text, file, 0}, err);
}

/* ADDRESS TYPE __ksymtab_NAME [MODULE]; addresses are zero for those who are not root. */
static int add_kallsyms(struct probe *p, const char *file, struct str text,
			struct error *err)
{
	static const char prefix[] = " __ksymtab_";
	autoargv struct argv names = {0};
	autobuf struct strbuf list = STRBUF_INIT;

	while (text.ptr) {
		struct str line = str_cut(&text, '\n');
		const char *found =
			memmem(line.ptr, line.len, prefix, sizeof(prefix) - 1);
		if (!found)
			continue;
		found += sizeof(prefix) - 1;
		struct str name = {found, (size_t)(line.ptr + line.len - found)};
		name = str_cut(&name, '\t');
		if (name.len && !memchr(name.ptr, ' ', name.len))
			argv_pushf(&names, "%.*s", (int)name.len, name.ptr);
	}
	if (!names.n) {
		probe_remark(p,
			     "%s does not say what is exported: the kernel is without "
			     "CONFIG_KALLSYMS_ALL, or too new for that",
			     file);
		return 0;
	}
	argv_sort(&names);
	argv_unique(&names);
	for (size_t i = 0; i < names.n; i++)
		strbuf_printf(&list, "%s\n", names.v[i]);
	return probe_set(p, FACT_EXPORTS, (struct found){{list.ptr, list.len}, file, 0},
			 err);
}

/* The configuration that a kernel, or its module configs, carries. */
static int add_carried(struct probe *p, const char *file, struct str bytes,
		       struct error *err)
{
	autobuf struct strbuf text = STRBUF_INIT;

	if (!ikconfig_read(bytes, &text))
		return 0;
	return add_config(p, file, (struct str){text.ptr, text.len}, err);
}

static int add_module(struct probe *p, const char *file, struct str bytes,
		      struct error *err)
{
	struct module m;

	if (module_read(bytes, p->a, &m, err) < 0)
		return error_wrap(err, "%s", file);
	if (!m.vermagic) {
		error_class(err, ERROR_RECIPE, "%s has no vermagic", file);
		return error_hint(err, "give a module that the machine loads");
	}
	if (probe_vermagic(p, str_of(m.vermagic), file, 0, err) < 0 ||
	    probe_set_machine(p, m.machine, file, 0, err) < 0)
		return -1;
	return m.name && !strcmp(m.name, "configs") ? add_carried(p, file, bytes, err)
						    : 0;
}

/* 1; 0: it is none, -1 */
static int add_image(struct probe *p, const char *file, struct str bytes,
		     struct error *err)
{
	struct kernel_target t = {0};
	int known = target_of_image(&t, file, bytes, p->a);

	if (known && probe_set_machine(p, t.machine, file, 0, err) < 0)
		known = -1;
	else if (known && t.vermagic)
		known = probe_vermagic(p, str_of(t.vermagic), file, 0, err) < 0 ? -1 : 1;
	else if (known && t.release)
		known = probe_say(p, FACT_RELEASE, str_of(t.release), file, 0, err) < 0
				? -1
				: 1;
	else if (known)
		probe_remark(p, "%s does not say its release", file);
	target_finish(&t);
	if (known <= 0)
		return known;
	return add_carried(p, file, bytes, err) < 0 ? -1 : 1;
}

/* --- knowing them ---------------------------------------------------------------------
 */

static size_t hex_digits(struct str s)
{
	size_t n = 0;

	while (n < s.len && strchr("0123456789abcdef", s.ptr[n]) && s.ptr[n])
		n++;
	return n;
}

typedef int add_text(struct probe *p, const char *file, struct str text,
		     struct error *err);

/* What a text is by one of its lines; NULL: the line does not say. */
static add_text *by_line(struct str line)
{
	size_t hex = hex_digits(line);
	const char *tab = memchr(line.ptr, '\t', line.len);

	if (line.len > 7 &&
	    (!memcmp(line.ptr, "CONFIG_", 7) ||
	     (line.len > 9 && !memcmp(line.ptr, "# CONFIG_", 9)) ||
	     (line.len > 25 && !memcmp(line.ptr, "# Automatically generated", 25))))
		return add_config;
	if (line.len > 10 && !memcmp(line.ptr, "0x", 2) && tab &&
	    memchr(tab + 1, '\t', (size_t)(line.ptr + line.len - tab - 1)))
		return add_symvers;
	if ((hex == 8 || hex == 16) && line.len > hex + 3 && line.ptr[hex] == ' ' &&
	    line.ptr[hex + 2] == ' ')
		return add_kallsyms;
	return NULL;
}

/* 0: it is none that we know. */
static int add_lines(struct probe *p, const char *file, struct str text,
		     struct error *err)
{
	enum { FIRST_LINES = 50 };
	struct str rest = text = without_cr(p, text);

	for (int i = 0; rest.ptr && i < FIRST_LINES; i++) {
		add_text *add = by_line(str_cut(&rest, '\n'));
		if (add)
			return add(p, file, text, err) < 0 ? -1 : 1;
	}
	return probe_text(p, file, text, err);
}

static int add_unpacked(struct probe *p, const char *file, struct str bytes,
			struct error *err)
{
	enum { TYPE = 16 };
	bool elf = bytes.len > TYPE && !memcmp(bytes.ptr, "\177ELF", 4);

	if (bytes.len >= 2 && !memcmp(bytes.ptr, "\x9f\xeb", 2))
		return probe_set(p, FACT_BTF, (struct found){bytes, file, 0}, err) < 0
			       ? -1
			       : 1;
	if (elf && bytes.ptr[TYPE] == ET_REL)
		return add_module(p, file, bytes, err) < 0 ? -1 : 1;
	if (!elf && !memchr(bytes.ptr, '\0', bytes.len))
		return add_lines(p, file, bytes, err);
	return add_image(p, file, bytes, err);
}

int probe_add(struct probe *p, const char *file, struct str bytes, struct error *err)
{
	autobuf struct strbuf plain = STRBUF_INIT;
	struct str all = bytes;

	if (!bytes.len) {
		error_class(err, ERROR_RECIPE, "%s is empty", file);
		return error_hint(err, "files of /proc have no size, so copying leaves "
				       "nothing: ssh BOARD cat /proc/... >FILE");
	}
	if (packed_as(bytes)) {
		if (unpack(bytes, PROBE_FILE_MAX, &plain, err) < 0)
			return error_wrap(err, "%s", file);
		all = (struct str){plain.ptr, plain.len};
	}
	int known = add_unpacked(p, file, all, err);
	if (known)
		return known < 0 ? -1 : 0;
	error_class(err, ERROR_RECIPE, "%s: nothing in it is known", file);
	return error_hint(err, "expected uname -a, /proc/version, a .config, "
			       "Module.symvers, /proc/kallsyms, a module, a kernel ...");
}
