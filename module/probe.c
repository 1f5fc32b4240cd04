// SPDX-License-Identifier: MIT
#include "module/probe.h"

#include "base/alloc.h"
#include "module/release.h"
#include "module/vermagic.h"

const struct probe_name probe_names[PROBE_FACTS] = {
	[FACT_RELEASE] = {"release", "its release", "uname -r"},
	[FACT_ARCH] = {"arch", "its architecture", "uname -m"},
	[FACT_VERMAGIC] = {"vermagic", "its vermagic",
			   "modinfo -F vermagic of a module that it loads"},
	[FACT_UNAME] = {"uname", "what uname says", NULL},
	[FACT_COMPILER] = {"compiler", "its compiler", NULL},
	[FACT_SIG_ENFORCE] = {"sig_enforce", "whether it wants signatures", NULL},
	[FACT_CONFIG] = {"config", "its configuration",
			 "zcat /proc/config.gz (perhaps after modprobe configs), or "
			 "/boot/config-$(uname -r)"},
	[FACT_SYMVERS] = {"symvers", "its Module.symvers",
			  "/lib/modules/$(uname -r)/build/Module.symvers, or where the "
			  "kernel was built"},
	[FACT_EXPORTS] = {"exports", "what it exports",
			  "grep ' __ksymtab_' /proc/kallsyms, with CONFIG_KALLSYMS_ALL"},
	[FACT_BTF] = {"btf", "its types", NULL},
};

/* --- what was found -------------------------------------------------------------------
 */

void probe_remark(struct probe *p, const char *fmt, ...)
{
	autobuf struct strbuf text = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vprintf(&text, fmt, ap);
	va_end(ap);
	ARENA_PUSH(p->a, p->remarks, p->nremarks, p->remarks_cap) =
		arena_strdup(p->a, text.ptr);
}

static const char *place(const struct probe *p, const struct found *f)
{
	return f->line ? arena_printf(p->a, "%s, line %zu", f->file, f->line) : f->file;
}

static bool equal(struct str a, struct str b)
{
	return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0;
}

/* A text that differs from an earlier one is told with both; a file only by its place. */
static int contradicts(struct probe *p, enum probe_fact fact, const struct found *a,
		       const struct found *b, struct error *err)
{
	enum { SHORT = 512 };
	const char *name = probe_names[fact].what;

	if (fact >= FACT_CONFIG)
		error_class(err, ERROR_RECIPE,
			    "%s is in two files that differ: %s and %s", name,
			    place(p, a), place(p, b));
	else
		error_class(err, ERROR_RECIPE, "%s is '%.*s' in %s, but '%.*s' in %s",
			    name, (int)(a->text.len < SHORT ? a->text.len : SHORT),
			    a->text.ptr, place(p, a),
			    (int)(b->text.len < SHORT ? b->text.len : SHORT), b->text.ptr,
			    place(p, b));
	return error_hint(err, "leave out what is not of this machine");
}

int probe_set(struct probe *p, enum probe_fact fact, struct found now, struct error *err)
{
	struct found *f = &p->facts[fact];
	/* Said by many, each in its own words; the first is as good as another. */
	bool loose = fact == FACT_COMPILER || fact == FACT_UNAME;

	if (f->text.ptr)
		return loose || equal(f->text, now.text)
			       ? 0
			       : contradicts(p, fact, f, &now, err);
	*f = (struct found){
		.text = {arena_strndup(p->a, now.text.ptr, now.text.len), now.text.len},
		.file = arena_strdup(p->a, now.file),
		.line = now.line,
	};
	return 0;
}

int probe_set_machine(struct probe *p, const struct machine *m, const char *file,
		      size_t line, struct error *err)
{
	if (!m)
		return 0;
	p->machine = m;
	return probe_set(p, FACT_ARCH, (struct found){str_of(m->name), file, line}, err);
}

int probe_say(struct probe *p, enum probe_fact fact, struct str text, const char *file,
	      size_t line, struct error *err)
{
	if (fact == FACT_ARCH)
		return probe_set_machine(p, machine_of_uname(text), file, line, err);
	/* What only people read is made readable, what is compared must be as it is. */
	bool words = fact == FACT_UNAME || fact == FACT_COMPILER;
	char *plain = arena_strndup(p->a, text.ptr, text.len);
	for (size_t i = 0; i < text.len; i++) {
		if (plain[i] >= ' ' && plain[i] <= '~')
			continue;
		if (!words)
			return error_class(err, ERROR_RECIPE,
					   "%s: expected plain text for %s, found other "
					   "characters",
					   file, probe_names[fact].what);
		plain[i] = '?';
	}
	text.ptr = plain;
	return probe_set(p, fact, (struct found){text, file, line}, err);
}

int probe_vermagic(struct probe *p, struct str text, const char *file, size_t line,
		   struct error *err)
{
	static const char *const bare[] = {"aarch64", "riscv", "RANDSTRUCT_"};
	const struct vermagic v = vermagic_split(text);
	struct str release = v.part[VERMAGIC_RELEASE], arch = v.part[VERMAGIC_ARCH];

	while (text.len && text.ptr[text.len - 1] == ' ')
		text.len--;
	const char *blank = memrchr(text.ptr, ' ', text.len);
	const char *last = blank ? blank + 1 : text.ptr, *end = " ";
	for (size_t i = 0; i < ARRAY_LEN(bare); i++)
		if ((size_t)(text.ptr + text.len - last) >= strlen(bare[i]) &&
		    memcmp(last, bare[i], strlen(bare[i])) == 0)
			end = "";
	const char *whole = arena_printf(p->a, "%.*s%s", (int)text.len, text.ptr, end);
	if (probe_say(p, FACT_VERMAGIC, str_of(whole), file, line, err) < 0 ||
	    probe_say(p, FACT_RELEASE, release, file, line, err) < 0)
		return -1;
	/* What was drawn by lot follows without a blank. */
	bool arm = arch.len > 4 && memcmp(arch.ptr, "ARMv", 4) == 0;
	bool arm64 = arch.len >= 7 && memcmp(arch.ptr, "aarch64", 7) == 0;
	if (!arm && !arm64)
		return 0;
	return probe_set_machine(p,
				 machine_of_uname(arm ? STR("armv7l") : STR("aarch64")),
				 file, line, err);
}

/* --- does it fit together
 * --------------------------------------------------------------- */

/* 5.4.20 of 5.4.20-sunxi; distributions keep their own third number in the release. */
static bool version_fits(struct str version, const struct release *r)
{
	struct release v;
	struct str a, b = r->version;

	if (!release_split(version.ptr, &v))
		return true;
	a = v.version;
	if (r->maker == RELEASE_ANY)
		return equal(a, b);
	for (int i = 0; i < 2; i++) {
		struct str x = str_cut(&a, '.'), y = str_cut(&b, '.');
		if (!equal(x, y))
			return false;
	}
	return true;
}

static int check_config(struct probe *p, struct error *err)
{
	const struct found *release = &p->facts[FACT_RELEASE], *head = &p->config_version;
	const char *local = kconfig_get(&p->config, "LOCALVERSION");
	struct str text = release->text;
	struct release parts;

	if (!release_split(text.ptr, &parts))
		return 0;
	if (head->text.ptr && !version_fits(head->text, &parts)) {
		error_class(err, ERROR_RECIPE,
			    "the configuration is of %s (%s), the kernel is %s (%s)",
			    head->text.ptr, place(p, head), text.ptr, place(p, release));
		return error_hint(err, "%s", probe_names[FACT_CONFIG].where);
	}
	if (!local || !*local || memmem(text.ptr, text.len, local, strlen(local)))
		return 0;
	error_class(err, ERROR_RECIPE,
		    "the configuration in %s has CONFIG_LOCALVERSION=\"%s\", which the "
		    "release '%s' (%s) is without",
		    place(p, &p->facts[FACT_CONFIG]), local, text.ptr, place(p, release));
	return error_hint(err, "%s", probe_names[FACT_CONFIG].where);
}

bool probe_misses(const struct probe *p, enum probe_fact fact)
{
	bool there = p->facts[fact].text.ptr;

	/* Of these one is enough. */
	if (fact == FACT_EXPORTS)
		there |= p->facts[FACT_SYMVERS].text.ptr != NULL;
	if (fact == FACT_VERMAGIC)
		there |= p->facts[FACT_CONFIG].text.ptr != NULL;
	return !there && probe_names[fact].where;
}

int probe_complete(struct probe *p, struct error *err)
{
	static const enum probe_fact needed[] = {FACT_RELEASE, FACT_ARCH};

	for (size_t i = 0; i < ARRAY_LEN(needed); i++) {
		const struct probe_name *n = &probe_names[needed[i]];

		if (p->facts[needed[i]].text.ptr)
			continue;
		error_class(err, ERROR_RECIPE, "nothing says %s", n->what);
		error_hint(err,
			   "save `uname -a` of that machine, and give that file, too");
		return -1;
	}
	struct release parts;
	if (!release_split(p->facts[FACT_RELEASE].text.ptr, &parts))
		return error_class(err, ERROR_RECIPE,
				   "expected a release such as 5.4.20-sunxi in %s, found "
				   "'%s'",
				   place(p, &p->facts[FACT_RELEASE]),
				   p->facts[FACT_RELEASE].text.ptr);
	return p->facts[FACT_CONFIG].text.ptr ? check_config(p, err) : 0;
}

void probe_finish(struct probe *p)
{
	kconfig_finish(&p->config);
}
