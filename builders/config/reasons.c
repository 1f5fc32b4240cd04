// SPDX-License-Identifier: MIT
#include "ask.h"

#include <stdarg.h>
#include <string.h>

enum { DEPTH = 6, NAMED = 4, ATOMS_SHOWN = 4 };

void reason_add(struct reasons *out, const struct symbol *sym, const char *fmt, ...)
{
	va_list ap;

	if (out->n == REASONS_MAX)
		return;
	struct reason *r = &out->v[out->n++];
	r->sym = sym;
	va_start(ap, fmt);
	vsnprintf(r->text, sizeof(r->text), fmt, ap);
	va_end(ap);
}

static void append(char *buf, size_t size, const char *fmt, const char *word)
{
	size_t n = strlen(buf);

	if (n < size)
		snprintf(buf + n, size - n, fmt, word);
}

/* Names of what selects (or implies) it now, or could; "" for none. */
static const char *selectors(const struct symbol *sym, enum prop_type type, bool now)
{
	static char text[2][400];
	static int turn;
	size_t n, shown = 0, more = 0;
	const struct selection *s = selections_of(sym, &n);
	char *buf = text[turn = !turn];

	*buf = '\0';
	for (size_t i = 0; i < n; i++) {
		if (s[i].prop->type != type || (now && selection_level(&s[i]) == no) ||
		    (i && s[i].selector == s[i - 1].selector))
			continue;
		if (shown++ < NAMED)
			append(buf, sizeof(text[0]), *buf ? ", %s" : "%s",
			       s[i].selector->name);
		else
			more++;
	}
	if (more)
		append(buf, sizeof(text[0]), "%s", " and others");
	return buf;
}

const char *origin_of(struct entry *e)
{
	static char text[640];
	struct symbol *sym = e->sym;
	const struct request *r = e->request;
	tristate level = level_of(sym);
	bool tri = is_tristate_like(sym),
	     forced = tri && level != no && sym->rev_dep.tri >= level;
	struct property *def = default_of(sym);

	*text = '\0';
	if (r && is_granted(r) && !forced)
		snprintf(text, sizeof(text), r->line ? "%s:%d" : "%s", r->how, r->line);
	else if (forced)
		snprintf(text, sizeof(text), "select %s", selectors(sym, P_SELECT, true));
	else if (!r && e->base && sym->visible != no &&
		 strcmp(plain(e->base), value_of(sym)) == 0 && asking.base_is_file)
		snprintf(text, sizeof(text), "%s:%d", asking.base_name, e->base_line);
	else if (!r && e->base && sym->visible != no &&
		 strcmp(plain(e->base), value_of(sym)) == 0)
		snprintf(text, sizeof(text), "base %s", asking.base_name);
	else if (tri && level != no && sym->implied.tri >= level)
		snprintf(text, sizeof(text), "imply %s", selectors(sym, P_IMPLY, true));
	else if (e->choice && sym->visible != no)
		snprintf(text, sizeof(text), "choice %s",
			 place_text(PLACE_FILE(e->choice), e->choice->lineno));
	else if (def)
		snprintf(text, sizeof(text), "default %s",
			 place_text(PLACE_FILE(def), def->lineno));
	return text;
}

/* The line of Kconfig that gives the default, if it asks the compiler or another tool. */
static const char *asks_tool(const struct symbol *sym)
{
	static char line[300];

	for (const struct property *p = sym->prop; p; p = p->next) {
		char path[600];

		if (p->type != P_DEFAULT || !PLACE_FILE(p))
			continue;
		snprintf(path, sizeof(path), "%s/%s", asking.srctree, PLACE_FILE(p));
		FILE *f = fopen(path, "re");
		*line = '\0';
		for (int n = 0; f && n < p->lineno && fgets(line, sizeof(line), f); n++)
			;
		if (f)
			fclose(f);
		line[strcspn(line, "\n")] = '\0';
		if (strstr(line, "$("))
			return line + strspn(line, " \t");
	}
	return NULL;
}

static bool has_default(const struct symbol *sym)
{
	for (const struct property *p = sym->prop; p; p = p->next)
		if (p->type == P_DEFAULT)
			return true;
	return false;
}

/* Nobody can set it by hand: what would. */
static void promptless(const struct symbol *sym, char *out, size_t size)
{
	const char *by = selectors(sym, P_SELECT, false), *line = asks_tool(sym);
	bool arch = strncmp(sym->name, "HAVE_", 5) == 0 ||
		    strncmp(sym->name, "ARCH_", 5) == 0;

	if (line)
		snprintf(out, size, "the toolchain says so: %s (%s)", line,
			 place_of(sym));
	else if (!*by && !has_default(sym))
		snprintf(out, size, "%s%s is selected by nothing on %s (%s)",
			 arch ? "no architecture support: " : "it has no prompt: ",
			 sym->name, asking.arch, place_of(sym));
	else if (*by)
		snprintf(out, size, "it has no prompt; %s would select it (%s)", by,
			 place_of(sym));
	else
		snprintf(out, size, "it has no prompt, only a default (%s)",
			 place_of(sym));
}

static void who(struct symbol *sym, enum want want, char *out, size_t size)
{
	struct entry *e = entry_of(sym);
	const struct request *r = e ? e->request : NULL;

	if (!e || !is_defined(sym)) {
		const char *at = sym->name ? defined_elsewhere(sym->name) : NULL;

		snprintf(out, size,
			 "no architecture support: it does not exist on %s%s%s",
			 asking.arch, at ? ", but in " : "", at ? at : "");
	} else if (want == AT_LEAST && !has_prompt(sym)) {
		promptless(sym, out, size);
	} else if (want == AT_MOST && sym->rev_dep.tri != no) {
		snprintf(out, size, "selected by %s", selectors(sym, P_SELECT, true));
	} else if (!has_prompt(sym)) {
		snprintf(out, size, "it has no prompt: %s", origin_of(e));
	} else if (want == AT_MOST && sym->visible == no) {
		snprintf(out, size, "its prompt is hidden: %s", origin_of(e));
	} else if (r && is_granted(r)) {
		snprintf(out, size, r->line ? "%s:%d asks for it" : "%s asks for it",
			 r->how, r->line);
	} else if (sym->visible == no) {
		snprintf(out, size, "it depends on more (%s)", place_of(sym));
	} else {
		const char *by = origin_of(e);

		snprintf(out, size, "%s%s%s", *by ? by : "", *by ? "; " : "",
			 place_of(sym));
	}
}

static const char *symbol_name(const struct symbol *sym)
{
	return sym->name ? sym->name : "the choice";
}

static void comparison_text(const struct unmet *u, char *out, size_t size)
{
	struct gstr s = str_new();

	expr_gstr_print(u->compare, &s);
	snprintf(out, size, "%s%s", str_get(&s),
		 u->want == AT_LEAST ? " is not true" : " must not be true");
	str_free(&s);
}

/* What of a bool is between n and y does not exist. */
static char letter_wanted(const struct unmet *u)
{
	tristate t = u->level;

	if (t == mod && u->sym->type != S_TRISTATE)
		t = u->want == AT_LEAST ? yes : no;
	return letter_of(t);
}

static bool said(const struct reasons *out, const struct symbol *sym)
{
	for (size_t i = 0; i < out->n; i++)
		if (out->v[i].sym == sym)
			return true;
	return false;
}

static void explain_unmet(const struct unmet *u, size_t n, int depth, struct reasons *out)
{
	struct unmet deeper[CHANGES_MAX];
	char text[220], by[300];

	for (size_t i = 0; i < n; i++) {
		struct symbol *sym = u[i].sym;

		if (said(out, sym))
			continue;
		if (i == ATOMS_SHOWN) {
			reason_add(out, NULL, "and %zu more", n - i);
			break;
		}
		if (sym->flags & SYMBOL_CONST) {
			reason_add(out, NULL,
				   "it depends on an answer of the toolchain, "
				   "which is %s",
				   sym->name);
			continue;
		}
		if (u[i].compare)
			comparison_text(&u[i], text, sizeof(text));
		else
			snprintf(text, sizeof(text), "%s is %c, %s %c", symbol_name(sym),
				 letter_of(level_of(sym)),
				 u[i].want == AT_LEAST ? "needed" : "must be",
				 letter_wanted(&u[i]));
		*by = '\0';
		if (sym->name)
			who(sym, u[i].want, by, sizeof(by));
		reason_add(out, sym, "%s%s%s", text, *by ? ": " : "", by);
		if (depth >= DEPTH || u[i].compare || !is_tristate_like(sym) ||
		    (sym->visible >= u[i].level && u[i].want == AT_LEAST))
			continue;
		size_t k = unmet_of(sym, u[i].want, u[i].level, deeper, CHANGES_MAX);
		explain_unmet(deeper, k, depth + 1, out);
	}
}

void reasons_of(const struct goal *g, struct reasons *out)
{
	struct unmet u[CHANGES_MAX];
	struct symbol *sym = g->sym;
	bool tri = is_tristate_like(sym);
	char by[300];

	sym_calc_value(sym);
	if (g->want == AT_LEAST && !has_prompt(sym)) {
		promptless(sym, by, sizeof(by));
		reason_add(out, sym, "%s", by);
	} else if (g->want == AT_MOST && sym->rev_dep.tri != no) {
		reason_add(out, sym, "selected by %s", selectors(sym, P_SELECT, true));
	} else if (g->want == AT_MOST && !has_prompt(sym)) {
		reason_add(out, sym, "it has no prompt: %s", origin_of(entry_of(sym)));
	}
	size_t n = unmet_of(sym, tri ? g->want : AT_LEAST, tri ? g->level : mod, u,
			    CHANGES_MAX);
	explain_unmet(u, n, 0, out);
}
