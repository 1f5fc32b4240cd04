// SPDX-License-Identifier: MIT
#include "store/drv.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "store/path.h"

enum { PLACEHOLDER_LEN = NIX32_SHA256_SIZE }; /* with its slash */

/* --- order ------------------------------------------------------------------------ */

/* The first member of every sorted element is its key. */
static int by_key(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

_Static_assert(offsetof(struct drv_output, name) == 0, "sorted by name");
_Static_assert(offsetof(struct drv_input, path) == 0, "sorted by path");
_Static_assert(offsetof(struct drv_env, key) == 0, "sorted by key");

static void sort(void *v, size_t n, size_t size)
{
	if (n > 1)
		qsort(v, n, size, by_key);
}

void drv_normalise(struct drv *drv)
{
	size_t kept = 0;

	sort(drv->outputs, drv->noutputs, sizeof(*drv->outputs));
	sort(drv->inputs, drv->ninputs, sizeof(*drv->inputs));
	for (size_t i = 0; i < drv->ninputs; i++)
		sort(drv->inputs[i].outputs, drv->inputs[i].noutputs, sizeof(char *));
	sort(drv->srcs, drv->nsrcs, sizeof(*drv->srcs));
	for (size_t i = 0; i < drv->nsrcs; i++)
		if (kept == 0 || strcmp(drv->srcs[kept - 1], drv->srcs[i]) != 0)
			drv->srcs[kept++] = drv->srcs[i];
	drv->nsrcs = kept;
	sort(drv->env, drv->nenv, sizeof(*drv->env));
}

/* An unsorted derivation would get a plausible but wrong identity. */
static void check_order(const char *before, const char *after)
{
	if (before && strcmp(before, after) >= 0)
		BUG("derivation is not normalised: '%s' before '%s'", before, after);
}

/* --- text ------------------------------------------------------------------------- */

static void add_string(struct strbuf *out, const char *s)
{
	size_t n;

	strbuf_addc(out, '"');
	for (;; s += n + 1) {
		n = strcspn(s, "\"\\\n\r\t");
		strbuf_add(out, s, n);
		if (!s[n])
			break;
		strbuf_addc(out, '\\');
		strbuf_addc(out, s[n] == '\n'   ? 'n'
				 : s[n] == '\r' ? 'r'
				 : s[n] == '\t' ? 't'
						: s[n]);
	}
	strbuf_addc(out, '"');
}

static void add_strings(struct strbuf *out, const char *const *v, size_t n, bool sorted)
{
	strbuf_addc(out, '[');
	for (size_t i = 0; i < n; i++) {
		if (i)
			strbuf_addc(out, ',');
		if (i && sorted)
			check_order(v[i - 1], v[i]);
		add_string(out, v[i]);
	}
	strbuf_addc(out, ']');
}

static void add_tuple(struct strbuf *out, const char *const *v, size_t n)
{
	strbuf_addc(out, '(');
	for (size_t i = 0; i < n; i++) {
		if (i)
			strbuf_addc(out, ',');
		add_string(out, v[i]);
	}
	strbuf_addc(out, ')');
}

static void add_outputs(struct strbuf *out, const struct drv *drv, bool masked)
{
	strbuf_addc(out, '[');
	for (size_t i = 0; i < drv->noutputs; i++) {
		const struct drv_output *o = &drv->outputs[i];
		const char *fields[] = {o->name, masked ? "" : o->path, o->algo, o->hash};

		if (i)
			strbuf_addc(out, ',');
		check_order(i ? o[-1].name : NULL, o->name);
		add_tuple(out, fields, ARRAY_LEN(fields));
	}
	strbuf_addc(out, ']');
}

static void add_inputs(struct strbuf *out, const struct drv *drv)
{
	strbuf_addc(out, '[');
	for (size_t i = 0; i < drv->ninputs; i++) {
		const struct drv_input *in = &drv->inputs[i];

		check_order(i ? in[-1].path : NULL, in->path);
		strbuf_adds(out, i ? ",(" : "(");
		add_string(out, in->path);
		strbuf_addc(out, ',');
		add_strings(out, in->outputs, in->noutputs, true);
		strbuf_addc(out, ')');
	}
	strbuf_addc(out, ']');
}

static bool is_output(const struct drv *drv, const char *name)
{
	for (size_t i = 0; i < drv->noutputs; i++)
		if (strcmp(drv->outputs[i].name, name) == 0)
			return true;
	return false;
}

static void add_env(struct strbuf *out, const struct drv *drv, bool masked)
{
	strbuf_addc(out, '[');
	for (size_t i = 0; i < drv->nenv; i++) {
		const struct drv_env *e = &drv->env[i];
		const char *fields[] = {e->key,
					masked && is_output(drv, e->key) ? "" : e->value};

		if (i)
			strbuf_addc(out, ',');
		check_order(i ? e[-1].key : NULL, e->key);
		add_tuple(out, fields, ARRAY_LEN(fields));
	}
	strbuf_addc(out, ']');
}

/* Masked: output paths are blank, as they are when they are about to be computed. */
static void write_text(const struct drv *drv, bool masked, struct strbuf *out)
{
	strbuf_adds(out, "Derive(");
	add_outputs(out, drv, masked);
	strbuf_addc(out, ',');
	add_inputs(out, drv);
	strbuf_addc(out, ',');
	add_strings(out, drv->srcs, drv->nsrcs, true);
	strbuf_addc(out, ',');
	add_string(out, drv->system);
	strbuf_addc(out, ',');
	add_string(out, drv->builder);
	strbuf_addc(out, ',');
	add_strings(out, drv->args, drv->nargs, false);
	strbuf_addc(out, ',');
	add_env(out, drv, masked);
	strbuf_addc(out, ')');
}

void drv_write(const struct drv *drv, struct strbuf *out)
{
	write_text(drv, false, out);
}

const char *drv_get(const struct drv *drv, const char *key)
{
	const struct drv_env want = {.key = key};
	const struct drv_env *e =
		drv->nenv ? bsearch(&want, drv->env, drv->nenv, sizeof(want), by_key)
			  : NULL;

	return e ? e->value : NULL;
}

/* --- paths and placeholders ------------------------------------------------------- */

char *drv_path(struct arena *a, const char *name, const struct drv *drv, struct str text)
{
	size_t n = drv->nsrcs + drv->ninputs;
	const char **refs = arena_array(a, n, const char *);
	struct sha256 h = sha256_of(text.ptr, text.len);

	for (size_t i = 0, s = 0, in = 0; i < n; i++) {
		bool src = in == drv->ninputs ||
			   (s < drv->nsrcs &&
			    strcmp(drv->srcs[s], drv->inputs[in].path) < 0);

		refs[i] = src ? drv->srcs[s++] : drv->inputs[in++].path;
	}
	return path_text(a, &h, refs, n, arena_printf(a, "%s.drv", name));
}

/* `name` for output out, else `name`-`output`. */
static char *drv_output_name(struct arena *a, const char *name, const char *output)
{
	if (strcmp(output, "out") == 0)
		return arena_strdup(a, name);
	return arena_printf(a, "%s-%s", name, output);
}

static char *placeholder(struct arena *a, const char *text)
{
	struct sha256 h = sha256_of(text, strlen(text));
	char *p = arena_alloc(a, PLACEHOLDER_LEN + 1, 1);

	p[0] = '/';
	nix32_encode(h.bytes, sizeof(h.bytes), p + 1);
	return p;
}

char *drv_placeholder(struct arena *a, const char *output)
{
	return placeholder(a, arena_printf(a, "nix-output:%s", output));
}

char *drv_upstream_placeholder(struct arena *a, const char *drv_path, const char *output)
{
	const char *name = path_name(drv_path);
	size_t len = strlen(name) - (str_ends(name, ".drv") ? strlen(".drv") : 0);
	char *file = drv_output_name(a, arena_strndup(a, name, len), output);

	return placeholder(a, arena_printf(a, "nix-upstream-output:%.*s:%s",
					   PATH_DIGEST_LEN, path_base(drv_path), file));
}

/* --- resolution ------------------------------------------------------------------- */

struct rewrite {
	const char *from; /* PLACEHOLDER_LEN characters */
	const char *to;
};

struct rewrites {
	struct rewrite *v;
	size_t n;
};

static const struct rewrite *match(const struct rewrites *r, const char *at,
				   const char *end)
{
	if (end - at < PLACEHOLDER_LEN)
		return NULL;
	for (size_t i = 0; i < r->n; i++)
		if (memcmp(at, r->v[i].from, PLACEHOLDER_LEN) == 0)
			return &r->v[i];
	return NULL;
}

/* s itself when nothing in it is a placeholder of ours. */
static const char *rewrite(const struct rewrites *r, const char *s, struct arena *a)
{
	autobuf struct strbuf out = STRBUF_INIT;
	const char *end = s + strlen(s), *copied = s;

	for (const char *p = s; (p = strchr(p, '/'));) {
		const struct rewrite *hit = match(r, p, end);

		if (!hit) {
			p++;
			continue;
		}
		strbuf_add(&out, copied, (size_t)(p - copied));
		strbuf_adds(&out, hit->to);
		copied = p += PLACEHOLDER_LEN;
	}
	if (copied == s)
		return s;
	strbuf_add(&out, copied, (size_t)(end - copied));
	return arena_strndup(a, out.ptr, out.len);
}

/* Fills the rewrites and the resolved derivation's sources. */
static int resolve_inputs(const struct drv *drv, drv_resolver *resolve, void *ctx,
			  struct arena *a, struct rewrites *r, struct drv *out,
			  struct error *err)
{
	size_t n = 0;

	for (size_t i = 0; i < drv->ninputs; i++)
		n += drv->inputs[i].noutputs;
	r->v = arena_array(a, n, struct rewrite);
	out->srcs = arena_array(a, drv->nsrcs + n, const char *);
	for (size_t i = 0; i < drv->nsrcs; i++)
		out->srcs[out->nsrcs++] = drv->srcs[i];

	for (size_t i = 0; i < drv->ninputs; i++) {
		const struct drv_input *in = &drv->inputs[i];

		for (size_t o = 0; o < in->noutputs; o++) {
			const char *path = resolve(ctx, in->path, in->outputs[o]);

			if (!path)
				return error_make(err,
						  "output '%s' of %s is not known yet",
						  in->outputs[o], in->path);
			out->srcs[out->nsrcs++] = path;
			r->v[r->n++] = (struct rewrite){
				drv_upstream_placeholder(a, in->path, in->outputs[o]),
				path};
		}
	}
	return 0;
}

/*
 * What an evaluator says about floating outputs is said by the outputs themselves; an
 * input-addressed derivation does not carry it.
 */
static bool only_floating(const char *key)
{
	return strcmp(key, "outputHashAlgo") == 0 || strcmp(key, "outputHashMode") == 0;
}

static void copy_rewritten(const struct drv *drv, const struct rewrites *r,
			   struct arena *a, struct drv *out)
{
	out->system = drv->system;
	out->builder = rewrite(r, drv->builder, a);
	out->args = arena_array(a, drv->nargs, const char *);
	for (size_t i = 0; i < drv->nargs; i++)
		out->args[out->nargs++] = rewrite(r, drv->args[i], a);
	out->env = arena_array(a, drv->nenv, struct drv_env);
	for (size_t i = 0; i < drv->nenv; i++)
		if (!only_floating(drv->env[i].key))
			out->env[out->nenv++] = (struct drv_env){
				drv->env[i].key, rewrite(r, drv->env[i].value, a)};
	out->outputs = arena_array(a, drv->noutputs, struct drv_output);
	for (size_t i = 0; i < drv->noutputs; i++)
		out->outputs[out->noutputs++] =
			(struct drv_output){drv->outputs[i].name, "", "", ""};
}

static int name_outputs(struct drv *drv, const char *name, struct arena *a,
			struct error *err)
{
	autobuf struct strbuf masked = STRBUF_INIT;

	write_text(drv, true, &masked);
	struct sha256 h = sha256_of(masked.ptr, masked.len);
	for (size_t i = 0; i < drv->noutputs; i++) {
		struct drv_output *o = &drv->outputs[i];
		const struct drv_env want = {.key = o->name};
		char *file = drv_output_name(a, name, o->name);

		if (!path_name_ok(file))
			return error_make(err, "'%s' cannot be the name of a store path",
					  file);
		o->path = path_make(a, arena_printf(a, "output:%s", o->name), &h, file);
		struct drv_env *e = drv->nenv ? bsearch(&want, drv->env, drv->nenv,
							sizeof(want), by_key)
					      : NULL;
		if (!e)
			return error_make(err, "no variable for output '%s' of '%s'",
					  o->name, name);
		e->value = o->path;
	}
	return 0;
}

int drv_resolve(const struct drv *drv, const char *name, drv_resolver *resolve, void *ctx,
		struct arena *a, struct drv *out, struct error *err)
{
	struct rewrites r = {0};

	*out = (struct drv){0};
	if (resolve_inputs(drv, resolve, ctx, a, &r, out, err) < 0)
		return error_wrap(err, "cannot resolve '%s'", name);
	copy_rewritten(drv, &r, a, out);
	drv_normalise(out);
	return name_outputs(out, name, a, err);
}
