// SPDX-License-Identifier: MIT
#include "module/judge.h"

void judge_add(struct judge *j, enum finding_level level, const char *code,
	       const char *hint, const char *text)
{
	ARENA_PUSH(j->a, j->v->findings, j->v->n, j->v->cap) =
		(struct finding){level, code, text, hint};
}

bool judge_config(const struct judge *j, const char *symbol)
{
	return j->t->has_config && kconfig_is(&j->t->config, symbol);
}

/* --- the file ----------------------------------------------------------------------- */

static void judge_file(struct judge *j)
{
	const struct module *m = j->m;

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
	if (j->t->has_config && !judge_config(j, "MODULES"))
		FIND(j, FINDING_REFUSE, "no-modules", "set CONFIG_MODULES=y",
		     "the kernel loads no modules: CONFIG_MODULES=n");
	const struct module_tag *live = module_tag(m, "livepatch", NULL);
	if (live && j->t->has_config && !judge_config(j, "LIVEPATCH"))
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
		FIND(j,
		     judge_config(j, "MODULE_FORCE_LOAD") ? FINDING_WARN : FINDING_REFUSE,
		     "no-vermagic", "build it with make -C KERNEL M=DIR modules",
		     "the module has no vermagic");
	else if (j->t->vermagic)
		judge_words(j);
	else if (j->t->release)
		judge_release(j);
	else
		UNKNOWN(j, "the kernel's release");
}

/* --- what taints, or is forbidden --------------------------------------------------- */

static void judge_signature(struct judge *j)
{
	if (!judge_config(j, "MODULE_SIG") && !j->t->sig_enforce)
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
	else if (judge_config(j, "MODULE_SIG_FORCE"))
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
	bool allowed = judge_config(j, "MODULE_ALLOW_BTF_MISMATCH");
	uint64_t names = j->t->btf_names;

	if (!j->m->btf || j->m->btf_base ||
	    (j->t->has_config && !judge_config(j, "DEBUG_INFO_BTF_MODULES")))
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
