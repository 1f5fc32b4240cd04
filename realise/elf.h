/* SPDX-License-Identifier: MIT */
#pragma once
/* Which section of an ELF file a byte is in. Source: System V ABI, chapter 4. */
#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

/* The section's name; empty outside of all, or when it is no ELF file of our byte order.
 */
struct str elf_section_at(struct str file, size_t offset);
/*
 * This part of a file is the description of a build id: the 20 bytes after the head of a
 * GNU note of type 3, wherever that lies.
 */
bool elf_in_build_id(struct str file, struct str part);
