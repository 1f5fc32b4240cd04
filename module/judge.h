/* SPDX-License-Identifier: MIT */
#pragma once
/* A verdict while it is being made; for verdict*.c only. */
#include "module/verdict.h"

struct judge {
	const struct module *m;
	const struct kernel_target *t;
	struct arena *a;
	struct verdict *v;
	bool crcs; /* the kernel compares CRCs */
};

#define FIND(j, level, code, hint, ...)                                                  \
	judge_add((j), (level), (code), (hint), arena_printf((j)->a, __VA_ARGS__))
#define UNKNOWN(j, ...)                                                                  \
	(ARENA_PUSH((j)->a, (j)->v->unknown, (j)->v->nunknown, (j)->v->unknown_cap) =    \
		 arena_printf((j)->a, __VA_ARGS__))

void judge_add(struct judge *j, enum finding_level level, const char *code,
	       const char *hint, const char *text);
/* The kernel's configuration is known, and has the symbol. */
bool judge_config(const struct judge *j, const char *symbol);

void judge_symbols(struct judge *j);
