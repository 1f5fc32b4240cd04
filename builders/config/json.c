// SPDX-License-Identifier: MIT
#include "ask.h"

#include <string.h>

static void json_string(FILE *out, const char *s)
{
	fputc('"', out);
	for (; *s; s++)
		if (*s == '"' || *s == '\\')
			fprintf(out, "\\%c", *s);
		else if ((unsigned char)*s < 0x20)
			fprintf(out, "\\u%04x", *s);
		else
			fputc(*s, out);
	fputc('"', out);
}

static void json_member(FILE *out, const char *key, const char *value)
{
	fprintf(out, ",\"%s\":", key);
	json_string(out, value);
}

/* "set", or FRAGMENT:LINE. */
static const char *source_of(const struct request *r)
{
	static char text[2][300];
	static int turn;

	turn = !turn;
	snprintf(text[turn], sizeof(text[0]), r->line ? "%s:%d" : "%s", r->how, r->line);
	return text[turn];
}

static void json_reasons(FILE *out, const struct reasons *reasons)
{
	fputs(",\"reasons\":[", out);
	for (size_t i = 0; i < reasons->n; i++) {
		const struct reason *r = &reasons->v[i];
		const struct entry *e = r->sym ? entry_of(r->sym) : NULL;

		fputs(i ? ",{\"text\":" : "{\"text\":", out);
		json_string(out, r->text);
		if (e)
			json_member(out, "symbol", e->sym->name);
		if (e && e->request)
			json_member(out, "asked_by", source_of(e->request));
		fputc('}', out);
	}
	fputc(']', out);
}

static void json_proposal(FILE *out, const struct verdict *v)
{
	bool first = true;

	if (!v->proposed)
		return;
	fputs(",\"proposal\":{", out);
	if (v->instead) {
		json_string(out, v->instead_symbol);
		fputc(':', out);
		json_string(out, v->instead);
		first = false;
	}
	for (size_t i = 0; i < v->plan.n; i++) {
		const struct change *c = &v->plan.v[i];

		if (c->sym == v->sym && v->r && *v->r->value == letter_of(c->to))
			continue;
		if (!first)
			fputc(',', out);
		json_string(out, c->sym->name);
		fprintf(out, ":\"%c\"", letter_of(c->to));
		first = false;
	}
	fputs("},\"breaks\":[", out);
	for (size_t i = 0; i < v->nbroken; i++) {
		if (i)
			fputc(',', out);
		json_string(out, v->broken[i]->symbol);
	}
	fputc(']', out);
}

void verdict_json(FILE *out, const struct verdict *v)
{
	fputs("{\"symbol\":", out);
	json_string(out, v->r ? v->r->symbol : v->sym->name);
	if (v->r) {
		json_member(out, "asked", v->r->value);
		json_member(out, "by", source_of(v->r));
	}
	json_member(out, "got", v->got);
	json_member(out, "verdict", v->word);
	if (v->reasons.n)
		json_reasons(out, &v->reasons);
	json_proposal(out, v);
	fputs("}\n", out);
}
