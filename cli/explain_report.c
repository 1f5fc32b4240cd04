// SPDX-License-Identifier: MIT
#include "cli/explain_report.h"

#include "cli/module_report.h"
#include "module/text.h"

/* Between two that both have CRCs the kernel does not look at the release. */
static struct vermagic_verdict compare(const struct explanation *e)
{
	struct str m = e->hole[1], k = e->hole[2];
	bool crcs = vermagic_split(m).part[VERMAGIC_MODVERSIONS].len &&
		    vermagic_split(k).part[VERMAGIC_MODVERSIONS].len;

	return vermagic_compare(m, k, crcs);
}

static bool is_vermagic(const struct explanation *e)
{
	return strcmp(e->message->code, "vermagic") == 0;
}

struct json_object *json_of_explanation(struct str line, const struct explanation *e)
{
	autobuf struct strbuf meaning = STRBUF_INIT, change = STRBUF_INIT;
	struct json_object *one = json_object_new_object();

	json_object_object_add(one, "line",
			       json_object_new_string_len(line.ptr, (int)line.len));
	explain_fill(e, e->message->meaning, &meaning);
	explain_fill(e, e->message->change, &change);
	json_add(one, "code", e->message->code);
	json_add(one, "meaning", meaning.ptr);
	json_add(one, "change", change.ptr);
	json_add(one, "config", e->message->symbol);
	if (is_vermagic(e)) {
		struct vermagic_verdict v = compare(e);
		json_object_object_add(one, "differences", json_of_differences(&v));
	}
	return one;
}

void report_explanation(struct str line, const struct explanation *e, struct strbuf *out)
{
	autobuf struct strbuf text = STRBUF_INIT;

	strbuf_add(&text, line.ptr, line.len);
	strbuf_adds(&text, "\n  ");
	explain_fill(e, e->message->meaning, &text);
	strbuf_adds(&text, "\n  change: ");
	explain_fill(e, e->message->change, &text);
	if (e->message->symbol)
		strbuf_printf(&text, "\n  config: %s", e->message->symbol);
	strbuf_addc(&text, '\n');
	strbuf_add_masked(out, text.ptr, text.len);
	if (!is_vermagic(e))
		return;
	struct vermagic_verdict v = compare(e);
	text_vermagic(e->hole[1], e->hole[2], &v, out);
	for (size_t i = 0; i < v.ndifferences; i++)
		strbuf_printf(out, "  differs: %s\n", v.differences[i].why);
}
