// SPDX-License-Identifier: MIT
/* The smallest part of what a symbol depends on that keeps it from a value. */
#include "ask.h"

#include <string.h>

struct atoms {
	struct unmet v[CHANGES_MAX];
	size_t n;
	int cost;
};

static void add_atom(struct atoms *a, struct symbol *sym, enum want want, tristate level,
		     struct expr *compare)
{
	struct unmet u = {sym, want, level, compare, false};
	int cost = solve_cost(&u);

	u.possible = cost < HOPELESS;
	for (size_t i = 0; i < a->n; i++)
		if (a->v[i].sym == sym)
			return;
	if (a->n < CHANGES_MAX)
		a->v[a->n++] = u;
	a->cost += cost;
}

/* X = y says no more than X. */
static bool is_level(const struct expr *e)
{
	return e->type == E_EQUAL && is_tristate_like(e->left.sym) &&
	       e->right.sym->name && strcmp(e->right.sym->name, "y") == 0;
}

static void collect(struct expr *e, enum want want, tristate level, struct atoms *a)
{
	struct atoms left = {0}, right = {0};

	if (!e || reached(expr_calc_value(e), want, level))
		return;
	switch (e->type) {
	case E_AND:
	case E_OR:
		if ((e->type == E_AND) != (want == AT_MOST)) {
			collect(e->left.expr, want, level, a);
			collect(e->right.expr, want, level, a);
			return;
		}
		collect(e->left.expr, want, level, &left);
		collect(e->right.expr, want, level, &right);
		const struct atoms *less = right.cost < left.cost ? &right : &left;
		for (size_t i = 0; i < less->n && a->n < CHANGES_MAX; i++)
			a->v[a->n++] = less->v[i];
		a->cost += less->cost;
		return;
	case E_NOT:
		collect(e->left.expr, want == AT_LEAST ? AT_MOST : AT_LEAST,
			EXPR_NOT(level), a);
		return;
	case E_SYMBOL:
		add_atom(a, e->left.sym, want, level, NULL);
		return;
	default:
		if (is_level(e))
			add_atom(a, e->left.sym, want,
				 want == AT_LEAST       ? yes
				 : is_bool(e->left.sym) ? no
							: mod,
				 NULL);
		else
			add_atom(a, e->left.sym, want, level, e);
	}
}

static size_t give(const struct atoms *a, struct unmet *out, size_t max)
{
	size_t n = a->n < max ? a->n : max;

	memcpy(out, a->v, n * sizeof(*out));
	return n;
}

/* The alternative with the cheapest atoms; one without any is none. */
static void prefer(struct atoms *best, const struct atoms *a)
{
	if (a->n && (!best->n || a->cost < best->cost))
		*best = *a;
}

static void raise_atoms(struct symbol *sym, tristate seen, struct atoms *best)
{
	bool prompt = !sym->name || has_prompt(sym);

	for (struct property *prop = sym->prop; prop; prop = prop->next) {
		struct atoms a = {0};

		if (prompt ? prop->text == NULL : prop->type != P_DEFAULT)
			continue;
		collect(prop->visible.expr, AT_LEAST, seen, &a);
		if (!prompt) {
			collect(prop->expr, AT_LEAST, seen, &a);
			collect(sym->dir_dep.expr, AT_LEAST, seen, &a);
		}
		prefer(best, &a);
	}
	if (!prompt && sym->rev_dep.expr) {
		struct atoms a = {0};

		collect(sym->rev_dep.expr, AT_LEAST, seen, &a);
		prefer(best, &a);
	}
}

size_t unmet_of(struct symbol *sym, enum want want, tristate level, struct unmet *out,
		size_t max)
{
	struct atoms best = {0};

	if (want == AT_LEAST)
		raise_atoms(sym, is_bool(sym) ? mod : level, &best);
	else if (sym->rev_dep.tri > level)
		collect(sym->rev_dep.expr, want, level, &best);
	else if (sym->visible == no && has_prompt(sym))
		raise_atoms(sym, mod, &best); /* its default cannot be said no to */
	return give(&best, out, max);
}
