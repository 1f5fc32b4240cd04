// SPDX-License-Identifier: MIT
/* What realise says of failed steps, as errors that point into the recipe. */
#include "base/str.h"
#include "cli/pipeline.h"

static const struct plan_request *find_request(const struct plan_step *s,
					       const char *symbol)
{
	for (size_t i = 0; i < s->nrequests; i++)
		if (strcmp(s->requests[i].symbol, symbol) == 0)
			return &s->requests[i];
	return NULL;
}

static void add_refusal(const struct plan_step *s, const struct realise_refusal *r,
			struct error *err)
{
	const struct plan_request *q = find_request(s, r->symbol);
	bool absent = strcmp(r->got, "absent") == 0;

	autoerror struct error one = {0};
	error_class(&one, ERROR_CONFIG, "CONFIG_%s was not granted: asked for %s, %s%s",
		    r->symbol, r->asked,
		    absent ? "this kernel has no such symbol" : "got ",
		    absent ? "" : r->got);
	error_place(&one, q ? q->at : s->at);
	if (q && q->why)
		error_hint(&one, "it was asked for because: %s", q->why);
	error_join(err, &one);
}

static void add_indented(struct strbuf *out, const char *text)
{
	struct str rest = str_of(text);

	while (rest.ptr) {
		struct str line = str_cut(&rest, '\n');

		strbuf_printf(out, "\n        %.*s", (int)line.len, line.ptr);
	}
}

static void add_failure(const struct pipeline *p, const struct plan_step *s,
			const struct realise_failure *f, struct error *err)
{
	autobuf struct strbuf msg = STRBUF_INIT, hint = STRBUF_INIT;
	autoerror struct error one = {0};

	strbuf_printf(&msg, "%s: %s", s->name, f->what);
	if (f->first_error)
		strbuf_printf(&msg, "\n    first error: %s", f->first_error);
	if (f->tail && *f->tail) {
		strbuf_adds(&msg, "\n    last lines:");
		add_indented(&msg, f->tail);
	}
	if (f->log)
		strbuf_printf(&msg, "\n    log: %s", f->log);
	if (f->kept)
		strbuf_printf(&msg, "\n    build directory: %s", f->kept);
	if (f->hint)
		strbuf_adds(&hint, f->hint);
	else if (f->log)
		strbuf_printf(&hint, "kbuild log %s#%s%s", p->recipe_arg, s->name,
			      f->kept ? "" : "; --keep-failed keeps the build directory");
	error_class(&one, f->class, "%s", msg.ptr);
	if (hint.len)
		error_hint(&one, "%s", hint.ptr);
	error_join(err, &one);
}

void pipeline_failure(const struct pipeline *p, size_t step,
		      const struct realise_failure *f, struct error *err)
{
	const struct plan_step *s = &p->plan.steps[step];

	if (f->class != ERROR_CONFIG)
		add_failure(p, s, f, err);
	for (size_t i = 0; f->class == ERROR_CONFIG && i < f->nrefusals; i++)
		add_refusal(s, &f->refusals[i], err);
}

int pipeline_failures(const struct pipeline *p, struct cli *cli, struct error *err)
{
	(void)cli;
	for (size_t i = 0; i < p->plan.nsteps; i++) {
		const struct realise_result *r = &p->results[i];

		if (r->state == STEP_FAILED)
			pipeline_failure(p, i, &r->failure, err);
	}
	return -1;
}
