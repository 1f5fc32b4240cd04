// SPDX-License-Identifier: MIT
/* What realise says of failed steps, as errors that point into the recipe. */
#include "base/json.h"
#include "base/str.h"
#include "cli/config_verdict.h"
#include "cli/pipeline.h"

/* A builder that says no more than that: as much as there is of a verdict. */
static struct json_object *bare_verdict(const struct realise_refusal *r)
{
	struct json_object *o = json_object_new_object();

	json_add(o, "symbol", r->symbol);
	json_add(o, "asked", r->asked);
	json_add(o, "got", r->got);
	return o;
}

static struct json_object *find_verdict(const struct realise_failure *f,
					const char *symbol)
{
	for (size_t i = 0; i < f->nverdicts; i++) {
		struct json_object *o = config_verdict_read(f->verdicts[i]);

		if (o && strcmp(json_text(o, "symbol"), symbol) == 0)
			return o;
		json_object_put(o);
	}
	return NULL;
}

static void add_refusal(const struct plan_step *s, const struct realise_failure *f,
			const struct realise_refusal *r, struct error *err)
{
	struct json_object *verdict = find_verdict(f, r->symbol);

	if (!verdict)
		verdict = bare_verdict(r);
	config_verdict_error(s, verdict, err);
	json_object_put(verdict);
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
		add_refusal(s, f, &f->refusals[i], err);
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
