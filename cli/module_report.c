// SPDX-License-Identifier: MIT
#include "cli/module_report.h"

#include "module/text.h"

/* --- a module ----------------------------------------------------------------------- */

static void add_text(struct strbuf *out, const char *s)
{
	strbuf_add_masked(out, s, strlen(s));
}

static void add_fact(struct strbuf *out, const char *name, const char *value)
{
	strbuf_printf(out, "  %-10s ", name);
	add_text(out, value);
	strbuf_addc(out, '\n');
}

static void add_tags(struct strbuf *out, const struct module *m, const char *key,
		     const char *name)
{
	const struct module_tag *t = NULL;

	while ((t = module_tag(m, key, t)))
		if (*t->value)
			add_fact(out, name, t->value);
}

static const char *versions_of(const struct module *m)
{
	return !m->has_versions ? "none" : m->extended ? "extended" : "yes";
}

void report_module(const char *file, const struct module *m, struct strbuf *out)
{
	autobuf struct strbuf needs = STRBUF_INIT;
	const char *machine = m->machine ? m->machine->name : "an unknown machine";

	add_text(out, file);
	strbuf_printf(out, ": a module for %s, %d bit\n", machine, m->wide ? 64 : 32);
	add_fact(out, "name", m->name ? m->name : "(none)");
	add_fact(out, "vermagic", m->vermagic ? m->vermagic : "(none)");
	add_fact(out, "license", m->license ? m->license : "(none)");
	add_fact(out, "tree", module_tag(m, "intree", NULL) ? "the kernel's" : "its own");
	add_tags(out, m, "srcversion", "srcversion");
	add_tags(out, m, "depends", "depends");
	add_tags(out, m, "import_ns", "imports");
	add_tags(out, m, "parmtype", "parameter");
	add_fact(out, "versions", versions_of(m));
	add_fact(out, "signature", m->is_signed ? "yes" : "none");
	add_fact(out, "BTF",
		 m->btf_base ? "yes, with its base"
		 : m->btf    ? "yes"
			     : "none");
	for (size_t i = 0; i < m->nundefined; i++)
		strbuf_printf(&needs, "%s%s%s", i ? " " : "", m->undefined[i].name,
			      m->undefined[i].weak ? " (weak)" : "");
	add_fact(out, "needs", needs.len ? needs.ptr : "(nothing)");
	for (size_t i = 0; i < m->nexports; i++)
		add_fact(out, "exports", m->exports[i]);
}

struct json_object *json_of_module(const struct module *m)
{
	struct json_object *o = json_object_new_object();

	json_add(o, "machine", m->machine ? m->machine->name : NULL);
	json_add_number(o, "elf_machine", m->elf_machine);
	json_add_number(o, "bits", m->wide ? 64 : 32);
	struct json_object *tags = json_add_list(o, "modinfo");
	for (size_t i = 0; i < m->ntags; i++) {
		struct json_object *one = json_object_new_object();

		json_object_array_add(tags, one);
		json_add(one, "key", m->tags[i].key);
		json_add(one, "value", m->tags[i].value);
	}
	json_add(o, "versions", versions_of(m));
	struct json_object *crcs = json_add_object(o, "crcs");
	for (size_t i = 0; i < m->nversions; i++)
		json_add_number(crcs, m->versions[i].symbol, m->versions[i].crc);
	json_object_object_add(o, "signed", json_object_new_boolean(m->is_signed));
	json_object_object_add(o, "btf", json_object_new_boolean(m->btf));
	struct json_object *needs = json_add_list(o, "needs");
	for (size_t i = 0; i < m->nundefined; i++) {
		struct json_object *one = json_object_new_object();

		json_object_array_add(needs, one);
		json_add(one, "symbol", m->undefined[i].name);
		json_object_object_add(one, "weak",
				       json_object_new_boolean(m->undefined[i].weak));
	}
	struct json_object *exports = json_add_list(o, "exports");
	for (size_t i = 0; i < m->nexports; i++)
		json_push(exports, m->exports[i]);
	json_add(o, "damaged", m->damaged);
	return o;
}

/* --- a verdict ---------------------------------------------------------------------- */

static const char *const outcomes[] = {
	[OUTCOME_LOADS] = "would load",
	[OUTCOME_REFUSED] = "would not load",
	[OUTCOME_UNKNOWN] = "cannot be told",
};
void report_verdict(const char *against, const struct module *m,
		    const struct kernel_target *t, const struct verdict *v,
		    struct strbuf *out)
{
	strbuf_adds(out, "against ");
	add_text(out, against);
	strbuf_printf(out, ": %s\n", outcomes[v->outcome]);
	text_verdict(m, t, v, out);
}

static void add_slice(struct json_object *o, const char *key, struct str s)
{
	json_object_object_add(o, key, json_object_new_string_len(s.ptr, (int)s.len));
}

struct json_object *json_of_differences(const struct vermagic_verdict *v)
{
	static const char *const parts[] = {
		[VERMAGIC_RELEASE] = "release",
		[VERMAGIC_SMP] = "smp",
		[VERMAGIC_PREEMPT] = "preempt",
		[VERMAGIC_UNLOAD] = "mod_unload",
		[VERMAGIC_MODVERSIONS] = "modversions",
		[VERMAGIC_ARCH] = "arch",
		[VERMAGIC_ARCH_2] = "arch",
		[VERMAGIC_ARCH_3] = "arch",
		[VERMAGIC_RANDSTRUCT] = "randstruct",
	};
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < v->ndifferences; i++) {
		const struct vermagic_difference *d = &v->differences[i];
		struct json_object *one = json_object_new_object();

		json_object_array_add(list, one);
		json_add(one, "part", parts[d->part]);
		add_slice(one, "module", d->module);
		add_slice(one, "kernel", d->kernel);
		json_add(one, "why", d->why);
	}
	return list;
}

struct json_object *json_of_verdict(const struct kernel_target *t,
				    const struct verdict *v)
{
	static const char *const words[] = {[OUTCOME_LOADS] = "loads",
					    [OUTCOME_REFUSED] = "refused",
					    [OUTCOME_UNKNOWN] = "unknown"};
	static const char *const names[] = {[FINDING_REFUSE] = "refuse",
					    [FINDING_WARN] = "warn",
					    [FINDING_INFO] = "info"};
	struct json_object *o = json_object_new_object();

	json_add(o, "outcome", words[v->outcome]);
	json_add(o, "release", t->release);
	json_add(o, "vermagic", t->vermagic);
	if (v->compared)
		json_object_object_add(o, "differences",
				       json_of_differences(&v->vermagic));
	struct json_object *findings = json_add_list(o, "findings");
	for (size_t i = 0; i < v->n; i++) {
		struct json_object *one = json_object_new_object();

		json_object_array_add(findings, one);
		json_add(one, "level", names[v->findings[i].level]);
		json_add(one, "code", v->findings[i].code);
		json_add(one, "text", v->findings[i].text);
		json_add(one, "hint", v->findings[i].hint);
	}
	struct json_object *needs = json_add_list(o, "loaded_first");
	for (size_t i = 0; i < v->nneeds; i++)
		json_push(needs, v->needs[i]);
	struct json_object *unknown = json_add_list(o, "unknown");
	for (size_t i = 0; i < v->nunknown; i++)
		json_push(unknown, v->unknown[i]);
	return o;
}
