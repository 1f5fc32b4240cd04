/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A kernel module's file as data: what it says of itself, what it needs, what a kernel
 * would look at before it takes it. The file may come from anybody.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "module/btf.h"
#include "module/machine.h"

struct module_tag {
	const char *key, *value;
};

struct module_version {
	const char *symbol;
	uint32_t crc;
	size_t at; /* its place in the file: of two for one symbol the first counts */
};

struct module_symbol {
	const char *name;
	bool weak;
};

struct module {
	const struct machine *machine; /* NULL: none we know, see elf_machine */
	uint16_t elf_machine;
	bool wide;
	uint16_t elf_type;

	struct module_tag *tags; /* .modinfo, in its order */
	size_t ntags;
	const char *name, *vermagic, *license; /* the first of each, NULL: none */

	struct module_version *versions; /* the CRCs it was built with, sorted, unique */
	size_t nversions;
	bool has_versions; /* there is such a section, even an empty one */
	bool extended;     /* in the newer form */

	struct module_symbol *undefined; /* what it needs, in the table's order */
	size_t nundefined;
	const char **exports; /* what it gives others */
	size_t nexports;

	uint64_t struct_size; /* of its struct module, 0: it has none */
	bool is_signed;
	bool btf, btf_base;  /* type information; with what it takes from the kernel */
	struct btf types;    /* zero: none, or broken */
	const char *damaged; /* why no kernel would load it, NULL: nothing was found */
	uint32_t unknown_relocation; /* the first type its machine's loader refuses, or 0
				      */
	const char *relocated;       /* the section that has it */
};

/* Not an ELF file, or broken where we have to read it: -1. All lives in the arena. */
int module_read(struct str file, struct arena *a, struct module *out, struct error *err);
/* The first value of a tag after `from` (NULL: the first at all); NULL when no more. */
const struct module_tag *module_tag(const struct module *m, const char *key,
				    const struct module_tag *from);
/* The CRC it expects of a symbol; NULL if it says nothing. */
const uint32_t *module_crc(const struct module *m, const char *symbol);
/* Symbols for the GPL only are there for it. */
bool module_is_gpl(const struct module *m);
