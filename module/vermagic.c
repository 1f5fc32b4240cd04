// SPDX-License-Identifier: MIT
#include "module/vermagic.h"

#include <elf.h>

#include "base/cleanup.h"
#include "module/machine.h"

struct word {
	enum vermagic_part part;
	const char *text;
	bool prefix;        /* more follows: a number, a hash */
	const char *symbol; /* makes it, in the configurations that `machine` names */
	const char *machine;
};

/* Of one part and machine the first whose symbol is set is the one. */
static const struct word words[] = {
	{VERMAGIC_SMP, "SMP", false, "CONFIG_SMP", NULL},
	{VERMAGIC_PREEMPT, "preempt", false, "CONFIG_PREEMPT_BUILD", NULL},
	{VERMAGIC_PREEMPT, "preempt", false, "CONFIG_PREEMPT", NULL},
	{VERMAGIC_PREEMPT, "preempt_rt", false, "CONFIG_PREEMPT_RT", NULL},
	{VERMAGIC_UNLOAD, "mod_unload", false, "CONFIG_MODULE_UNLOAD", NULL},
	{VERMAGIC_MODVERSIONS, "modversions", false, "CONFIG_MODVERSIONS", NULL},
	{VERMAGIC_ARCH, "aarch64", true, "CONFIG_ARM64", "arm64"},
	{VERMAGIC_ARCH, "riscv", true, "CONFIG_RISCV", "riscv"},
	{VERMAGIC_ARCH, "ARMv7", true, "CONFIG_CPU_32v7", "arm"},
	{VERMAGIC_ARCH, "ARMv7", true, "CONFIG_CPU_32v7M", "arm"},
	{VERMAGIC_ARCH, "ARMv6", true, "CONFIG_CPU_32v6", "arm"},
	{VERMAGIC_ARCH, "ARMv6", true, "CONFIG_CPU_32v6K", "arm"},
	{VERMAGIC_ARCH, "ARMv5", true, "CONFIG_CPU_32v5", "arm"},
	{VERMAGIC_ARCH, "ARMv4", true, "CONFIG_CPU_32v4T", "arm"},
	{VERMAGIC_ARCH, "ARMv4", true, "CONFIG_CPU_32v4", "arm"},
	{VERMAGIC_ARCH, "ARMv3", true, "CONFIG_CPU_32v3", "arm"},
	{VERMAGIC_ARCH_2, "thumb2", false, "CONFIG_THUMB2_KERNEL", "arm"},
	{VERMAGIC_ARCH_3, "p2v8", false, "CONFIG_ARM_PATCH_PHYS_VIRT", "arm"},
	{VERMAGIC_ARCH, "486SX", false, "CONFIG_M486SX", "i386"},
	{VERMAGIC_ARCH, "486", false, "CONFIG_M486", "i386"},
	{VERMAGIC_ARCH, "586", false, "CONFIG_M586", "i386"},
	{VERMAGIC_ARCH, "586TSC", false, "CONFIG_M586TSC", "i386"},
	{VERMAGIC_ARCH, "586MMX", false, "CONFIG_M586MMX", "i386"},
	{VERMAGIC_ARCH, "CORE2", false, "CONFIG_MCORE2", "i386"},
	{VERMAGIC_ARCH, "ATOM", false, "CONFIG_MATOM", "i386"},
	{VERMAGIC_ARCH, "686", false, "CONFIG_M686", "i386"},
	{VERMAGIC_ARCH, "PENTIUMII", false, "CONFIG_MPENTIUMII", "i386"},
	{VERMAGIC_ARCH, "PENTIUMIII", false, "CONFIG_MPENTIUMIII", "i386"},
	{VERMAGIC_ARCH, "PENTIUMM", false, "CONFIG_MPENTIUMM", "i386"},
	{VERMAGIC_ARCH, "PENTIUM4", false, "CONFIG_MPENTIUM4", "i386"},
	{VERMAGIC_ARCH, "K6", false, "CONFIG_MK6", "i386"},
	{VERMAGIC_ARCH, "K7", false, "CONFIG_MK7", "i386"},
	{VERMAGIC_ARCH, "K8", false, "CONFIG_MK8", "i386"},
	{VERMAGIC_ARCH, "ELAN", false, "CONFIG_MELAN", "i386"},
	{VERMAGIC_ARCH, "CRUSOE", false, "CONFIG_MCRUSOE", "i386"},
	{VERMAGIC_ARCH, "EFFICEON", false, "CONFIG_MEFFICEON", "i386"},
	{VERMAGIC_ARCH, "WINCHIPC6", false, "CONFIG_MWINCHIPC6", "i386"},
	{VERMAGIC_ARCH, "WINCHIP3D", false, "CONFIG_MWINCHIP3D", "i386"},
	{VERMAGIC_ARCH, "CYRIXIII", false, "CONFIG_MCYRIXIII", "i386"},
	{VERMAGIC_ARCH, "VIAC3-2", false, "CONFIG_MVIAC3_2", "i386"},
	{VERMAGIC_ARCH, "VIAC7", false, "CONFIG_MVIAC7", "i386"},
	{VERMAGIC_ARCH, "GEODEGX1", false, "CONFIG_MGEODEGX1", "i386"},
	{VERMAGIC_ARCH, "GEODE", false, "CONFIG_MGEODE_LX", "i386"},
	{VERMAGIC_ARCH, "patchable-function-entry", false,
	 "CONFIG_ARCH_USING_PATCHABLE_FUNCTION_ENTRY", "ppc"},
	{VERMAGIC_ARCH, "mprofile-kernel", false, "CONFIG_MPROFILE_KERNEL", "ppc"},
	{VERMAGIC_ARCH_2, "relocatable", false, "CONFIG_RELOCATABLE", "ppc"},
	{VERMAGIC_ARCH, "LOONGARCH", false, "CONFIG_LOONGARCH", "loongarch"},
	{VERMAGIC_ARCH_2, "64BIT", false, "CONFIG_64BIT", "loongarch"},
	{VERMAGIC_ARCH_2, "32BIT", false, "CONFIG_32BIT", "loongarch"},
	{VERMAGIC_RANDSTRUCT, "RANDSTRUCT_", true, "CONFIG_RANDSTRUCT", NULL},
};

static bool is_word(const struct word *w, struct str s)
{
	size_t n = strlen(w->text);

	return w->prefix ? s.len >= n && !memcmp(s.ptr, w->text, n) : str_is(s, w->text);
}

static const struct word *find_word(struct str s)
{
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (is_word(&words[i], s))
			return &words[i];
	return NULL;
}

static struct str trimmed(struct str s)
{
	while (s.len && s.ptr[s.len - 1] == ' ')
		s.len--;
	return s;
}

struct vermagic vermagic_split(struct str text)
{
	struct vermagic v = {0};
	int next = VERMAGIC_PARTS;

	for (int i = 0; i < VERMAGIC_PARTS; i++)
		v.part[i] = STR("");
	for (text = trimmed(text);; text = trimmed(text)) {
		const char *blank = memrchr(text.ptr, ' ', text.len);
		if (!blank)
			break;
		struct str last = {blank + 1, (size_t)(text.ptr + text.len - blank - 1)};
		const struct word *w = find_word(last);
		if (!w || (int)w->part >= next)
			break;
		next = (int)w->part;
		v.part[next] = last;
		text.len -= last.len;
	}
	v.part[VERMAGIC_RELEASE] = text;
	return v;
}

/* These two architectures put no blank behind their name. */
static bool is_bare(const char *word)
{
	return !strcmp(word, "aarch64") || !strcmp(word, "riscv");
}

bool vermagic_ends_bare(struct str text)
{
	const char *blank = memrchr(text.ptr, ' ', text.len);
	struct str last = text;

	if (!blank)
		return false;
	last.ptr = blank + 1;
	last.len -= (size_t)(last.ptr - text.ptr);
	const struct word *w = find_word(last);
	return w && (w->part == VERMAGIC_RANDSTRUCT || is_bare(w->text));
}

/* --- comparing ---------------------------------------------------------------------- */

static bool equal(struct str a, struct str b)
{
	return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0;
}

static bool ends_in(struct str s, struct str end)
{
	return s.len >= end.len && !memcmp(s.ptr + s.len - end.len, end.ptr, end.len);
}

/* 4.20.0-rc7 of 4.20.0-rc7-dirty */
static size_t version_len(struct str s)
{
	size_t n = 0;

	while (n < s.len && (s.ptr[n] == '.' || (s.ptr[n] >= '0' && s.ptr[n] <= '9')))
		n++;
	if (s.len - n < 4 || memcmp(s.ptr + n, "-rc", 3) != 0)
		return n;
	for (n += 3; n < s.len && s.ptr[n] >= '0' && s.ptr[n] <= '9';)
		n++;
	return n;
}

/* "-g0123456789ab" of "6.6.0-00123-g0123456789ab-dirty"; empty if there is none. */
static struct str commit_of(struct str s)
{
	enum { SHORTEST = 7 };

	for (size_t i = 0; i + 2 < s.len; i++) {
		size_t n = 0;

		if (memcmp(s.ptr + i, "-g", 2) != 0)
			continue;
		while (i + 2 + n < s.len && strchr("0123456789abcdef", s.ptr[i + 2 + n]))
			n++;
		if (n >= SHORTEST)
			return (struct str){s.ptr + i, n + 2};
	}
	return STR("");
}

/* Releases differ in the version itself, or in what was put behind it. */
static const char *why_release(struct str a, struct str b)
{
	static const struct {
		struct str end;
		const char *why;
	} ends[] = {
		{STR("+"), "a `+` comes from a git tree with commits that no tag has: "
			   "build with LOCALVERSION= or CONFIG_LOCALVERSION_AUTO=n on a "
			   "tag"},
		{STR("-dirty"),
		 "`-dirty` comes from a git tree with changes that are not "
		 "committed and CONFIG_LOCALVERSION_AUTO=y"},
	};

	size_t n = version_len(a), k = version_len(b);
	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (ends_in(a, ends[i].end) != ends_in(b, ends[i].end))
			return ends[i].why;
	if (!equal(commit_of(a), commit_of(b)))
		return "`-g` and what follows is the commit of a git tree: build that "
		       "one, or "
		       "with CONFIG_LOCALVERSION_AUTO=n on both sides";
	if (n != k || memcmp(a.ptr, b.ptr, n) != 0)
		return "the version: VERSION, PATCHLEVEL, SUBLEVEL and EXTRAVERSION of "
		       "the "
		       "kernel's Makefile";
	return "CONFIG_LOCALVERSION, or a file localversion* in the kernel's tree, makes "
	       "what follows the version";
}

static const char *why_part(enum vermagic_part part, struct str a, struct str b)
{
	static const struct {
		const char *word, *why;
	} special[] = {
		{"preempt_rt", "CONFIG_PREEMPT_RT"},
		{"preempt",
		 "CONFIG_PREEMPT_BUILD: CONFIG_PREEMPT or CONFIG_PREEMPT_DYNAMIC"},
	};
	const struct word *w = find_word(b.len ? b : a);

	if (part == VERMAGIC_RELEASE)
		return why_release(a, b);
	for (size_t i = 0; i < ARRAY_LEN(special); i++)
		if (str_is(a, special[i].word) || str_is(b, special[i].word))
			return special[i].why;
	return w ? w->symbol : "";
}

static size_t first_difference(struct str a, struct str b)
{
	size_t i = 0;

	while (i < a.len && i < b.len && a.ptr[i] == b.ptr[i])
		i++;
	return i;
}

/* strcspn(s, " ") */
static size_t first_blank(struct str s)
{
	const char *blank = memchr(s.ptr, ' ', s.len);

	return blank ? (size_t)(blank - s.ptr) : s.len;
}

struct vermagic_verdict vermagic_compare(struct str module, struct str kernel, bool crcs)
{
	struct vermagic_verdict v = {0};
	size_t from_m = crcs ? first_blank(module) : 0;
	size_t from_k = crcs ? first_blank(kernel) : 0;
	struct str m = {module.ptr + from_m, module.len - from_m};
	struct str k = {kernel.ptr + from_k, kernel.len - from_k};
	struct vermagic a = vermagic_split(module), b = vermagic_split(kernel);
	size_t at = first_difference(m, k);

	v.same = equal(m, k);
	v.module_at = from_m + at;
	v.kernel_at = from_k + at;
	for (int i = 0; !v.same && i < VERMAGIC_PARTS; i++) {
		struct str x = a.part[i], y = b.part[i];

		if (i == VERMAGIC_RELEASE && crcs) {
			size_t skip_x = first_blank(x), skip_y = first_blank(y);
			x = (struct str){x.ptr + skip_x, x.len - skip_x};
			y = (struct str){y.ptr + skip_y, y.len - skip_y};
		}
		if (!equal(x, y))
			v.differences[v.ndifferences++] = (struct vermagic_difference){
				(enum vermagic_part)i, x, y,
				why_part((enum vermagic_part)i, x, y)};
	}
	return v;
}

/* --- composing ---------------------------------------------------------------------- */

static bool machine_starts(const struct machine *m, const char *name)
{
	return !name || (m && strncmp(m->name, name, strlen(name)) == 0 &&
			 /* arm is not arm64 */
			 (strcmp(name, "arm") != 0 || !m->wide));
}

static const struct word *choose(enum vermagic_part part, const struct machine *m,
				 const struct kconfig *config)
{
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (words[i].part == part && machine_starts(m, words[i].machine) &&
		    kconfig_is(config, words[i].symbol + strlen("CONFIG_")))
			return &words[i];
	return NULL;
}

bool vermagic_compose(const char *release, const struct kconfig *config,
		      const char *randstruct, struct strbuf *out)
{
	const struct machine *m = machine_of_config(config);

	strbuf_printf(out, "%s ", release);
	for (int part = VERMAGIC_SMP; part < VERMAGIC_RANDSTRUCT; part++) {
		const struct word *w = choose((enum vermagic_part)part, m, config);

		if (!w)
			continue;
		strbuf_printf(out, "%s%s", w->text, is_bare(w->text) ? "" : " ");
	}
	if (randstruct)
		strbuf_adds(out, randstruct);
	/* MIPS has a word of each of its processors. */
	return m && m->elf != EM_MIPS;
}
