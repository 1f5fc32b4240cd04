/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The version magic of modules: the kernel's release and words for what changes its
 * binary interface, as include/linux/vermagic.h and asm/vermagic.h compose it. It ends in
 * a blank unless its last word is the architecture's own.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "module/kconfig.h"

/* The parts in their order; one side may lack any but the release. */
enum vermagic_part {
	VERMAGIC_RELEASE,
	VERMAGIC_SMP,
	VERMAGIC_PREEMPT,
	VERMAGIC_UNLOAD,
	VERMAGIC_MODVERSIONS,
	VERMAGIC_ARCH,   /* ARMv7, aarch64, 686 */
	VERMAGIC_ARCH_2, /* thumb2, 64BIT, relocatable */
	VERMAGIC_ARCH_3, /* p2v8 */
	VERMAGIC_RANDSTRUCT,
	VERMAGIC_PARTS
};

struct vermagic {
	struct str part[VERMAGIC_PARTS]; /* empty: it has no such word */
};

/*
 * Releases may have blanks, so a text is taken apart from its end: what is no word in its
 * order belongs to the release.
 */
struct vermagic vermagic_split(struct str text);
/* Its last word is one of those that have no blank behind them. */
bool vermagic_ends_bare(struct str text);

struct vermagic_difference {
	enum vermagic_part part;
	struct str module, kernel;
	const char *why; /* which configuration symbol or file makes this part, and how */
};

struct vermagic_verdict {
	bool same;                   /* what the kernel compares is equal */
	size_t module_at, kernel_at; /* the first different letters */
	struct vermagic_difference differences[VERMAGIC_PARTS];
	size_t ndifferences; /* may be 0 when only blanks differ */
};

/*
 * As the kernel does it: up to the first blank is ignored when the module has CRCs and
 * the kernel checks them (crcs).
 */
struct vermagic_verdict vermagic_compare(struct str module, struct str kernel, bool crcs);

/*
 * What a kernel of this release and configuration has. False: which words its
 * architecture adds is not known here; they are missing then. randstruct is a whole word,
 * or NULL.
 */
bool vermagic_compose(const char *release, const struct kconfig *config,
		      const char *randstruct, struct strbuf *out);
