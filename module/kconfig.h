/* SPDX-License-Identifier: MIT */
#pragma once
/* The .config of a kernel as it was built: what each symbol is. */
#include <stdbool.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/str.h"

struct kconfig {
	struct map
		values; /* symbol without CONFIG_ -> its text, unquoted, in the arena */
};

/* Lines that set nothing are ignored. */
void kconfig_read(struct kconfig *c, struct str text, struct arena *a);
/* NULL: n, or no such symbol. */
const char *kconfig_get(const struct kconfig *c, const char *symbol);
/* It is y (or m). */
bool kconfig_is(const struct kconfig *c, const char *symbol);
void kconfig_finish(struct kconfig *c);
