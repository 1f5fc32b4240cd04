// SPDX-License-Identifier: MIT
/* symbols.tsv: what `kbuild config` knows of each symbol, a row a symbol. */
#include "ask.h"

#include <string.h>

static const char header[] =
	"symbol\ttype\tvalue\tvisible\torigin\tprompt\tdefined\tdepends\t"
	"selected_by\timplied_by\trange\tchoice\n";

/* A tab or a line's end would start another column or row. */
static void put(FILE *f, const char *s)
{
	for (; *s; s++)
		fputc(*s == '\t' || *s == '\n' ? ' ' : *s, f);
}

static void put_expr(FILE *f, struct expr *e)
{
	if (!e)
		return;
	struct gstr s = str_new();

	expr_gstr_print(e, &s);
	put(f, str_get(&s));
	str_free(&s);
}

static const char *prompt_of(const struct symbol *sym)
{
	for (const struct property *p = sym->prop; p; p = p->next)
		if (p->text)
			return p->text;
	return "";
}

static void put_places(FILE *f, const struct entry *e)
{
	for (int i = 0; i < e->nat; i++)
		fprintf(f, "%s%s", i ? " " : "",
			place_text(PLACE_FILE(e->at[i]), e->at[i]->lineno));
}

static void put_range(FILE *f, struct symbol *sym)
{
	struct property *p =
		sym->type == S_INT || sym->type == S_HEX ? sym_get_range_prop(sym) : NULL;

	if (p)
		fprintf(f, "%s %s", sym_get_string_value(p->expr->left.sym),
			sym_get_string_value(p->expr->right.sym));
}

/* Those that select it now get a star. */
static void put_selections(FILE *f, const struct symbol *sym, enum prop_type type)
{
	size_t n, shown = 0;
	const struct selection *s = selections_of(sym, &n);

	for (size_t i = 0; i < n; i++)
		if (s[i].prop->type == type &&
		    (i == 0 || s[i].selector != s[i - 1].selector))
			fprintf(f, "%s%s%s", shown++ ? " " : "", s[i].selector->name,
				selection_level(&s[i]) != no ? "*" : "");
}

static void put_row(FILE *f, struct entry *e)
{
	struct symbol *sym = e->sym;

	sym_calc_value(sym);
	fprintf(f, "%s\t%s\t", sym->name, sym_type_name(sym->type));
	put(f, value_of(sym));
	fprintf(f, "\t%c\t", has_prompt(sym) ? letter_of(sym->visible) : '-');
	put(f, origin_of(e));
	fputc('\t', f);
	put(f, prompt_of(sym));
	fputc('\t', f);
	put_places(f, e);
	fputc('\t', f);
	put_expr(f, sym->dir_dep.expr);
	fputc('\t', f);
	put_selections(f, sym, P_SELECT);
	fputc('\t', f);
	put_selections(f, sym, P_IMPLY);
	fputc('\t', f);
	put_range(f, sym);
	fprintf(f, "\t%s\n",
		e->choice ? place_text(PLACE_FILE(e->choice), e->choice->lineno) : "");
}

int symbols_write(void)
{
	FILE *f = fopen("symbols.tsv", "we");

	if (!f)
		return -1;
	fputs(header, f);
	for (size_t i = 0; i < nentries; i++)
		if (is_defined(entries[i].sym))
			put_row(f, &entries[i]);
	return fclose(f);
}
