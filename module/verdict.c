// SPDX-License-Identifier: MIT
#include "module/verdict.h"

#include "base/map.h"

struct judge {
	const struct module *m;
	const struct kernel_target *t;
	struct arena *a;
	struct verdict *v;
	bool crcs; /* the kernel compares CRCs */
};

#define FIND(j, level, code, hint, ...)                                                  \
	add((j), (level), (code), (hint), arena_printf((j)->a, __VA_ARGS__))
#define UNKNOWN(j, ...)                                                                  \
	(ARENA_PUSH((j)->a, (j)->v->unknown, (j)->v->nunknown, (j)->v->unknown_cap) =    \
		 arena_printf((j)->a, __VA_ARGS__))

static void add(struct judge *j, enum finding_level level, const char *code,
		const char *hint, const char *text)
{
	ARENA_PUSH(j->a, j->v->findings, j->v->n, j->v->cap) =
		(struct finding){level, code, text, hint};
}

static bool config_is(const struct judge *j, const char *symbol)
{
	return j->t->has_config && kconfig_is(&j->t->config, symbol);
}

/* --- the file ----------------------------------------------------------------------- */

static void judge_file(struct judge *j)
{
	const struct module *m = j->m;

	if (m->damaged)
		FIND(j, FINDING_REFUSE, "damaged",
		     "build it again, strip only with "
		     "--strip-debug",
		     "%s", m->damaged);
	if (m->unknown_relocation)
		FIND(j, FINDING_REFUSE, "relocation",
		     "build it with the kernel's own flags: make -C KERNEL M=DIR modules",
		     "relocations of type %u in %s: the kernel's loader has no such",
		     m->unknown_relocation, m->relocated);
	if (!j->t->machine)
		UNKNOWN(j, "the kernel's architecture");
	else if (!m->machine || m->machine != j->t->machine)
		FIND(j, FINDING_REFUSE, "arch",
		     "build it for the kernel's architecture (recipe: `arch:`)",
		     "the module is for %s, the kernel for %s",
		     m->machine ? m->machine->name : "a machine unknown here",
		     j->t->machine->name);
	if (m->struct_size && j->t->struct_size && m->struct_size != j->t->struct_size)
		FIND(j, FINDING_REFUSE, "struct-module",
		     "build it with the headers and the configuration of this kernel",
		     "its struct module has %llu bytes, the kernel's has %llu",
		     (unsigned long long)m->struct_size,
		     (unsigned long long)j->t->struct_size);
	if (j->t->has_config && !config_is(j, "MODULES"))
		FIND(j, FINDING_REFUSE, "no-modules", "set CONFIG_MODULES=y",
		     "the kernel loads no modules: CONFIG_MODULES=n");
	const struct module_tag *live = module_tag(m, "livepatch", NULL);
	if (live && j->t->has_config && !config_is(j, "LIVEPATCH"))
		FIND(j, FINDING_REFUSE, "livepatch", "set CONFIG_LIVEPATCH=y",
		     "it is a live patch, and the kernel has CONFIG_LIVEPATCH=n");
}

/* --- vermagic ----------------------------------------------------------------------- */

/* Words that nobody could compose are not held against the module. */
static void forget_unknown_words(struct vermagic_verdict *v)
{
	size_t n = 0;

	for (size_t i = 0; i < v->ndifferences; i++)
		if (v->differences[i].part < VERMAGIC_ARCH)
			v->differences[n++] = v->differences[i];
	v->ndifferences = n;
	v->same = n == 0;
}

static const char *quoted(struct judge *j, struct str s)
{
	return s.len ? arena_printf(j->a, "'%.*s'", (int)s.len, s.ptr) : "nothing";
}

static void judge_words(struct judge *j)
{
	struct vermagic_verdict *v = &j->v->vermagic;

	*v = vermagic_compare(str_of(j->m->vermagic), str_of(j->t->vermagic),
			      j->m->has_versions && j->crcs);
	j->v->compared = true;
	if (j->t->words_unknown && !v->same) {
		forget_unknown_words(v);
		if (v->same)
			UNKNOWN(j, "the words that this architecture and its options add "
				   "to vermagic");
	}
	for (size_t i = 0; i < v->ndifferences; i++)
		FIND(j, FINDING_REFUSE, "vermagic", v->differences[i].why,
		     "the module's vermagic has %s, the kernel's %s",
		     quoted(j, v->differences[i].module),
		     quoted(j, v->differences[i].kernel));
	if (!v->same && !v->ndifferences)
		FIND(j, FINDING_REFUSE, "vermagic", "build it against this kernel",
		     "the vermagic of both differs in its blanks");
}

/* Only the release is known: with CRCs on both sides it would be ignored. */
static void judge_release(struct judge *j)
{
	struct str module = vermagic_split(str_of(j->m->vermagic)).part[VERMAGIC_RELEASE];
	struct vermagic_verdict v =
		vermagic_compare(module, str_of(j->t->release), false);

	UNKNOWN(j, "the words of the kernel's vermagic: its configuration is not there");
	if (v.same)
		return;
	FIND(j, j->m->has_versions ? FINDING_WARN : FINDING_REFUSE, "vermagic",
	     v.ndifferences ? v.differences[0].why : NULL,
	     "the module is for the release '%.*s', the kernel is '%s'", (int)module.len,
	     module.ptr, j->t->release);
}

static void judge_vermagic(struct judge *j)
{
	if (!j->m->vermagic)
		FIND(j, config_is(j, "MODULE_FORCE_LOAD") ? FINDING_WARN : FINDING_REFUSE,
		     "no-vermagic", "build it with make -C KERNEL M=DIR modules",
		     "the module has no vermagic");
	else if (j->t->vermagic)
		judge_words(j);
	else if (j->t->release)
		judge_release(j);
	else
		UNKNOWN(j, "the kernel's release");
}

/* --- symbols ------------------------------------------------------------------------ */

static bool imports(const struct module *m, const char *space)
{
	const struct module_tag *t = NULL;

	while ((t = module_tag(m, "import_ns", t)))
		if (strcmp(t->value, space) == 0)
			return true;
	return false;
}

/* "module:a,b*" exports to these modules only. */
static bool is_meant(const struct module *m, const char *space)
{
	struct str rest = str_of(space + strlen("module:"));

	while (rest.ptr && m->name) {
		struct str one = str_cut(&rest, ',');
		bool star = one.len && one.ptr[one.len - 1] == '*';
		size_t n = one.len - star;

		if (strncmp(m->name, one.ptr, n) == 0 && (star || !m->name[n]))
			return true;
	}
	return false;
}

static void judge_namespace(struct judge *j, const char *symbol, const char *space)
{
	bool allowed = config_is(j, "MODULE_ALLOW_MISSING_NAMESPACE_IMPORTS");

	if (strncmp(space, "module:", 7) == 0) {
		if (!is_meant(j->m, space))
			FIND(j, FINDING_REFUSE, "symbol-namespace", NULL,
			     "%s is exported to other modules only: %s", symbol,
			     space + 7);
		return;
	}
	if (!*space || imports(j->m, space))
		return;
	FIND(j, allowed ? FINDING_WARN : FINDING_REFUSE, "symbol-namespace",
	     arena_printf(j->a,
			  "add MODULE_IMPORT_NS(\"%s\"); without the quotes before "
			  "Linux 6.13",
			  space),
	     "%s is in the namespace %s, which the module does not import", symbol,
	     space);
}

static void judge_crc(struct judge *j, const char *symbol, uint32_t crc)
{
	const uint32_t *mine = module_crc(j->m, symbol);
	static const char *const hint =
		"build it against this kernel's Module.symvers and configuration";

	if (!j->crcs || !j->m->has_versions || !crc)
		return;
	if (mine && *mine != crc)
		FIND(j, FINDING_REFUSE, "symbol-crc", hint,
		     "disagrees about the version of %s: the module has 0x%08x, the "
		     "kernel "
		     "0x%08x",
		     symbol, *mine, crc);
	if (!mine)
		FIND(j, j->m->extended ? FINDING_WARN : FINDING_REFUSE, "no-crc", hint,
		     "the module has no version for %s", symbol);
}

static void need_module(struct judge *j, const char *module)
{
	if (strcmp(module, "vmlinux") == 0 || !*module)
		return;
	for (size_t i = 0; i < j->v->nneeds; i++)
		if (strcmp(j->v->needs[i], module) == 0)
			return;
	ARENA_PUSH(j->a, j->v->needs, j->v->nneeds, j->v->needs_cap) = module;
}

static void judge_symbol(struct judge *j, const struct module_symbol *s)
{
	const struct symvers_entry *e = symvers_find(&j->t->symvers, s->name);
	const char *file = j->t->symvers_file;

	if (!e && s->weak)
		return;
	if (!e) {
		FIND(j, FINDING_REFUSE, "symbol-missing",
		     "is the option that exports it off, or the module that does not in "
		     "the list?",
		     "%s is not exported (%s)", s->name, file);
		return;
	}
	need_module(j, e->module);
	if (e->gpl && !module_is_gpl(j->m)) {
		FIND(j, s->weak ? FINDING_WARN : FINDING_REFUSE, "symbol-gpl",
		     "MODULE_LICENSE(\"GPL\"), or another symbol",
		     "%s is for the GPL only, the module's license is %s", s->name,
		     j->m->license ? j->m->license : "not said");
		return;
	}
	judge_namespace(j, s->name, e->name_space);
	judge_crc(j, s->name, e->crc);
}

/* What the other module was built with is what its kernel has, as far as it says. */
static void judge_by_module(struct judge *j)
{
	for (size_t i = 0; i < j->t->module->nversions; i++) {
		const struct module_version *v = &j->t->module->versions[i];
		const uint32_t *mine = module_crc(j->m, v->symbol);

		if (mine)
			judge_crc(j, v->symbol, v->crc);
	}
	UNKNOWN(j, "what the kernel exports: that takes its Module.symvers");
}

/* What another module exports may not be loaded; what the kernel has is there. */
static void judge_exports(struct judge *j)
{
	for (size_t i = 0; i < j->m->nexports; i++) {
		const char *name = j->m->exports[i];
		const struct symvers_entry *e = symvers_find(&j->t->symvers, name);

		if (e && strcmp(e->module, "vmlinux") == 0)
			FIND(j, FINDING_REFUSE, "symbol-duplicate", "rename it",
			     "it exports %s, which the kernel does, too", name);
	}
}

static void judge_symbols(struct judge *j)
{
	const struct symvers_entry *layout;

	if (j->crcs && !j->m->has_versions) {
		bool force = config_is(j, "MODULE_FORCE_LOAD");
		FIND(j, force ? FINDING_WARN : FINDING_REFUSE, "no-crc",
		     "build it with CONFIG_MODVERSIONS=y",
		     "the kernel compares versions of symbols, the module has none");
	}
	if (j->t->module) {
		judge_by_module(j);
		return;
	}
	if (!j->t->has_symvers) {
		if (j->m->nundefined)
			UNKNOWN(j, "what the kernel exports: there is no Module.symvers");
		return;
	}
	if (j->t->only_names && j->crcs)
		UNKNOWN(j, "the CRCs of what the kernel exports: only names are there");
	layout = symvers_find(&j->t->symvers, "module_layout");
	if (layout)
		judge_crc(j, "module_layout", layout->crc);
	for (size_t i = 0; i < j->m->nundefined; i++)
		judge_symbol(j, &j->m->undefined[i]);
	judge_exports(j);
}

/* --- what taints, or is forbidden --------------------------------------------------- */

static void judge_signature(struct judge *j)
{
	if (!config_is(j, "MODULE_SIG") && !j->t->sig_enforce)
		return;
	if (j->m->is_signed) {
		FIND(j, FINDING_INFO, "signature", NULL,
		     "it is signed; whether the kernel has the key is not known");
		return;
	}
	static const char *const hint =
		"sign it with scripts/sign-file and the key the kernel was built with, "
		"after every strip";
	if (j->t->sig_enforce)
		FIND(j, FINDING_REFUSE, "signature", hint,
		     "it has no signature, and the kernel enforces them (sig_enforce)");
	else if (config_is(j, "MODULE_SIG_FORCE"))
		FIND(j, FINDING_REFUSE, "signature", hint,
		     "it has no signature, and the kernel has CONFIG_MODULE_SIG_FORCE=y");
	else
		FIND(j, FINDING_WARN, "signature", hint,
		     "it has no signature: it taints the kernel, and a locked down "
		     "kernel "
		     "refuses it");
}

static bool is_for_release(const struct judge *j)
{
	struct str mine = vermagic_split(str_of(j->m->vermagic)).part[VERMAGIC_RELEASE];

	return str_is(mine, j->t->release);
}

/*
 * The loader looks up each name: in the kernel's names, or behind them in the module's.
 * An offset behind both is an error; another count of the kernel's names leads to wrong
 * ones, which it notices or not.
 */
static void judge_btf(struct judge *j)
{
	static const char *const hint =
		"build it against this kernel's vmlinux, strip .BTF, or set "
		"CONFIG_MODULE_ALLOW_BTF_MISMATCH=y";
	const struct btf *b = &j->m->types;
	bool allowed = config_is(j, "MODULE_ALLOW_BTF_MISMATCH");
	uint64_t names = j->t->btf_names;

	if (!j->m->btf || j->m->btf_base ||
	    (j->t->has_config && !config_is(j, "DEBUG_INFO_BTF_MODULES")))
		return;
	if (names && b->own && b->reach >= names + b->own) {
		FIND(j, allowed ? FINDING_WARN : FINDING_REFUSE, "btf", hint,
		     "its type information (.BTF) refers to names that this kernel does "
		     "not have");
		return;
	}
	if (names && b->base ? names == b->base
			     : !j->m->vermagic || !j->t->release || is_for_release(j))
		return;
	FIND(j, FINDING_WARN, "btf", hint,
	     "its type information (.BTF) counts on the types of another kernel");
	if (names && !allowed)
		UNKNOWN(j, "whether this kernel notices that");
}

static void judge_taints(struct judge *j)
{
	if (!module_is_gpl(j->m))
		FIND(j, FINDING_WARN, "license", "MODULE_LICENSE(\"GPL\")",
		     "its license (%s) taints the kernel",
		     j->m->license ? j->m->license : "none");
	if (!module_tag(j->m, "intree", NULL))
		FIND(j, FINDING_INFO, "out-of-tree", NULL,
		     "it is not from the kernel's tree: that taints the kernel");
}

void verdict_make(const struct module *m, const struct kernel_target *t, struct arena *a,
		  struct verdict *out)
{
	struct judge j = {.m = m, .t = t, .a = a, .v = out};
	struct str theirs = str_of(t->vermagic ? t->vermagic : "");

	*out = (struct verdict){0};
	j.crcs = t->has_config
			 ? kconfig_is(&t->config, "MODVERSIONS")
			 : vermagic_split(theirs).part[VERMAGIC_MODVERSIONS].len != 0;
	judge_file(&j);
	judge_vermagic(&j);
	judge_symbols(&j);
	judge_signature(&j);
	judge_btf(&j);
	judge_taints(&j);
	out->outcome = out->nunknown ? OUTCOME_UNKNOWN : OUTCOME_LOADS;
	for (size_t i = 0; i < out->n; i++)
		if (out->findings[i].level == FINDING_REFUSE)
			out->outcome = OUTCOME_REFUSED;
}
