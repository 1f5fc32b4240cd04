/* SPDX-License-Identifier: MIT */
#pragma once
/* The machines kernels run on: how ELF and a configuration name them. */
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "module/kconfig.h"

struct machine {
	const char *name;
	uint16_t elf;
	bool wide;
	const char *symbol; /* what its configuration has, without CONFIG_ */
	/* the relocation types its loader knows, ended by 0 (which all know); NULL: not
	 * known here */
	const uint16_t *relocations;
};

/* NULL if it is none of ours. */
const struct machine *machine_of_elf(uint16_t elf, bool wide);
const struct machine *machine_named(const char *name);
const struct machine *machine_of_config(const struct kconfig *config);
/* What `uname -m` says of it: armv7l. 32 bit programs on arm64 are told armv8l. */
const struct machine *machine_of_uname(struct str word);
/* Would its loader apply a relocation of this type? */
bool machine_relocates(const struct machine *m, uint32_t type);
