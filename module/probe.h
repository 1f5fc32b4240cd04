/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What is known of a machine that runs, from what its owner saved of it: each file is
 * known by what is in it, whatever its name. All is kept with the place it was found at,
 * so that two that contradict each other can both be named.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "module/kconfig.h"
#include "module/machine.h"

enum probe_fact {
	FACT_RELEASE,
	FACT_ARCH, /* the name of `machine` */
	FACT_VERMAGIC,
	FACT_UNAME,
	FACT_COMPILER,
	FACT_SIG_ENFORCE, /* y or n */
	FACT_CONFIG,
	FACT_SYMVERS,
	FACT_EXPORTS, /* names, sorted, one a line */
	FACT_BTF,
	PROBE_FACTS
};

struct found {
	struct str text;  /* ptr NULL: it was not */
	const char *file; /* as the user calls it */
	size_t line;      /* 0: the file as a whole */
};

struct probe {
	struct arena *a; /* all lives there */
	struct found facts[PROBE_FACTS];
	const struct machine *machine;
	struct kconfig config;       /* of FACT_CONFIG */
	struct found config_version; /* what its head says */
	const char **remarks;
	size_t nremarks, remarks_cap;
};

struct probe_name {
	const char *name, *what;
	const char
		*where; /* it can be had, for who did not find it; NULL: no need to say */
};
extern const struct probe_name probe_names[PROBE_FACTS];

enum { PROBE_FILE_MAX = 1 << 30 };

/*
 * Adds what a file says, which may be packed. Not known, damaged or contradicting
 * another: -1. The bytes may go afterwards.
 */
int probe_add(struct probe *p, const char *file, struct str bytes, struct error *err);
/* A fact from elsewhere: an option, the name of a directory. */
int probe_say(struct probe *p, enum probe_fact fact, struct str text, const char *file,
	      size_t line, struct error *err);
PRINTF(2, 3) void probe_remark(struct probe *p, const char *fmt, ...);
/* Once all is added: does it fit together, and is there a release and a machine? */
int probe_complete(struct probe *p, struct error *err);
/* It is not there and would be of use. */
bool probe_misses(const struct probe *p, enum probe_fact fact);
void probe_finish(struct probe *p);

/* --- between its files -------------------------------------------------------------- */

/* Keeps a fact, copied; one that differs from an earlier one is an error with both. */
int probe_set(struct probe *p, enum probe_fact fact, struct found now, struct error *err);
/* NULL: nothing is known. */
int probe_set_machine(struct probe *p, const struct machine *m, const char *file,
		      size_t line, struct error *err);
/* A vermagic; one that was copied by hand loses its blank at the end. */
int probe_vermagic(struct probe *p, struct str text, const char *file, size_t line,
		   struct error *err);
/* The facts of a text that is no list of symbols and no configuration. 0: none. */
int probe_text(struct probe *p, const char *file, struct str text, struct error *err);
