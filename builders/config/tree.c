// SPDX-License-Identifier: MIT
#include "ask.h"

#include <string.h>

struct entry *entries;
size_t nentries;
static size_t cap;

static void add(struct symbol *sym)
{
	if (!sym->name || (sym->flags & SYMBOL_CONST))
		return;
	if (nentries == cap) {
		cap = cap ? cap * 2 : 4096;
		entries = realloc(entries, cap * sizeof(*entries));
		if (!entries)
			abort();
	}
	entries[nentries++] = (struct entry){.sym = sym};
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->sym->name,
		      ((const struct entry *)b)->sym->name);
}

static void walk(struct menu *m, struct menu *choice)
{
	for (; m; m = m->next) {
		struct entry *e = m->sym && m->sym->name ? entry_of(m->sym) : NULL;

		if (e && e->nat < DEFINITIONS)
			e->at[e->nat++] = m;
		if (e && choice && sym_is_choice_value(m->sym))
			e->choice = choice;
		walk(m->list, m->sym && sym_is_choice(m->sym) ? m : choice);
	}
}

void tree_collect(void)
{
	struct symbol *sym;
#ifdef SYMBOLS_BY_INDEX
	int i;

	for_all_symbols(i, sym) add(sym);
#else
	for_all_symbols(sym) add(sym);
#endif
	qsort(entries, nentries, sizeof(*entries), by_name);
	walk(rootmenu.list, NULL);
}

struct entry *entry_find(const char *name)
{
	struct symbol key = {.name = (char *)name};
	struct entry probe = {.sym = &key};

	return bsearch(&probe, entries, nentries, sizeof(*entries), by_name);
}

struct entry *entry_of(const struct symbol *sym)
{
	struct entry *e = sym->name ? entry_find(sym->name) : NULL;

	return e && e->sym == sym ? e : NULL;
}

bool is_defined(const struct symbol *sym)
{
	return sym->type != S_UNKNOWN;
}

bool is_tristate_like(const struct symbol *sym)
{
	return sym->type == S_BOOLEAN || sym->type == S_TRISTATE;
}

bool is_bool(const struct symbol *sym)
{
	return sym->type == S_BOOLEAN;
}

bool has_prompt(const struct symbol *sym)
{
	for (const struct property *p = sym->prop; p; p = p->next)
		if (p->text)
			return true;
	return false;
}

const char *value_of(struct symbol *sym)
{
	sym_calc_value(sym);
	if (!(sym->flags & SYMBOL_WRITE))
		return "n";
	const char *s = sym_get_string_value(sym);
	return s ? s : "";
}

tristate level_of(struct symbol *sym)
{
	sym_calc_value(sym);
	return sym->curr.tri;
}

char letter_of(tristate t)
{
	return "nmy"[t];
}

bool in_choice(const struct menu *choice, const struct symbol *sym)
{
	struct entry *e = entry_of(sym);

	return e && e->choice == choice;
}

static struct symbol *winner_below(struct menu *m)
{
	for (; m; m = m->next) {
		if (m->sym && m->sym->name && sym_is_choice_value(m->sym) &&
		    level_of(m->sym) == yes)
			return m->sym;
		struct symbol *deeper = winner_below(m->list);
		if (deeper)
			return deeper;
	}
	return NULL;
}

struct symbol *choice_winner(const struct menu *choice)
{
	return winner_below(choice->list);
}

const char *place_text(const char *file, int line)
{
	static char text[4][512];
	static int turn;

	turn = (turn + 1) % 4;
	if (!file)
		return "";
	size_t n = strlen(asking.srctree);
	if (strncmp(file, asking.srctree, n) == 0 && file[n] == '/')
		file += n + 1;
	snprintf(text[turn], sizeof(text[turn]), "%s:%d", file, line);
	return text[turn];
}

const char *place_of(const struct symbol *sym)
{
	const struct entry *e = entry_of(sym);

	return e && e->nat ? place_text(PLACE_FILE(e->at[0]), e->at[0]->lineno) : "";
}

/* --- selects and implies
 * ---------------------------------------------------------------- */

static struct selection *selections;
static size_t nselections, selections_cap;

static void add_selection(struct symbol *sym, struct property *prop)
{
	if (prop->type != P_SELECT && prop->type != P_IMPLY)
		return;
	if (nselections == selections_cap) {
		selections_cap = selections_cap ? 2 * selections_cap : 4096;
		selections = realloc(selections, selections_cap * sizeof(*selections));
		if (!selections)
			abort();
	}
	selections[nselections++] = (struct selection){prop_get_symbol(prop), sym, prop};
}

static int by_target(const void *a, const void *b)
{
	const struct selection *x = a, *y = b;
	int order = strcmp(x->target->name, y->target->name);

	return order ? order : strcmp(x->selector->name, y->selector->name);
}

static void collect_selections(void)
{
	for (size_t i = 0; i < nentries; i++)
		for (struct property *p = entries[i].sym->prop; p; p = p->next)
			add_selection(entries[i].sym, p);
	qsort(selections, nselections, sizeof(*selections), by_target);
}

const struct selection *selections_of(const struct symbol *target, size_t *n)
{
	size_t low = 0, high = nselections, end;

	if (!selections)
		collect_selections();
	high = nselections;
	while (low < high) {
		size_t mid = (low + high) / 2;

		if (strcmp(selections[mid].target->name, target->name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	for (end = low; end < nselections && selections[end].target == target; end++)
		;
	*n = end - low;
	return selections + low;
}

tristate selection_level(const struct selection *s)
{
	tristate cond = expr_calc_value(s->prop->visible.expr);

	return EXPR_AND(level_of(s->selector), cond);
}

struct property *default_of(struct symbol *sym)
{
	for (struct property *p = sym->prop; p; p = p->next)
		if (p->type == P_DEFAULT && expr_calc_value(p->visible.expr) != no)
			return p;
	return NULL;
}
