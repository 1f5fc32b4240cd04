// SPDX-License-Identifier: MIT
#include "module/text.h"

static void add_masked(struct strbuf *out, struct str s)
{
	/* A line stays a line. */
	for (size_t i = 0; i < s.len; i++)
		strbuf_add_masked(out, s.ptr[i] == '\n' ? "?" : s.ptr + i, 1);
}

static void add_text(struct strbuf *out, const char *s)
{
	strbuf_add_masked(out, s, strlen(s));
}

static void add_caret(struct strbuf *out, struct str text, size_t at)
{
	strbuf_adds(out, "          ");
	for (size_t i = 0; i < at && i < text.len; i++)
		if (((unsigned char)text.ptr[i] & 0xc0) != 0x80)
			strbuf_addc(out, ' ');
	strbuf_adds(out, "^\n");
}

void text_vermagic(struct str module, struct str kernel, const struct vermagic_verdict *v,
		   struct strbuf *out)
{
	strbuf_adds(out, "  module: ");
	add_masked(out, module);
	strbuf_addc(out, '\n');
	if (!v->same && v->module_at != v->kernel_at)
		add_caret(out, module, v->module_at);
	strbuf_adds(out, "  kernel: ");
	add_masked(out, kernel);
	strbuf_addc(out, '\n');
	if (!v->same)
		add_caret(out, kernel, v->kernel_at);
}

/* --- a verdict ---------------------------------------------------------------------- */

static const char *const levels[] = {[FINDING_REFUSE] = "refused",
				     [FINDING_WARN] = "warning",
				     [FINDING_INFO] = "remark"};

static void add_findings(const struct verdict *v, enum finding_level level,
			 struct strbuf *out)
{
	enum { MOST = 20 };
	size_t n = 0;

	for (size_t i = 0; i < v->n; i++) {
		const struct finding *f = &v->findings[i];

		if (f->level != level || ++n > MOST)
			continue;
		strbuf_printf(out, "  %s: ", levels[level]);
		add_text(out, f->text);
		strbuf_addc(out, '\n');
		if (!f->hint)
			continue;
		strbuf_adds(out, "    hint: ");
		add_text(out, f->hint);
		strbuf_addc(out, '\n');
	}
	if (n > MOST)
		strbuf_printf(out, "  %s: %zu more; --json has all\n", levels[level],
			      n - MOST);
}

void text_refusal(const struct module *m, const struct kernel_target *t,
		  const struct verdict *v, struct strbuf *out)
{
	if (v->compared && !v->vermagic.same)
		text_vermagic(str_of(m->vermagic), str_of(t->vermagic), &v->vermagic,
			      out);
	add_findings(v, FINDING_REFUSE, out);
}

void text_verdict(const struct module *m, const struct kernel_target *t,
		  const struct verdict *v, struct strbuf *out)
{
	text_refusal(m, t, v, out);
	for (int i = FINDING_REFUSE + 1; i <= FINDING_INFO; i++)
		add_findings(v, (enum finding_level)i, out);
	for (size_t i = 0; i < v->nneeds; i++) {
		strbuf_adds(out, "  loaded first: ");
		add_text(out, v->needs[i]);
		strbuf_addc(out, '\n');
	}
	for (size_t i = 0; i < v->nunknown; i++)
		strbuf_printf(out, "  not known: %s\n", v->unknown[i]);
}
