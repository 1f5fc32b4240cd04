/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Would a kernel load a module? What the kernel's loader checks, checked before: each
 * finding is one reason, with what to change.
 */
#include "base/arena.h"
#include "module/module.h"
#include "module/target.h"
#include "module/vermagic.h"

enum finding_level { FINDING_REFUSE, FINDING_WARN, FINDING_INFO };

struct finding {
	enum finding_level level;
	const char *code;        /* for programs: "vermagic", "symbol-missing" ... */
	const char *text, *hint; /* hint may be NULL */
};

enum outcome { OUTCOME_LOADS, OUTCOME_REFUSED, OUTCOME_UNKNOWN };

struct verdict {
	enum outcome outcome;
	struct finding *findings;
	size_t n, cap;
	bool compared; /* both sides have a vermagic: `vermagic` is the comparison */
	struct vermagic_verdict vermagic;
	const char **unknown; /* why nothing can be told of it */
	size_t nunknown, unknown_cap;
	const char **needs; /* modules to be loaded before */
	size_t nneeds, needs_cap;
};

/* All lives in the arena. */
void verdict_make(const struct module *m, const struct kernel_target *t, struct arena *a,
		  struct verdict *out);
