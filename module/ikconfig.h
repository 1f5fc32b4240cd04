/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The configuration inside of a kernel with CONFIG_IKCONFIG: gzip behind IKCFG_ST
 * (kernel/configs.c). The kernel may be packed; configs.ko has it, too.
 */
#include <stdbool.h>

#include "base/str.h"

/* Of a file that is not packed; the text is appended to out. */
bool ikconfig_find(struct str file, struct strbuf *out);
/* Of any image. */
bool ikconfig_read(struct str file, struct strbuf *out);
