// SPDX-License-Identifier: MIT
#include "cli/config_verdict.h"

#include <string.h>

#include "base/json.h"

struct json_object *config_verdict_read(const char *text)
{
	struct json_object *o = json_tokener_parse(text);

	if (o && json_object_is_type(o, json_type_object) && json_text(o, "symbol") &&
	    json_text(o, "verdict") && json_text(o, "got"))
		return o;
	json_object_put(o);
	return NULL;
}

const struct plan_request *config_request(const struct plan_step *s, const char *symbol)
{
	for (size_t i = 0; i < s->nrequests; i++)
		if (s->requests[i].kind != REQUEST_FRAGMENT &&
		    strcmp(s->requests[i].symbol, symbol) == 0)
			return &s->requests[i];
	return NULL;
}

bool config_verdict_proposal(struct json_object *verdict, struct strbuf *out)
{
	struct json_object *proposal, *breaks = json_list(verdict, "breaks");
	const char *lead = "";

	if (!json_object_object_get_ex(verdict, "proposal", &proposal))
		return false;
	strbuf_adds(out, "set: {");
	json_object_object_foreach(proposal, symbol, value)
	{
		strbuf_printf(out, "%s%s: %s", lead, symbol,
			      json_object_get_string(value));
		lead = ", ";
	}
	strbuf_adds(out, "}");
	for (size_t i = 0; breaks && i < json_object_array_length(breaks); i++)
		strbuf_printf(
			out, "%s%s", i ? ", " : "; not granted any more: ",
			json_object_get_string(json_object_array_get_idx(breaks, i)));
	return true;
}

/* The last reason is the innermost cause. */
static void add_reasons(const struct plan_step *s, struct json_object *verdict,
			struct error *one)
{
	struct json_object *reasons = json_list(verdict, "reasons");

	for (size_t i = reasons ? json_object_array_length(reasons) : 0; i-- > 0;) {
		struct json_object *r = json_object_array_get_idx(reasons, i);
		const char *text = json_text(r, "text"), *by = json_text(r, "asked_by");
		const char *symbol = json_text(r, "symbol");
		const struct plan_request *q =
			by && symbol && strcmp(symbol, json_text(verdict, "symbol")) != 0
				? config_request(s, symbol)
				: NULL;

		if (error_is_set(one))
			error_wrap(one, "%s", text ? text : "");
		else
			error_class(one, ERROR_CONFIG, "%s", text ? text : "");
		if (q)
			error_place(one, q->at);
	}
}

static void add_message(struct json_object *verdict, struct error *one)
{
	const char *symbol = json_text(verdict, "symbol"),
		   *got = json_text(verdict, "got");
	const char *asked = json_text(verdict, "asked");
	bool absent = strcmp(got, "absent") == 0;
	autobuf struct strbuf text = STRBUF_INIT;

	strbuf_printf(&text, "CONFIG_%s was not granted: asked for %s, %s%s", symbol,
		      asked ? asked : "",
		      absent ? "this kernel has no such symbol" : "got ",
		      absent ? "" : got);
	if (error_is_set(one))
		error_wrap(one, "%s", text.ptr);
	else
		error_class(one, ERROR_CONFIG, "%s", text.ptr);
}

void config_verdict_error(const struct plan_step *s, struct json_object *verdict,
			  struct error *err)
{
	const struct plan_request *q = config_request(s, json_text(verdict, "symbol"));
	autobuf struct strbuf hint = STRBUF_INIT;
	autoerror struct error one = {0};

	add_reasons(s, verdict, &one);
	add_message(verdict, &one);
	error_place(&one, q ? q->at : s->at);
	if (config_verdict_proposal(verdict, &hint))
		strbuf_adds(&hint, " (checked: it is granted then)");
	if (q && q->why)
		strbuf_printf(&hint, "%sit was asked for because: %s",
			      hint.len ? "\n" : "", q->why);
	if (hint.len)
		error_hint(&one, "%s", hint.ptr);
	error_join(err, &one);
}
