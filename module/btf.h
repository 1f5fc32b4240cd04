/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The type information of modules (.BTF), as far as it tells which kernel it counts on:
 * names are offsets into the kernel's names followed by the module's own. Source:
 * Documentation/bpf/btf.rst.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct btf {
	uint32_t own;   /* bytes of its own names */
	uint32_t reach; /* the largest offset of a name that the kernel looks at */
	uint32_t base;  /* bytes of names of the kernel it was made for; 0: not known */
};

/* A module's section. False: it is broken. */
bool btf_read(struct str section, struct btf *out);
/* Bytes of names in the kernel's own (vmlinux's section, /sys/kernel/btf/vmlinux). */
bool btf_names_len(struct str section, uint32_t *n);
