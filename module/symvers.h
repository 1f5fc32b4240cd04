/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Module.symvers: what a kernel and its modules export. Lines of
 *	CRC \t SYMBOL \t MODULE \t EXPORT_SYMBOL[_GPL] [\t NAMESPACE]
 * Linux 5.4 and 5.5 had the namespace third.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

struct symvers_entry {
	const char *name;
	uint32_t crc, hash;
	const char *module;     /* "vmlinux", or the path of a module without .ko; "" */
	const char *name_space; /* "": none */
	bool gpl;
};

/* A table of its own: it is read for each verdict, whose texts it lends of the arena. */
struct symvers {
	struct symvers_entry *entries;
	size_t n, cap;
	uint32_t *slots; /* index + 1 into entries, 0 is free */
	size_t nslots;
};

/* A line of another shape is an error with its number. */
int symvers_read(struct symvers *s, struct str text, struct arena *a, struct error *err);
/* Symbols of which only the name is known, one a line; no CRC is 0. */
void symvers_add_names(struct symvers *s, struct str text, struct arena *a);
/* NULL: not exported. */
const struct symvers_entry *symvers_find(const struct symvers *s, const char *symbol);
void symvers_finish(struct symvers *s);
