// SPDX-License-Identifier: MIT
#include "ask.h"

#include <string.h>

enum { ROUNDS = 5 };

bool goal_reached(const struct goal *g)
{
	if (!is_tristate_like(g->sym))
		return g->request ? is_granted(g->request) : g->sym->visible != no;
	tristate t = level_of(g->sym);
	/* A level of its own: m, which is neither y nor n. */
	if (g->request)
		return t == g->level;
	return g->want == AT_LEAST ? t >= g->level : t <= g->level;
}

static void drop(struct plan *p, size_t i)
{
	p->n--;
	memmove(p->v + i, p->v + i + 1, (p->n - i) * sizeof(*p->v));
}

/* What Kconfig did not take is no use; the rest stays, and the search goes on from there.
 */
static void keep_effective(struct plan *p, const struct symbol *goal)
{
	for (size_t i = p->n; i-- > 0;)
		if (p->v[i].sym == goal || level_of(p->v[i].sym) != p->v[i].to)
			drop(p, i);
	p->cost = 0;
}

/* Without modules Kconfig knows no m: a tristate is a bool until there are some. */
static bool wants_modules(const struct goal *g)
{
	return g->want == AT_LEAST && g->level == mod && g->sym->type == S_TRISTATE &&
	       sym_get_type(g->sym) == S_BOOLEAN;
}

static bool search(const struct goal *g, struct plan *plan)
{
	if (wants_modules(g)) {
		plan->v[plan->n++] = (struct change){modules_sym, yes};
		if (resolve(plan->v, plan->n) || level_of(modules_sym) != yes)
			return false;
		if (goal_reached(g))
			return true;
	}
	for (int round = 0; round < ROUNDS; round++) {
		if (!(is_tristate_like(g->sym) ? solve(g->sym, g->want, g->level, plan)
					       : solve_visible(g->sym, plan)))
			return false;
		if (resolve(plan->v, plan->n))
			return false;
		if (goal_reached(g))
			return true;
		keep_effective(plan, g->sym);
	}
	return false;
}

static bool is_planned(const struct plan *p, const struct request *r)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].sym == r->entry->sym)
			return true;
	return false;
}

/* Requests that were granted and are not under the plan. */
static size_t broken_by(const struct plan *p, const bool *before,
			const struct request **out, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < asking.n; i++) {
		const struct request *r = &asking.v[i];

		if (!before[i] || is_planned(p, r) || is_granted(r))
			continue;
		if (n < max)
			out[n] = r;
		n++;
	}
	return n;
}

static void minimize(const struct goal *g, struct plan *plan, const bool *before)
{
	size_t broken = broken_by(plan, before, NULL, 0);

	for (size_t i = plan->n; i-- > 0 && plan->n > 1;) {
		struct plan less = *plan;

		if (plan->v[i].sym == g->sym)
			continue;
		drop(&less, i);
		if (!resolve(less.v, less.n) && goal_reached(g) &&
		    broken_by(&less, before, NULL, 0) <= broken)
			*plan = less;
	}
}

bool propose(const struct goal *g, struct plan *plan, const struct request **broken,
	     size_t *nbroken)
{
	bool *before = calloc(asking.n + 1, sizeof(*before));
	size_t max = *nbroken;

	*plan = (struct plan){0};
	*nbroken = 0;
	for (size_t i = 0; i < asking.n; i++)
		before[i] = asking.v[i].last && asking.v[i].entry &&
			    is_set(&asking.v[i]) && is_granted(&asking.v[i]);
	bool done = search(g, plan);
	if (done) {
		minimize(g, plan, before);
		done = !resolve(plan->v, plan->n) && goal_reached(g);
	}
	if (done) {
		size_t n = broken_by(plan, before, broken, max);
		*nbroken = n < max ? n : max;
	}
	free(before);
	resolve(NULL, 0);
	return done;
}
