// SPDX-License-Identifier: MIT
#include "store/drv.h"

#include <string.h>

/* The reader of derivation texts. A failed reader stays failed, so loops check once. */
struct reader {
	const char *begin, *p, *end;
	struct arena *a;
	struct error *err;
	bool failed;
};

static void wrong(struct reader *r, const char *what)
{
	if (!r->failed)
		error_make(r->err, "%s at byte %zu of the derivation", what,
			   (size_t)(r->p - r->begin));
	r->failed = true;
}

static void expect(struct reader *r, const char *text)
{
	size_t n = strlen(text);

	if (r->failed)
		return;
	if ((size_t)(r->end - r->p) < n || memcmp(r->p, text, n) != 0) {
		autobuf struct strbuf what = STRBUF_INIT;

		strbuf_printf(&what, "expected '%s'", text);
		wrong(r, what.ptr);
		return;
	}
	r->p += n;
}

/* True when another element of a list follows; takes the separator or the end. */
static bool more(struct reader *r, size_t n)
{
	if (r->failed)
		return false;
	if (r->p < r->end && *r->p == ']') {
		r->p++;
		return false;
	}
	if (n)
		expect(r, ",");
	return !r->failed;
}

static int unescaped(char c)
{
	switch (c) {
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	case '"':
	case '\\':
		return c;
	default:
		return -1;
	}
}

static const char *string(struct reader *r)
{
	const char *q;
	bool escaped = false;

	expect(r, "\"");
	if (r->failed)
		return "";
	for (q = r->p; q < r->end && *q != '"'; q++) {
		bool bad = *q == '\n' || *q == '\r' || *q == '\t' || *q == '\0';

		if (*q == '\\') {
			escaped = true;
			q++;
			bad = q == r->end || unescaped(*q) < 0;
		}
		if (bad) {
			r->p = q;
			wrong(r, "a character that must be escaped otherwise");
			return "";
		}
	}
	if (q == r->end) {
		wrong(r, "unterminated string");
		return "";
	}
	char *s = arena_strndup(r->a, r->p, (size_t)(q - r->p));
	r->p = q + 1;
	if (!escaped)
		return s;
	char *to = s;
	for (const char *from = s; *from; from++)
		*to++ = *from == '\\' ? (char)unescaped(*++from) : *from;
	*to = '\0';
	return s;
}

static void ascending(struct reader *r, const char *before, const char *after)
{
	if (!r->failed && strcmp(before, after) >= 0)
		wrong(r, "unsorted or double list element");
}

static const char **strings(struct reader *r, size_t *n, bool sorted)
{
	const char **v = NULL;
	size_t cap = 0;

	expect(r, "[");
	while (more(r, *n)) {
		const char *s = string(r);

		ARENA_PUSH(r->a, v, *n, cap) = s;
		if (sorted && *n > 1)
			ascending(r, v[*n - 2], s);
	}
	return v;
}

static void outputs(struct reader *r, struct drv *drv)
{
	size_t cap = 0;

	expect(r, "[");
	while (more(r, drv->noutputs)) {
		struct drv_output *o =
			&ARENA_PUSH(r->a, drv->outputs, drv->noutputs, cap);

		expect(r, "(");
		o->name = string(r);
		expect(r, ",");
		o->path = string(r);
		expect(r, ",");
		o->algo = string(r);
		expect(r, ",");
		o->hash = string(r);
		expect(r, ")");
		if (drv->noutputs > 1)
			ascending(r, o[-1].name, o->name);
	}
	if (drv->noutputs == 0)
		wrong(r, "no outputs");
}

static void inputs(struct reader *r, struct drv *drv)
{
	size_t cap = 0;

	expect(r, "[");
	while (more(r, drv->ninputs)) {
		struct drv_input *in = &ARENA_PUSH(r->a, drv->inputs, drv->ninputs, cap);

		expect(r, "(");
		in->path = string(r);
		expect(r, ",");
		in->outputs = strings(r, &in->noutputs, true);
		expect(r, ")");
		if (drv->ninputs > 1)
			ascending(r, in[-1].path, in->path);
	}
}

static void env(struct reader *r, struct drv *drv)
{
	size_t cap = 0;

	expect(r, "[");
	while (more(r, drv->nenv)) {
		struct drv_env *e = &ARENA_PUSH(r->a, drv->env, drv->nenv, cap);

		expect(r, "(");
		e->key = string(r);
		expect(r, ",");
		e->value = string(r);
		expect(r, ")");
		if (drv->nenv > 1)
			ascending(r, e[-1].key, e->key);
	}
}

int drv_read(struct str text, struct arena *a, struct drv *out, struct error *err)
{
	struct reader r = {text.ptr, text.ptr, text.ptr + text.len, a, err, false};

	*out = (struct drv){0};
	expect(&r, "Derive(");
	outputs(&r, out);
	expect(&r, ",");
	inputs(&r, out);
	expect(&r, ",");
	out->srcs = strings(&r, &out->nsrcs, true);
	expect(&r, ",");
	out->system = string(&r);
	expect(&r, ",");
	out->builder = string(&r);
	expect(&r, ",");
	out->args = strings(&r, &out->nargs, false);
	expect(&r, ",");
	env(&r, out);
	expect(&r, ")");
	if (!r.failed && r.p != r.end)
		wrong(&r, "text after the end");
	return r.failed ? -1 : 0;
}
