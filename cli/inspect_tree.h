/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * All modules of a directory, or of an initramfs: against one kernel, or each against the
 * release whose folder of lib/modules it is in.
 */
#include "cli/against.h"

/* A directory, or (read) a file whose unpacked bytes are an archive. */
bool inspect_is_tree(const char *path, struct str bytes);
/* `against`: the kernel's name if x->target is one, else NULL. The exit code, or -1. */
int inspect_tree(struct cli *cli, const char *path, struct str bytes, const char *against,
		 struct against *x, struct error *err);
