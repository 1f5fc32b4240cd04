/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Little endian ELF files, 32 and 64 bit, from anybody: every offset is checked where it
 * is used. Slices point into the file. Source: System V ABI, chapter 4.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

struct elf {
	struct str file;
	bool wide; /* 64 bit */
	uint16_t type, machine;
	uint64_t sections; /* offset of their table */
	size_t nsections, names;
};

struct elf_section {
	struct str name;
	uint32_t type, link, info;
	uint64_t flags, offset, size;
	struct str data; /* empty when it takes no bytes of the file */
};

struct elf_symbol {
	struct str name;
	uint64_t value;
	unsigned bind, type, section;
};

struct elf_relocation {
	uint64_t offset;
	uint32_t symbol, type;
};

/* Its header and that the table of sections is inside. */
int elf_open(struct elf *e, struct str file, struct error *err);
/* Section i below nsections, with its bytes inside of the file. */
int elf_section(const struct elf *e, size_t i, struct elf_section *s, struct error *err);
/* 1 found, 0 none of that name or type (SHT_NULL: any), -1 it is broken. */
int elf_find(const struct elf *e, const char *name, uint32_t type, struct elf_section *s,
	     struct error *err);
/* How many entries a table has; what is in each. Names are empty if out of bounds. */
size_t elf_symbol_count(const struct elf *e, const struct elf_section *table);
struct elf_symbol elf_symbol(const struct elf *e, const struct elf_section *table,
			     struct str names, size_t i);
size_t elf_relocation_count(const struct elf *e, const struct elf_section *table);
struct elf_relocation elf_relocation(const struct elf *e, const struct elf_section *table,
				     size_t i);

/* A little endian number of n bytes. */
uint64_t elf_number(const char *p, size_t n);
/* The text that begins there, up to its NUL or the end; empty when outside. */
struct str elf_text(struct str data, uint64_t at);

/* The section's name a byte is in; empty outside of all, or if it is no such ELF file. */
struct str elf_section_at(struct str file, size_t offset);
/*
 * This part of a file is the description of a build id: the 20 bytes after the head of a
 * GNU note of type 3, wherever that lies.
 */
bool elf_in_build_id(struct str file, struct str part);
