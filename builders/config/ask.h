/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Asks the kernel's own Kconfig what became of a configuration. Linked with the objects
 * of the tree's scripts/kconfig, so that there is no second opinion about what Kconfig
 * means. Its internals differ between releases: this header and tree.c hide that. What
 * is tested is the headers, never a version: build.sh defines
 *
 *	SYMBOLS_BY_INDEX  for_all_symbols takes an index
 *	PLACE_IS_NAME     menus and properties have `filename`, not `file`
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

// clang-format off: in this order
#include "lkc.h"
#if __has_include("internal.h")
#include "internal.h"
#endif
// clang-format on

#ifdef PLACE_IS_NAME
#define PLACE_FILE(x) ((x)->filename)
#else
#define PLACE_FILE(x) ((x)->file ? (x)->file->name : NULL)
#endif

#define PRINTF_LIKE __attribute__((format(printf, 3, 4)))

/* --- tree.c: the symbols -------------------------------------------------------------
 */

enum { DEFINITIONS = 8 };

struct request;

struct entry {
	struct symbol *sym;
	struct menu *at[DEFINITIONS]; /* where it is defined, some of it */
	int nat;
	struct menu *choice;     /* it is a member of this */
	struct request *request; /* the last that names it */
	const char *base;        /* its value in the base, as Kconfig text */
	int base_line;
	bool active; /* of a search: on the way to here */
	struct failed {
		unsigned search;
		int spend;
	} failed[2][3]; /* by what is wanted */
};

extern struct entry *entries; /* by name */
extern size_t nentries;

void tree_collect(void);
/* NULL: no such symbol, not even one that is only mentioned. */
struct entry *entry_of(const struct symbol *sym);
struct entry *entry_find(const char *name);
/* Some Kconfig file defines it. */
bool is_defined(const struct symbol *sym);
bool is_tristate_like(const struct symbol *sym);
bool is_bool(const struct symbol *sym);
bool has_prompt(const struct symbol *sym);
/* y, m, n or the text; `n` for what is not written to a .config. */
const char *value_of(struct symbol *sym);
/* The same of bool and tristate symbols and of constants. */
tristate level_of(struct symbol *sym);
/* The member of that choice that is on, or NULL. */
struct symbol *choice_winner(const struct menu *choice);
bool in_choice(const struct menu *choice, const struct symbol *sym);
/* FILE:LINE of its first definition, "" without one; static storage. */
const char *place_of(const struct symbol *sym);
const char *place_text(const char *file, int line);
char letter_of(tristate t);

/* `selector` selects or implies `target`, if `prop` is visible. */
struct selection {
	struct symbol *target, *selector;
	struct property *prop;
};

/* All selections of a symbol, *n of them. */
const struct selection *selections_of(const struct symbol *target, size_t *n);
/* It is on now, and by how much. */
tristate selection_level(const struct selection *s);
/* The default that counts, or NULL. */
struct property *default_of(struct symbol *sym);

/* --- requests.c: what was asked for, and Kconfig's answer --------------------------- */

struct request {
	const char *how; /* set, wish, or a fragment's name */
	int line;        /* in the fragment */
	const char *symbol;
	const char *value;   /* plain text */
	const char *text;    /* as it stands in a .config */
	struct entry *entry; /* NULL: there is no such symbol */
	bool last;           /* nobody asks for the symbol after it */
};

struct change {
	struct symbol *sym;
	tristate to;
};

struct asking {
	struct request *v;
	size_t n;
	bool builtin; /* =m that nobody asked for by name becomes =y */
	bool base_is_file;
	const char *base_name, *arch, *srctree, *renamed;
};

extern struct asking asking;

bool is_set(const struct request *r);
int requests_read(const char *base, const char *asked);
/* Kconfig's answer to base, requests and changes, of which the last come last. */
int resolve(const struct change *changes, size_t n);
const char *quoted(const char *text);
/* The lines of the base, but for the symbols marked. */
void base_lines(FILE *f, const bool *without);
/* The rows of report.tsv for what a file as base has. */
void base_rows(FILE *f);
/* Kconfig has what r asks for. */
bool is_granted(const struct request *r);
/* Symbol's value as Kconfig or a fragment writes it, as plain text. */
const char *plain(const char *text);

/* --- solve.c: what would have to change --------------------------------------------- */

enum { CHANGES_MAX = 24, COST_MAX = 64, HOPELESS = 1000 };

struct plan {
	struct change v[CHANGES_MAX];
	size_t n;
	int cost;
};

/* What is wanted of a symbol. */
enum want { AT_LEAST, AT_MOST };

static inline bool reached(tristate value, enum want want, tristate level)
{
	return want == AT_LEAST ? value >= level : value <= level;
}

/*
 * The cheapest changes known that make it so, beyond those plan has; a guess that
 * resolve() has to confirm. False: there are none.
 */
bool solve(struct symbol *sym, enum want want, tristate level, struct plan *plan);
/* The same for a symbol whose visibility is all that is wanted (numbers, texts). */
bool solve_visible(struct symbol *sym, struct plan *plan);

struct unmet {
	struct symbol *sym;
	enum want want;
	tristate level;
	struct expr *compare; /* of a comparison, whose left side sym is */
	bool possible;
};

/* What it would cost to change it, HOPELESS if nothing is known to. */
int solve_cost(const struct unmet *u);

/* --- atoms.c: the smallest unmet part
 * ---------------------------------------------------- */

/* The condition that keeps sym from that level: of its prompt, its default, selects. */
size_t unmet_of(struct symbol *sym, enum want want, tristate level, struct unmet *out,
		size_t max);

/* --- names.c: symbols that are not there ---------------------------------------------
 */

/* The new name of a symbol that was renamed and is there; NULL; "" it was removed. */
const char *renamed_to(const char *symbol, const char **since);
/* Up to max names that look like it. */
size_t names_near(const char *symbol, const char **out, size_t max);
/* Where a Kconfig file that this architecture does not include defines it, or NULL. */
const char *defined_elsewhere(const char *symbol);

/* --- propose.c: a change that is checked ----------------------------------------------
 */

/* What somebody wants: a bool or tristate at a level, anything else to be granted. */
struct goal {
	struct request *request; /* NULL: nobody asked, this is a question */
	struct symbol *sym;
	enum want want;
	tristate level;
};

bool goal_reached(const struct goal *g);
/*
 * Changes under which Kconfig grants it, none of which can be left out; Kconfig's state
 * is the old one afterwards. Requests that are no longer granted then are in broken[].
 */
bool propose(const struct goal *g, struct plan *plan, const struct request **broken,
	     size_t *nbroken);

/* --- reasons.c: who is in the way
 * --------------------------------------------------------- */

enum { REASONS_MAX = 10 };

struct reason {
	const struct symbol *sym;
	char text[512];
};

struct reasons {
	struct reason v[REASONS_MAX];
	size_t n;
};

/* Why sym is not what is wanted: what is unmet, who made it so, and what that needs. */
void reasons_of(const struct goal *g, struct reasons *out);
PRINTF_LIKE void reason_add(struct reasons *out, const struct symbol *sym,
			    const char *fmt, ...);
/* Who gave it its value: a request, a select, the base, a default. Static storage. */
const char *origin_of(struct entry *e);

/* --- verdict.c, json.c, dump.c
 * ---------------------------------------------------------------
 */

enum { BROKEN_MAX = 4 };

struct verdict {
	const struct request *r; /* NULL: an explanation */
	struct symbol *sym;      /* NULL: there is none */
	const char *word, *got;
	struct reasons reasons;
	struct plan plan;
	bool proposed;
	const char *instead; /* text of a proposal that is no plan: a number, a name */
	const char *instead_symbol;
	const struct request *broken[BROKEN_MAX];
	size_t nbroken;
};

/* One line, docs/config.md says of what. */
void verdict_json(FILE *out, const struct verdict *v);
/*
 * Prints `@kbuild` lines, writes report.tsv and verdicts.jsonl. Returns 4 if a set was
 * not granted, else 0.
 */
int verdicts_write(void);
/* The same for symbols nobody asked for: what would raise them, as explain.jsonl. */
int explanations_write(const char *symbols);
/* Of the configuration as it is: a fragment that makes it of the base; -1 if none does.
 */
int fragment_write(const char *path);
/* Every symbol as a line of symbols.tsv. */
int symbols_write(void);
