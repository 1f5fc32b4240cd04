// SPDX-License-Identifier: MIT
#include "evaluator/schema.h"

#include <ctype.h>
#include <string.h>

#include "base/alloc.h"
#include "base/map.h"
#include "evaluator/findings.h"

struct unit {
	const char *name;
	uint64_t factor;
};

static int parse_units(const char *text, const struct unit *units, size_t n,
		       uint64_t *out)
{
	uint64_t v = 0;
	const char *p = text;

	if (!isdigit((unsigned char)*p))
		return -1;
	for (; isdigit((unsigned char)*p); p++)
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
			return -1;
	for (size_t i = 0; i < n; i++)
		if (strcmp(p, units[i].name) == 0)
			return __builtin_mul_overflow(v, units[i].factor, out) ? -1 : 0;
	return -1;
}

int schema_size(const char *text, uint64_t *out)
{
	static const struct unit units[] = {
		{"", 1},           {"K", 1ULL << 10}, {"k", 1ULL << 10},
		{"M", 1ULL << 20}, {"G", 1ULL << 30}, {"T", 1ULL << 40},
	};

	return parse_units(text, units, ARRAY_LEN(units), out);
}

int schema_duration(const char *text, uint64_t *out)
{
	static const struct unit units[] = {
		{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};

	return parse_units(text, units, ARRAY_LEN(units), out);
}

static int is_int(const char *s)
{
	uint64_t v = 0;

	if (*s == '-')
		s++;
	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X'))
		return s[2] && strlen(s + 2) <= 16 &&
		       !s[2 + strspn(s + 2, "0123456789abcdefABCDEF")];
	static const struct unit one = {"", 1};
	return parse_units(s, &one, 1, &v) == 0 && v <= INT64_MAX;
}

static const char *bool_text(const char *s)
{
	static const struct {
		const char *in, *out;
	} words[] = {
		{"y", "y"},  {"n", "n"},    {"yes", "y"},
		{"no", "n"}, {"true", "y"}, {"false", "n"},
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(s, words[i].in) == 0)
			return words[i].out;
	return NULL;
}

/* Where in the tree we are; put into words only for a message. */
struct where {
	const char *key;
	const struct where *outer;
};

/* "run.timeout.boot"; `w` NULL or without a key is the root. */
static void add_path(const struct where *w, struct strbuf *out)
{
	if (!w)
		return;
	add_path(w->outer, out);
	if (*w->key)
		strbuf_printf(out, "%s%s", out->len ? "." : "", w->key);
}

static char *path_text(const struct where *w)
{
	struct strbuf out = STRBUF_INIT;

	add_path(w, &out);
	return strbuf_take(&out);
}

static int expected(const struct node *n, const struct where *w, const char *what,
		    struct error *err)
{
	autofree char *path = path_text(w);

	if (n->kind != NODE_SCALAR || node_is_null(n))
		return error_at(err, n->at, "%s: expected %s, found %s", path, what,
				node_kind_words(n));
	return error_at(err, n->at, "%s: expected %s, found '%s'", path, what, n->text);
}

static int unknown_word(const struct node *n, const struct where *w, struct error *err)
{
	autofree char *path = path_text(w);

	return error_at(err, n->at, "%s: unknown word '%s'", path, n->text);
}

static struct node *apply(const struct schema *s, const struct node *n,
			  const struct where *w, struct arena *a, struct error *err);

/* The canonical text of a scalar, NULL after a finding. */
static const char *scalar_text(const struct schema *s, const struct node *n,
			       const struct where *w, struct error *err)
{
	const char *text = n->text;
	uint64_t v;

	switch (s->type) {
	case TYPE_BOOL:
		text = bool_text(n->text);
		if (!text)
			expected(n, w, "y or n", err);
		return text;
	case TYPE_INT:
		if (is_int(text))
			return text;
		expected(n, w, "a whole number", err);
		return NULL;
	case TYPE_SIZE:
		if (schema_size(text, &v) == 0)
			return text;
		expected(n, w, "a size such as 64M", err);
		error_hint(err, "a number and one of K, M, G, T");
		return NULL;
	case TYPE_DURATION:
		if (schema_duration(text, &v) == 0)
			return text;
		expected(n, w, "a time such as 60s or 10m", err);
		error_hint(err, "a number and one of ms, s, m, h");
		return NULL;
	case TYPE_ENUM:
		for (size_t i = 0; i < s->nwords; i++)
			if (strcmp(text, s->words[i]) == 0)
				return text;
		unknown_word(n, w, err);
		findings_suggest(err, text, s->words, s->nwords);
		return NULL;
	default:
		return text;
	}
}

static const char *type_words(enum schema_type t)
{
	static const char *const words[] = {
		[TYPE_TEXT] = "text",
		[TYPE_BOOL] = "y or n",
		[TYPE_INT] = "a whole number",
		[TYPE_SIZE] = "a size such as 64M",
		[TYPE_DURATION] = "a time such as 60s or 10m",
		[TYPE_ENUM] = "a word",
		[TYPE_LIST] = "a list",
		[TYPE_MAP] = "a map",
		[TYPE_SECTION] = "a map",
		[TYPE_ANY] = "anything",
	};

	return words[t];
}

static struct node *apply_scalar(const struct schema *s, const struct node *n,
				 const struct where *w, struct arena *a,
				 struct error *err)
{
	if (n->kind != NODE_SCALAR || node_is_null(n)) {
		expected(n, w, type_words(s->type), err);
		return NULL;
	}
	const char *text = scalar_text(s, n, w, err);
	if (!text || (s->check && s->check(n, err) < 0))
		return NULL;
	if (text == n->text)
		return (struct node *)n;
	struct node *out = arena_new(a, struct node);
	*out = *n;
	out->text = text;
	return out;
}

static struct node *apply_list(const struct schema *s, const struct node *n,
			       const struct where *w, struct arena *a, struct error *err)
{
	struct node *out = node_list(a, n->at);
	bool ok = true;

	if (n->kind != NODE_LIST) {
		expected(n, w, "a list", err);
		if (n->kind == NODE_SCALAR && *n->text)
			error_hint(err, "write [%s]", n->text);
		return NULL;
	}
	for (size_t i = 0; i < n->n && !findings_full(err); i++) {
		struct node *v = apply(s->of, n->members[i].value, w, a, err);

		if (v)
			node_add(a, out, NULL, v->at, v);
		ok = ok && v;
	}
	return ok ? out : NULL;
}

static struct node *apply_map(const struct schema *s, const struct node *n,
			      const struct where *w, struct arena *a, struct error *err)
{
	struct node *out = node_map(a, n->at);
	bool ok = true;

	if (n->kind != NODE_MAP) {
		expected(n, w, "a map", err);
		return NULL;
	}
	for (size_t i = 0; i < n->n && !findings_full(err); i++) {
		const struct member *m = &n->members[i];
		const struct where below = {m->key, w};

		if (s->check_key && s->check_key(m, err) < 0) {
			ok = false;
			continue;
		}
		struct node *v = apply(s->of, m->value, &below, a, err);
		if (v)
			node_add(a, out, m->key, m->key_at, v);
		ok = ok && v;
	}
	return ok ? out : NULL;
}

const struct schema *schema_member(const struct schema *s, const char *key)
{
	if (s->type == TYPE_MAP)
		return s->of;
	for (size_t i = 0; s->type == TYPE_SECTION && i < s->nkeys; i++)
		if (strcmp(s->keys[i].key, key) == 0)
			return &s->keys[i].schema;
	return NULL;
}

static int unknown_in(const struct member *m, const struct where *w, struct error *err)
{
	autofree char *path = path_text(w);

	return error_at(err, m->key_at, "unknown key '%s' in %s", m->key, path);
}

static int unknown_key(const struct schema *s, const struct member *m,
		       const struct where *w, struct error *err)
{
	const char *words[64];
	size_t n = s->nkeys < ARRAY_LEN(words) ? s->nkeys : ARRAY_LEN(words);

	for (size_t i = 0; i < n; i++)
		words[i] = s->keys[i].key;
	if (w && w->outer)
		unknown_in(m, w, err);
	else
		error_at(err, m->key_at, "section '%s' is not known", m->key);
	return findings_suggest(err, m->key, words, n);
}

/* What a section's key is when nobody wrote it; NULL for nothing. */
static struct node *default_of(const struct schema *s, struct span at,
			       const struct where *w, struct arena *a, struct error *err)
{
	struct node *n = NULL;

	if (s->always && s->type == TYPE_LIST) {
		n = node_list(a, at);
	} else if (s->always) {
		n = apply(s, node_map(a, at), w, a, err);
	} else if (s->def) {
		n = node_scalar(a, s->def, at);
		n->is_default = true;
		if (s->shorthand)
			n = apply(s, n, w, a, err);
	}
	if (n)
		n->is_default = true;
	return n;
}

static int missing_key(const struct node *n, const struct where *w, const char *key,
		       struct error *err)
{
	autofree char *path = path_text(w);

	return error_at(err, n->at, "%s: needs the key '%s'", *path ? path : "a recipe",
			key);
}

static struct node *apply_section(const struct schema *s, const struct node *n,
				  const struct where *w, struct arena *a,
				  struct error *err)
{
	struct node *out = node_map(a, n->at);
	bool ok = true, strange = false;

	for (size_t i = 0; i < n->n && !findings_full(err); i++) {
		if (schema_member(s, n->members[i].key))
			continue;
		unknown_key(s, &n->members[i], w, err);
		strange = true;
	}
	for (size_t i = 0; i < s->nkeys && !findings_full(err); i++) {
		const struct schema_key *k = &s->keys[i];
		const struct member *m = node_member(n, k->key);
		const struct where below = {k->key, w};
		struct node *v;

		if (m) {
			v = apply(&k->schema, m->value, &below, a, err);
			ok = ok && v;
		} else {
			v = default_of(&k->schema, n->at, &below, a, err);
		}
		/* A misspelt key is most likely the one that is missing. */
		if (!m && k->required && !strange) {
			missing_key(n, w, k->key, err);
			ok = false;
		}
		if (v)
			node_add(a, out, k->key, m ? m->key_at : n->at, v);
	}
	ok = ok && !strange;
	if (ok && s->check && s->check(out, err) < 0)
		ok = false;
	return ok ? out : NULL;
}

static struct node *expand_shorthand(const struct schema *s, const struct node *n,
				     struct arena *a)
{
	struct node *map = node_map(a, n->at);

	map->is_default = n->is_default;
	node_add(a, map, s->shorthand, n->at, (struct node *)n);
	return map;
}

static struct node *apply(const struct schema *s, const struct node *n,
			  const struct where *w, struct arena *a, struct error *err)
{
	switch (s->type) {
	case TYPE_ANY:
		return node_is_null(n) ? NULL : (struct node *)n;
	case TYPE_LIST:
		return apply_list(s, n, w, a, err);
	case TYPE_MAP:
		return apply_map(s, n, w, a, err);
	case TYPE_SECTION:
		if (n->kind == NODE_MAP)
			return apply_section(s, n, w, a, err);
		if (n->kind == NODE_SCALAR && s->shorthand && !node_is_null(n))
			return apply_section(s, expand_shorthand(s, n, a), w, a, err);
		expected(n, w, s->shorthand ? "text or a map" : "a map", err);
		return NULL;
	default:
		return apply_scalar(s, n, w, a, err);
	}
}

struct node *schema_apply(const struct schema *s, const struct node *n, const char *path,
			  struct arena *a, struct error *err)
{
	const struct where root = {"", NULL}, here = {path, &root};

	return apply(s, n, *path ? &here : &root, a, err);
}
