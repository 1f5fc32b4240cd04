/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Archives of an initramfs (Documentation/driver-api/early-userspace/buffer-format.rst),
 * not packed, from anybody. Slices point into the archive.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct cpio_entry {
	struct str name, data;
	uint32_t mode;
};

bool cpio_is(struct str file);
/*
 * The next entry; rest is what follows it. 0 at the end of this archive: others may
 * follow, packed or not, after zeros. -1: it is damaged.
 */
int cpio_next(struct str *rest, struct cpio_entry *out);
