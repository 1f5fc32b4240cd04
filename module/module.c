// SPDX-License-Identifier: MIT
#include "module/module.h"

#include <elf.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "module/elf.h"

static const char signature[] = "~Module signature appended~\n";
/* The two shapes of an entry of __versions: a word of the machine, and the name. */
enum { VERSION_SIZE = 64 };

struct reader {
	struct elf elf;
	struct module *m;
	struct arena *a;
};

static int find(struct reader *r, const char *name, struct elf_section *s,
		struct error *err)
{
	return elf_find(&r->elf, name, SHT_NULL, s, err);
}

static int read_tags(struct reader *r, struct error *err)
{
	struct module *m = r->m;
	struct elf_section s;
	size_t cap = 0;
	int found = find(r, ".modinfo", &s, err);

	if (found <= 0)
		return found;
	for (size_t at = 0; at < s.data.len;) {
		struct str value = elf_text(s.data, at);
		at += value.len + 1;
		struct str key = str_cut(&value, '=');
		if (!value.ptr)
			continue;
		ARENA_PUSH(r->a, m->tags, m->ntags, cap) = (struct module_tag){
			arena_strndup(r->a, key.ptr, key.len),
			arena_strndup(r->a, value.ptr, value.len),
		};
	}
	const struct module_tag *t = module_tag(m, "name", NULL);
	m->name = t ? t->value : NULL;
	t = module_tag(m, "vermagic", NULL);
	m->vermagic = t ? t->value : NULL;
	t = module_tag(m, "license", NULL);
	m->license = t ? t->value : NULL;
	return 0;
}

static void add_version(struct reader *r, size_t *cap, struct str name, uint64_t crc)
{
	struct module *m = r->m;
	size_t at = m->nversions;

	ARENA_PUSH(r->a, m->versions, m->nversions, *cap) = (struct module_version){
		arena_strndup(r->a, name.ptr, name.len), (uint32_t)crc, at};
}

static int by_symbol(const void *a, const void *b)
{
	const struct module_version *x = a, *y = b;

	return strcmp(x->symbol, y->symbol);
}

static int by_symbol_and_place(const void *a, const void *b)
{
	const struct module_version *x = a, *y = b;
	int res = by_symbol(a, b);

	return res ? res : (x->at > y->at) - (x->at < y->at);
}

/* A kernel that knows the newer form believes only it. */
static int read_versions(struct reader *r, struct error *err)
{
	struct elf_section crcs, names, old;
	size_t cap = 0, at = 0, word = r->elf.wide ? 8 : 4;
	int extended = find(r, "__version_ext_crcs", &crcs, err);
	int named = find(r, "__version_ext_names", &names, err);
	int found = find(r, "__versions", &old, err);

	if (extended < 0 || named < 0 || found < 0)
		return -1;
	r->m->extended = extended && named;
	r->m->has_versions = r->m->extended || found;
	if (extended != named)
		r->m->damaged = "it has symbol versions without names";
	if (r->m->extended) {
		for (size_t i = 0; i + 4 <= crcs.data.len; i += 4) {
			struct str name = elf_text(names.data, at);

			at += name.len + 1;
			add_version(r, &cap, name, elf_number(crcs.data.ptr + i, 4));
		}
		if (at > names.data.len)
			r->m->damaged = "it has more symbol versions than names";
		return 0;
	}
	for (size_t i = 0; found && i + VERSION_SIZE <= old.data.len; i += VERSION_SIZE)
		add_version(
			r, &cap,
			elf_text((struct str){old.data.ptr, i + VERSION_SIZE}, i + word),
			elf_number(old.data.ptr + i, word));
	return 0;
}

static void sort_versions(struct module *m)
{
	size_t n = 0;

	if (m->nversions)
		qsort(m->versions, m->nversions, sizeof(*m->versions),
		      by_symbol_and_place);
	for (size_t i = 0; i < m->nversions; i++)
		if (n == 0 || by_symbol(&m->versions[n - 1], &m->versions[i]) != 0)
			m->versions[n++] = m->versions[i];
	m->nversions = n;
}

/* What neither a kernel nor its module loader resolves. */
static bool is_ignored(const struct reader *r, struct str name)
{
	uint16_t m = r->elf.machine;

	return !name.len ||
	       ((m == EM_386 || m == EM_X86_64) &&
		str_is(name, "_GLOBAL_OFFSET_TABLE_")) ||
	       (m == EM_PPC64 && str_is(name, ".TOC."));
}

static int read_symbols(struct reader *r, struct error *err)
{
	struct module *m = r->m;
	struct elf_section table, names;
	size_t cap = 0, exported = 0;
	int found = elf_find(&r->elf, ".symtab", SHT_SYMTAB, &table, err);

	if (found < 0)
		return -1;
	if (!found || table.link >= r->elf.nsections) {
		m->damaged = "it has no symbols: it was stripped too much";
		return 0;
	}
	if (elf_section(&r->elf, table.link, &names, err) < 0)
		return -1;
	size_t n = elf_symbol_count(&r->elf, &table), total = 0;
	for (size_t i = 1; i < n; i++) {
		struct elf_symbol s = elf_symbol(&r->elf, &table, names.data, i);

		total += s.name.len;
		if (total / 16 > names.data.len + 256)
			return error_class(
				err, ERROR_RECIPE,
				"the names of its symbols lie over each other");
		if (s.section == SHN_UNDEF && !is_ignored(r, s.name))
			ARENA_PUSH(r->a, m->undefined, m->nundefined, cap) =
				(struct module_symbol){
					arena_strndup(r->a, s.name.ptr, s.name.len),
					s.bind == STB_WEAK};
		if (s.section != SHN_UNDEF && s.name.len > 10 &&
		    memcmp(s.name.ptr, "__ksymtab_", 10) == 0)
			ARENA_PUSH(r->a, m->exports, m->nexports, exported) =
				arena_strndup(r->a, s.name.ptr + 10, s.name.len - 10);
		if (s.section >= r->elf.nsections && s.section < SHN_LORESERVE)
			m->damaged = "a symbol is in a section that is not there";
	}
	return 0;
}

/* Relocations of what is loaded; the table of symbols they use has `nsymbols`. */
static void look_at_relocations(struct reader *r, const struct elf_section *table,
				const struct elf_section *target, size_t nsymbols)
{
	struct module *m = r->m;
	size_t n = elf_relocation_count(&r->elf, table);

	for (size_t i = 0; i < n; i++) {
		struct elf_relocation one = elf_relocation(&r->elf, table, i);

		if (one.offset >= target->size || one.symbol >= nsymbols)
			m->damaged = "a relocation points outside";
		if (m->machine && !m->unknown_relocation &&
		    !machine_relocates(m->machine, one.type)) {
			m->unknown_relocation = one.type;
			m->relocated =
				arena_strndup(r->a, target->name.ptr, target->name.len);
		}
	}
}

static int read_relocations(struct reader *r, struct error *err)
{
	struct elf_section table, target, symbols;

	for (size_t i = 1; i < r->elf.nsections; i++) {
		if (elf_section(&r->elf, i, &table, err) < 0)
			return -1;
		/* MIPS has its own layout of these. */
		if ((table.type != SHT_REL && table.type != SHT_RELA) ||
		    r->elf.machine == EM_MIPS)
			continue;
		if (table.info >= r->elf.nsections || table.link >= r->elf.nsections) {
			r->m->damaged = "relocations belong to no section";
			continue;
		}
		if (elf_section(&r->elf, table.info, &target, err) < 0 ||
		    elf_section(&r->elf, table.link, &symbols, err) < 0)
			return -1;
		if (target.flags & SHF_ALLOC)
			look_at_relocations(r, &table, &target,
					    elf_symbol_count(&r->elf, &symbols));
	}
	return 0;
}

static int read_rest(struct reader *r, struct error *err)
{
	struct module *m = r->m;
	struct elf_section s;
	size_t n = sizeof(signature) - 1;
	struct str file = r->elf.file;
	int found = find(r, ".gnu.linkonce.this_module", &s, err);

	if (found < 0)
		return -1;
	m->struct_size = found ? s.size : 0;
	m->is_signed = file.len > n && !memcmp(file.ptr + file.len - n, signature, n);
	int btf = find(r, ".BTF", &s, err);
	m->btf = btf > 0;
	if (m->btf && !btf_read(s.data, &m->types))
		m->types = (struct btf){0};
	int base = find(r, ".BTF.base", &s, err);
	m->btf_base = base > 0;
	if (!m->damaged && m->elf_type != ET_REL)
		m->damaged = "it is linked: expected a relocatable file";
	if (!m->damaged && !found)
		m->damaged =
			"it has no section .gnu.linkonce.this_module: it is an object "
			"file, not a module";
	return btf < 0 || base < 0 ? -1 : 0;
}

int module_read(struct str file, struct arena *a, struct module *out, struct error *err)
{
	struct reader r = {.m = out, .a = a};

	*out = (struct module){0};
	if (elf_open(&r.elf, file, err) < 0)
		return -1;
	out->elf_machine = r.elf.machine;
	out->elf_type = r.elf.type;
	out->wide = r.elf.wide;
	out->machine = machine_of_elf(r.elf.machine, r.elf.wide);
	if (read_tags(&r, err) < 0 || read_versions(&r, err) < 0 ||
	    read_symbols(&r, err) < 0 || read_relocations(&r, err) < 0)
		return -1;
	sort_versions(out);
	return read_rest(&r, err);
}

const struct module_tag *module_tag(const struct module *m, const char *key,
				    const struct module_tag *from)
{
	for (size_t i = from ? (size_t)(from - m->tags) + 1 : 0; i < m->ntags; i++)
		if (strcmp(m->tags[i].key, key) == 0)
			return &m->tags[i];
	return NULL;
}

const uint32_t *module_crc(const struct module *m, const char *symbol)
{
	const struct module_version key = {.symbol = symbol};
	const struct module_version *found =
		m->nversions
			? bsearch(&key, m->versions, m->nversions, sizeof(key), by_symbol)
			: NULL;

	return found ? &found->crc : NULL;
}

/* license_is_gpl_compatible of include/linux/license.h. */
bool module_is_gpl(const struct module *m)
{
	static const char *const free_ones[] = {
		"GPL",          "GPL v2",       "GPL and additional rights",
		"Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL",
	};

	for (size_t i = 0; m->license && i < ARRAY_LEN(free_ones); i++)
		if (strcmp(m->license, free_ones[i]) == 0)
			return true;
	return false;
}
