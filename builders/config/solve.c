// SPDX-License-Identifier: MIT
/*
 * A guess at the cheapest changes that give a symbol a value, from its prompts, selects
 * and defaults backwards to symbols that a person can set. It looks at one value after
 * another and forgets that they influence each other; resolve() confirms or refutes it.
 */
#include "ask.h"

#include <string.h>

enum { BUDGET = 40000, ATOM_BUDGET = 4000, ATOM_COST_MAX = 16 };

static int limit;       /* plans that cost more are not looked at */
static long budget;     /* expressions and symbols that may still be looked at */
static unsigned search; /* number of the search, for what it has learnt */

static bool make(struct expr *e, enum want want, tristate level, struct plan *plan);

static const struct change *planned(const struct plan *plan, const struct symbol *sym)
{
	for (size_t i = 0; i < plan->n; i++)
		if (plan->v[i].sym == sym)
			return &plan->v[i];
	return NULL;
}

/* What is against somebody's words, or opens doors that are better shut, costs more. */
static int price(const struct entry *e, tristate to)
{
	static const char *const drastic[] = {
		"COMPILE_TEST", "BROKEN", "64BIT", "MODULES", "SMP", "MMU", "NET", "PCI"};
	int cost = to == no ? 3 : 2;

	for (size_t i = 0; i < sizeof(drastic) / sizeof(*drastic); i++)
		if (strcmp(e->sym->name, drastic[i]) == 0)
			cost += i < 2 ? 12 : 1;
	if (e->request && *e->request->value != letter_of(to))
		cost += 20;
	return cost;
}

static bool add(struct plan *plan, struct entry *e, tristate to)
{
	const struct change *c = planned(plan, e->sym);

	if (c)
		return c->to == to;
	if (plan->n == CHANGES_MAX)
		return false;
	plan->v[plan->n++] = (struct change){e->sym, to};
	plan->cost += price(e, to);
	return plan->cost <= limit;
}

/* Keeps the cheaper plan; later ones have to be cheaper still. */
static void offer(struct plan *best, bool *found, const struct plan *p)
{
	if (*found && p->cost >= best->cost)
		return;
	*best = *p;
	*found = true;
	limit = p->cost - 1;
}

static bool either(struct expr *a, struct expr *b, enum want want, tristate level,
		   struct plan *plan)
{
	struct plan best, p = *plan;
	bool found = false;
	int outer = limit;

	if (make(a, want, level, &p))
		offer(&best, &found, &p);
	p = *plan;
	if (p.cost <= limit && make(b, want, level, &p))
		offer(&best, &found, &p);
	limit = outer;
	if (found)
		*plan = best;
	return found;
}

/* Within a choice the sibling that somebody asked for has to go. */
static bool beat_siblings(struct entry *e, struct plan *plan)
{
	struct symbol *winner = e->choice ? choice_winner(e->choice) : NULL;
	struct entry *w = winner ? entry_of(winner) : NULL;

	return !w || w == e || !w->request || add(plan, w, no);
}

static bool by_prompt(struct entry *e, tristate level, tristate seen, struct plan *plan)
{
	struct plan best;
	bool found = false;
	int outer = limit;

	for (struct property *prop = e->sym->prop; prop; prop = prop->next) {
		struct plan p = *plan;

		if (prop->text && add(&p, e, level) && beat_siblings(e, &p) &&
		    make(prop->visible.expr, AT_LEAST, seen, &p))
			offer(&best, &found, &p);
	}
	limit = outer;
	if (found)
		*plan = best;
	return found;
}

static bool by_default(struct entry *e, tristate level, struct plan *plan)
{
	struct plan best;
	bool found = false;
	int outer = limit;

	for (struct property *prop = e->sym->prop; prop; prop = prop->next) {
		struct plan p = *plan;

		if (prop->type == P_DEFAULT &&
		    make(prop->visible.expr, AT_LEAST, level, &p) &&
		    make(prop->expr, AT_LEAST, level, &p) &&
		    make(e->sym->dir_dep.expr, AT_LEAST, level, &p))
			offer(&best, &found, &p);
	}
	limit = outer;
	if (found)
		*plan = best;
	return found;
}

static bool by_select(struct entry *e, tristate level, struct plan *plan)
{
	struct plan p = *plan;

	if (!e->sym->rev_dep.expr || !make(e->sym->rev_dep.expr, AT_LEAST, level, &p) ||
	    !make(e->sym->dir_dep.expr, AT_LEAST, level, &p))
		return false;
	*plan = p;
	return true;
}

static bool raise_symbol(struct entry *e, tristate level, struct plan *plan)
{
	struct plan best, p = *plan;
	tristate seen = is_bool(e->sym) ? mod : level;
	bool found = false;
	int outer = limit;

	if (sym_get_type(e->sym) == S_BOOLEAN)
		level = yes;
	if (has_prompt(e->sym)) {
		if (by_prompt(e, level, seen, &p))
			offer(&best, &found, &p);
	} else {
		if (by_default(e, seen, &p))
			offer(&best, &found, &p);
		p = *plan;
		if (by_select(e, seen, &p))
			offer(&best, &found, &p);
	}
	limit = outer;
	if (found)
		*plan = best;
	return found;
}

static bool by_sibling(struct entry *e, struct plan *plan)
{
	struct plan best;
	bool found = false;
	int outer = limit;

	for (size_t i = 0; i < nentries; i++) {
		struct plan p = *plan;

		if (entries[i].choice == e->choice && &entries[i] != e &&
		    add(&p, e, no) && by_prompt(&entries[i], yes, mod, &p))
			offer(&best, &found, &p);
	}
	limit = outer;
	if (found)
		*plan = best;
	return found;
}

static bool unselect(struct entry *e, tristate level, struct plan *plan)
{
	return !e->sym->rev_dep.expr || make(e->sym->rev_dep.expr, AT_MOST, level, plan);
}

static bool lower_symbol(struct entry *e, tristate level, struct plan *plan)
{
	if (is_bool(e->sym))
		level = no;
	if (e->choice)
		return by_sibling(e, plan);
	if (has_prompt(e->sym))
		return unselect(e, level, plan) && by_prompt(e, level, mod, plan);
	if (!unselect(e, level, plan))
		return false;
	struct plan p = *plan;
	bool all = true;
	for (struct property *prop = e->sym->prop; prop && all; prop = prop->next)
		if (prop->type == P_DEFAULT)
			all = either(prop->visible.expr, prop->expr, AT_MOST, level, &p);
	if (!all) {
		p = *plan;
		all = e->sym->dir_dep.expr &&
		      make(e->sym->dir_dep.expr, AT_MOST, level, &p);
	}
	if (all)
		*plan = p;
	return all;
}

/* A choice has no name: it is there when its prompt is. */
static bool show_choice(struct symbol *sym, tristate level, struct plan *plan)
{
	for (struct property *prop = sym->prop; prop; prop = prop->next) {
		struct plan p = *plan;

		if (prop->text && make(prop->visible.expr, AT_LEAST, level, &p)) {
			*plan = p;
			return true;
		}
	}
	return false;
}

static bool make_symbol(struct symbol *sym, enum want want, tristate level,
			struct plan *plan)
{
	const struct change *c = planned(plan, sym);

	if (reached(c ? c->to : level_of(sym), want, level))
		return true;
	if (c || !is_tristate_like(sym))
		return false;
	if (!sym->name)
		return want == AT_LEAST && show_choice(sym, level, plan);
	struct entry *e = entry_of(sym);
	if (!e || e->active || limit <= plan->cost)
		return false;
	/* What failed once with that much to spend is not tried again. */
	struct failed *failed = &e->failed[want][level];
	if (failed->search == search && failed->spend >= limit - plan->cost)
		return false;
	int spend = limit - plan->cost;
	e->active = true;
	bool done = want == AT_LEAST ? raise_symbol(e, level, plan)
				     : lower_symbol(e, level, plan);
	e->active = false;
	if (!done)
		*failed = (struct failed){search, spend};
	return done;
}

/* X = y, X != n and the like; nothing is known of how to change other comparisons. */
static bool make_comparison(struct expr *e, enum want want, struct plan *plan)
{
	struct symbol *x = e->left.sym, *c = e->right.sym;
	bool equal = (e->type == E_EQUAL) == (want == AT_LEAST);

	if ((e->type != E_EQUAL && e->type != E_UNEQUAL) || !c->name || !x->name)
		return false;
	if (!is_tristate_like(x)) {
		struct symbol *t = x;
		x = c;
		c = t;
	}
	if (!is_tristate_like(x) || !c->name || c->name[1] || !strchr("ymn", *c->name))
		return false;
	if (*c->name == 'y')
		return make_symbol(x, equal ? AT_LEAST : AT_MOST,
				   equal        ? yes
				   : is_bool(x) ? no
						: mod,
				   plan);
	if (*c->name == 'n')
		return make_symbol(x, equal ? AT_MOST : AT_LEAST, equal ? no : mod, plan);
	return make_symbol(x, AT_LEAST, equal ? mod : yes, plan);
}

static bool make(struct expr *e, enum want want, tristate level, struct plan *plan)
{
	if (plan->cost > limit || budget-- < 0)
		return false;
	if (!e)
		return reached(yes, want, level);
	switch (e->type) {
	case E_AND:
	case E_OR:
		if (reached(expr_calc_value(e), want, level))
			return true;
		if ((e->type == E_AND) == (want == AT_MOST))
			return either(e->left.expr, e->right.expr, want, level, plan);
		return make(e->left.expr, want, level, plan) &&
		       make(e->right.expr, want, level, plan);
	case E_NOT:
		return make(e->left.expr, want == AT_LEAST ? AT_MOST : AT_LEAST,
			    EXPR_NOT(level), plan);
	case E_SYMBOL:
		return make_symbol(e->left.sym, want, level, plan);
	default:
		return reached(expr_calc_value(e), want, level) ||
		       make_comparison(e, want, plan);
	}
}

/* Cheap plans first: most searches end before they are wide. */
static bool deepen(bool (*go)(struct symbol *, enum want, tristate, struct plan *),
		   struct symbol *sym, enum want want, tristate level, int most,
		   struct plan *plan)
{
	for (int extra = 4; extra <= most; extra *= 2) {
		struct plan p = *plan;

		limit = plan->cost + extra;
		budget = most > ATOM_COST_MAX ? BUDGET : ATOM_BUDGET;
		search++;
		if (go(sym, want, level, &p)) {
			*plan = p;
			return true;
		}
	}
	return false;
}

bool solve(struct symbol *sym, enum want want, tristate level, struct plan *plan)
{
	return deepen(make_symbol, sym, want, level, COST_MAX, plan);
}

static bool show(struct symbol *sym, enum want want, tristate level, struct plan *plan)
{
	(void)want;
	return show_choice(sym, level, plan);
}

bool solve_visible(struct symbol *sym, struct plan *plan)
{
	return deepen(show, sym, AT_LEAST, mod, COST_MAX, plan);
}

int solve_cost(const struct unmet *u)
{
	struct plan p = {0};

	if (!u->compare)
		return deepen(make_symbol, u->sym, u->want, u->level, ATOM_COST_MAX, &p)
			       ? p.cost
			       : HOPELESS;
	limit = ATOM_COST_MAX;
	budget = ATOM_BUDGET;
	search++;
	return make_comparison(u->compare, u->want, &p) ? p.cost : HOPELESS;
}
