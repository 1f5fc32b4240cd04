// SPDX-License-Identifier: MIT
#include "cli/report.h"

#include "base/alloc.h"

enum { MAX_FINDINGS = 20, MAX_EXCERPT = 160 };

struct colors {
	const char *bold, *red, *green, *off;
};

static const struct colors with_colors = {"\033[1m", "\033[1;31m", "\033[32m", "\033[0m"};
static const struct colors no_colors = {"", "", "", ""};

static void add_text(struct strbuf *out, const char *s)
{
	strbuf_add_masked(out, s, strlen(s));
}

/* Columns a string takes on a terminal, near enough: UTF-8 code points. */
static size_t width(const char *s, size_t n)
{
	size_t w = 0;

	for (size_t i = 0; i < n; i++)
		w += ((unsigned char)s[i] & 0xc0) != 0x80;
	return w;
}

static void add_excerpt(const struct place *p, const struct colors *c, struct strbuf *out)
{
	size_t len = p->text_len < MAX_EXCERPT ? p->text_len : MAX_EXCERPT;

	if (p->mark_off > len)
		return;
	if (len && p->text[len - 1] == '\r')
		len--;
	strbuf_printf(out, "%5zu | ", p->line);
	strbuf_add_masked(out, p->text, len);
	strbuf_adds(out, "\n      | ");
	/* Tabs stay tabs, so that the caret stands below its letter. */
	for (size_t i = 0; i < p->mark_off; i++)
		if (p->text[i] == '\t')
			strbuf_addc(out, '\t');
		else if (((unsigned char)p->text[i] & 0xc0) != 0x80)
			strbuf_addc(out, ' ');
	strbuf_printf(out, "%s^", c->green);
	size_t marked = p->mark_off + p->mark_len < len ? p->mark_len
			: len > p->mark_off             ? len - p->mark_off
							: 0;
	for (size_t i = 1; i < width(p->text + p->mark_off, marked); i++)
		strbuf_addc(out, '~');
	strbuf_printf(out, "%s\n", c->off);
}

static void add_hint(const char *hint, struct strbuf *out)
{
	struct str rest = str_of(hint);
	const char *lead = "      hint: ";

	while (rest.ptr) {
		struct str line = str_cut(&rest, '\n');

		strbuf_adds(out, lead);
		strbuf_add_masked(out, line.ptr, line.len);
		strbuf_addc(out, '\n');
		lead = "            ";
	}
}

static void add_finding(const struct error *e, const struct colors *c, const char *word,
			struct strbuf *out)
{
	if (e->at.src) {
		struct place p = span_place(e->at);

		strbuf_printf(out, "%s%s:%zu:%zu:%s ", c->bold, e->at.src->name, p.line,
			      p.col, c->off);
		strbuf_printf(out, "%s%s:%s ", c->red, word, c->off);
		add_text(out, e->msg);
		strbuf_addc(out, '\n');
		add_excerpt(&p, c, out);
	} else {
		strbuf_printf(out, "%s%s:%s ", c->red, word, c->off);
		add_text(out, e->msg);
		strbuf_addc(out, '\n');
	}
	if (e->cause)
		add_finding(e->cause, c, "because", out);
	if (e->hint)
		add_hint(e->hint, out);
}

static int by_place(const void *a, const void *b)
{
	const struct error *x = *(const struct error *const *)a;
	const struct error *y = *(const struct error *const *)b;

	if (!x->at.src || x->at.src != y->at.src)
		return 0;
	return x->at.off < y->at.off ? -1 : x->at.off > y->at.off;
}

/* Stable, and by_place is no total order across files: insertion sort of a short list. */
static void sort_findings(const struct error **v, size_t n)
{
	for (size_t i = 1; i < n; i++)
		for (size_t j = i; j && by_place(&v[j - 1], &v[j]) > 0; j--) {
			const struct error *t = v[j];

			v[j] = v[j - 1];
			v[j - 1] = t;
		}
}

void report_error(const struct error *err, bool color, struct strbuf *out)
{
	const struct colors *c = color ? &with_colors : &no_colors;
	size_t n = error_count(err);
	autofree const struct error **v = xcalloc(n, sizeof(*v));
	size_t i = 0;

	for (const struct error *e = err; e && e->msg; e = e->next)
		v[i++] = e;
	sort_findings(v, n);
	for (i = 0; i < n && i < MAX_FINDINGS; i++)
		add_finding(v[i], c, "error", out);
	if (n > MAX_FINDINGS)
		strbuf_printf(out, "... and %zu more errors\n", n - MAX_FINDINGS);
}
