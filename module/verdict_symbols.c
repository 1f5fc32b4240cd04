// SPDX-License-Identifier: MIT
/* What a module needs of a kernel, and what it gives. */
#include "module/judge.h"

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
	bool allowed = judge_config(j, "MODULE_ALLOW_MISSING_NAMESPACE_IMPORTS");

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

void judge_symbols(struct judge *j)
{
	const struct symvers_entry *layout;

	if (j->crcs && !j->m->has_versions) {
		bool force = judge_config(j, "MODULE_FORCE_LOAD");
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
