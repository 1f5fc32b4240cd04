// SPDX-License-Identifier: MIT
#include "ask.h"

#include <string.h>

enum {
	NEAR_MAX = 3,
	/* Proposals for what need not be granted: a large fragment may have hundreds. */
	CASUAL_PROPOSALS = 24,
};

static int casual_left = CASUAL_PROPOSALS;

/* --- what to change
 * ------------------------------------------------------------------------ */

static void look_for_change(struct verdict *v, const struct goal *g)
{
	if (g->request && !is_set(g->request) && casual_left-- <= 0)
		return;
	v->nbroken = BROKEN_MAX;
	v->proposed = propose(g, &v->plan, v->broken, &v->nbroken);
	if (!v->proposed)
		v->plan.n = 0;
}

static bool is_letter(const char *value)
{
	return *value && strchr("ymn", *value) && !value[1];
}

static tristate level_asked(const char *value)
{
	return *value == 'y' ? yes : *value == 'm' ? mod : no;
}

static void judge_sibling(struct verdict *v, struct entry *e)
{
	struct symbol *winner = choice_winner(e->choice);
	struct entry *w = winner ? entry_of(winner) : NULL;

	v->word = "sibling";
	if (w)
		reason_add(&v->reasons, winner, "%s won the choice (%s): %s",
			   winner->name,
			   place_text(PLACE_FILE(e->choice), e->choice->lineno),
			   w->request ? "it was asked for after it" : origin_of(w));
}

static void judge_level(struct verdict *v, struct entry *e)
{
	const struct request *r = v->r;
	tristate now = level_of(e->sym), asked = level_asked(r->value);
	struct goal g = {(struct request *)r, e->sym, asked > now ? AT_LEAST : AT_MOST,
			 asked};

	if (asked == mod && is_bool(e->sym)) {
		reason_add(&v->reasons, e->sym, "it is bool, never a module (%s)",
			   place_of(e->sym));
		g = (struct goal){NULL, e->sym, AT_LEAST, yes};
		if (now == yes)
			return;
	} else if (asked == mod && sym_get_type(e->sym) == S_BOOLEAN && now == yes) {
		g.sym = modules_sym;
		reason_add(&v->reasons, modules_sym, "MODULES is n: %s",
			   origin_of(entry_of(modules_sym)));
		g = (struct goal){NULL, modules_sym, AT_LEAST, yes};
	} else if (e->choice && asked == yes && now == no && e->sym->visible != no) {
		judge_sibling(v, e);
	} else {
		reasons_of(&g, &v->reasons);
	}
	look_for_change(v, &g);
}

/* A number out of its range, or none: the nearest bound. */
static void judge_range(struct verdict *v, struct entry *e)
{
	struct property *p = sym_get_range_prop(e->sym);
	int base = e->sym->type == S_HEX ? 16 : 10;
	static char text[32];

	if (!p) {
		reason_add(&v->reasons, e->sym, "%s is no %s", v->r->value,
			   sym_type_name(e->sym->type));
		return;
	}
	const char *low = sym_get_string_value(p->expr->left.sym);
	const char *high = sym_get_string_value(p->expr->right.sym);
	char *end;
	long long asked = strtoll(v->r->value, &end, base);

	reason_add(&v->reasons, e->sym, "its range is %s to %s (%s)", low, high,
		   place_text(PLACE_FILE(p), p->lineno));
	if (*end || end == v->r->value)
		return;
	snprintf(text, sizeof(text), "%s", asked < strtoll(low, NULL, base) ? low : high);
	/* Kconfig is asked whether that is so. */
	if (sym_string_within_range(e->sym, text)) {
		v->instead = text;
		v->instead_symbol = e->sym->name;
		v->proposed = true;
	}
}

static void judge_text(struct verdict *v, struct entry *e)
{
	struct goal g = {(struct request *)v->r, e->sym, AT_LEAST, mod};

	if (e->sym->visible != no) {
		judge_range(v, e);
		return;
	}
	reasons_of(&g, &v->reasons);
	look_for_change(v, &g);
	if (v->proposed || e->sym->type == S_STRING || !has_prompt(e->sym))
		return;
	/* It may be visible, and the number still be none that is taken. */
	struct goal seen = {NULL, e->sym, AT_LEAST, mod};
	look_for_change(v, &seen);
	if (v->proposed && !resolve(v->plan.v, v->plan.n))
		judge_range(v, e);
	resolve(NULL, 0);
}

static void judge_unknown(struct verdict *v)
{
	const char *near[NEAR_MAX], *since, *symbol = v->r->symbol;
	const char *new = renamed_to(symbol, &since), *at;

	v->got = "absent";
	v->word = "unknown";
	if (new &&*new) {
		v->word = "renamed";
		reason_add(&v->reasons, NULL, "it is called %s since %s", new, since);
		v->instead = v->r->value;
		v->instead_symbol = new;
	} else if (new) {
		v->word = "removed";
		reason_add(&v->reasons, NULL, "it was removed in %s", since);
	} else if ((at = defined_elsewhere(symbol))) {
		reason_add(&v->reasons, NULL,
			   "no architecture support: it does not exist on %s, but in %s",
			   asking.arch, at);
	} else {
		size_t n = names_near(symbol, near, NEAR_MAX);

		reason_add(&v->reasons, NULL, "not in this version%s%s%s%s%s%s",
			   n ? "; similar: " : "", n ? near[0] : "", n > 1 ? ", " : "",
			   n > 1 ? near[1] : "", n > 2 ? ", " : "", n > 2 ? near[2] : "");
	}
}

/* The new name must take the value, too. */
static void check_new_name(struct verdict *v)
{
	struct entry *e = v->instead_symbol ? entry_find(v->instead_symbol) : NULL;

	if (!e || v->proposed || !v->r || v->r->entry)
		return;
	if (!is_letter(v->r->value) || !is_tristate_like(e->sym)) {
		v->instead = NULL;
		return;
	}
	struct goal g = {NULL, e->sym, *v->r->value == 'n' ? AT_MOST : AT_LEAST,
			 level_asked(v->r->value)};
	if (goal_reached(&g)) {
		v->proposed = true;
		return;
	}
	v->instead = NULL;
	look_for_change(v, &g);
}

static void judge(struct verdict *v)
{
	struct entry *e = v->r->entry;

	v->word = "granted";
	v->got = e ? strdup(value_of(e->sym)) : "absent";
	if (is_granted(v->r))
		return;
	if (!e) {
		judge_unknown(v);
		check_new_name(v);
		return;
	}
	v->sym = e->sym;
	v->word = strcmp(v->got, "n") == 0 ? "dropped" : "changed";
	if (!is_tristate_like(e->sym))
		judge_text(v, e);
	else if (is_letter(v->r->value))
		judge_level(v, e);
	else
		reason_add(&v->reasons, e->sym, "it is %s: y%s or n, not %s",
			   sym_type_name(e->sym->type), is_bool(e->sym) ? "" : ", m",
			   v->r->value);
}

/* --- output
 * -------------------------------------------------------------------------------- */

/* One word of a message: quoted when it would not be one. */
static void print_word(const char *s)
{
	if (*s && !s[strcspn(s, " \t\"")]) {
		printf(" %s", s);
		return;
	}
	fputs(" \"", stdout);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			putchar('\\');
		putchar(*s);
	}
	putchar('"');
}

static void print_messages(const struct verdict *v)
{
	const struct request *r = v->r;
	bool granted = strcmp(v->word, "granted") == 0;

	fputs("@kbuild verdict ", stdout);
	verdict_json(stdout, v);
	if (!is_set(r))
		return;
	if (!granted) {
		printf("@kbuild ungranted %s", r->symbol);
		print_word(r->value);
		print_word(v->got);
		putchar('\n');
	} else if (!r->entry) {
		printf("@kbuild warn no symbol %s in this kernel; n was asked, which it "
		       "is\n",
		       r->symbol);
	}
}

/* symbol, asked, got, how: of requests, of what a file as base has, of what it has not.
 */
static int write_report(void)
{
	FILE *f = fopen("report.rows", "we");

	if (!f)
		return -1;
	for (size_t i = 0; i < asking.n; i++) {
		const struct request *r = &asking.v[i];

		if (r->last)
			fprintf(f, "%s\t%s\t%s\t%s\n", r->symbol, r->value,
				r->entry ? value_of(r->entry->sym) : "absent", r->how);
	}
	base_rows(f);
	for (size_t i = 0; i < nentries && asking.base_is_file; i++) {
		struct entry *e = &entries[i];

		sym_calc_value(e->sym);
		if (!e->request && !e->base && is_defined(e->sym) &&
		    (e->sym->flags & SYMBOL_WRITE))
			fprintf(f, "%s\t-\t%s\tnew\n", e->sym->name, value_of(e->sym));
	}
	return fclose(f);
}

int verdicts_write(void)
{
	FILE *f = fopen("verdicts.jsonl", "we");
	int code = 0;

	if (!f || write_report())
		return -1;
	for (size_t i = 0; i < asking.n; i++) {
		struct verdict v = {.r = &asking.v[i]};

		if (!v.r->last)
			continue;
		judge(&v);
		verdict_json(f, &v);
		print_messages(&v);
		if (is_set(v.r) && strcmp(v.word, "granted") != 0)
			code = 4;
	}
	return fclose(f) ? -1 : code;
}

int explanations_write(const char *symbols)
{
	FILE *f = fopen("explain.jsonl", "we");
	char *rest = strdup(symbols), *word;

	while (f && (word = strsep(&rest, " \n"))) {
		struct entry *e = entry_find(word);
		struct verdict v = {.word = "explained"};

		if (!e || !is_defined(e->sym))
			continue;
		bool tri = is_tristate_like(e->sym), on = tri && level_of(e->sym) == yes;
		struct goal g = {NULL, e->sym, on ? AT_MOST : AT_LEAST,
				 on    ? no
				 : tri ? yes
				       : mod};
		v.sym = e->sym;
		v.got = strdup(value_of(e->sym));
		if (!tri && e->sym->visible != no)
			continue;
		reasons_of(&g, &v.reasons);
		look_for_change(&v, &g);
		verdict_json(f, &v);
	}
	return f ? fclose(f) : -1;
}
