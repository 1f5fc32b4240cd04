/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Which store path a tree is: not what somebody says of it, but what its bytes, its
 * references and its name amount to. Whatever proves its path needs nobody's trust.
 *
 *	struct address_facts facts = {.refs = refs};
 *	if (address_read(dir, name, &facts, err) < 0)
 *		return -1;
 *	int proven = address_prove(dir, name, &facts, &info, &arena, err);
 *
 * Source of the rules: Nix manual, "Content-addressing store objects"; for trees that
 * refer to themselves Dolstra, "The Purely Functional Software Deployment Model",
 * section 6.4.2. Checked against vectors.
 */
#include "store/refs.h"
#include "store/store.h"

struct address_facts {
	struct refs *refs; /* in: look for these, or NULL */
	struct sha256 nar;
	uint64_t nar_size;
	bool is_text;        /* a single file, not executable */
	struct sha256 bytes; /* of that */
};

/* Reads a tree once. */
int address_read(int dir, const char *name, struct address_facts *facts,
		 struct error *err);
/*
 * Are the facts with info->refs the object info->path? Then 1, and info->nar, nar_size
 * and ca are set. 0: they prove nothing, -1.
 */
int address_prove(int dir, const char *name, const struct address_facts *facts,
		  struct path_info *info, struct arena *a, struct error *err);
