// SPDX-License-Identifier: MIT
#include "evaluator/node.h"

#include <string.h>

enum { BIG_MAP = 12, FEW = 3 };

struct node *node_scalar(struct arena *a, const char *text, struct span at)
{
	struct node *n = arena_new(a, struct node);

	n->kind = NODE_SCALAR;
	n->style = STYLE_DOUBLE;
	n->text = text;
	n->at = at;
	return n;
}

struct node *node_list(struct arena *a, struct span at)
{
	struct node *n = arena_new(a, struct node);

	n->kind = NODE_LIST;
	n->at = at;
	return n;
}

struct node *node_map(struct arena *a, struct span at)
{
	struct node *n = node_list(a, at);

	n->kind = NODE_MAP;
	return n;
}

struct node *node_copy(struct arena *a, const struct node *n)
{
	struct node *copy = arena_new(a, struct node);

	*copy = *n;
	copy->cap = n->n + 1;
	copy->members = arena_array(a, copy->cap, struct member);
	if (n->n)
		memcpy(copy->members, n->members, n->n * sizeof(*n->members));
	if (n->slots) {
		copy->slots = arena_array(a, n->nslots, uint32_t);
		memcpy(copy->slots, n->slots, n->nslots * sizeof(*n->slots));
	}
	return copy;
}

/* FNV-1a, as base/map.c. */
static uint64_t hash_of(const char *s)
{
	uint64_t h = 0xcbf29ce484222325;

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3;
	return h ^ h >> 32;
}

static uint32_t *slot_of(const struct node *n, const char *key)
{
	size_t i = hash_of(key) & (n->nslots - 1);

	while (n->slots[i] && strcmp(n->members[n->slots[i] - 1].key, key) != 0)
		i = (i + 1) & (n->nslots - 1);
	return &n->slots[i];
}

static void index_map(struct arena *a, struct node *n)
{
	if (n->n * 2 > n->nslots) {
		n->nslots = n->nslots ? n->nslots * 2 : 4 * BIG_MAP;
		while (n->nslots & (n->nslots - 1))
			n->nslots &= n->nslots - 1;
		while (n->nslots < n->n * 2)
			n->nslots *= 2;
		n->slots = arena_array(a, n->nslots, uint32_t);
		for (size_t i = 0; i < n->n; i++)
			*slot_of(n, n->members[i].key) = (uint32_t)(i + 1);
	} else {
		*slot_of(n, n->members[n->n - 1].key) = (uint32_t)n->n;
	}
}

void node_add(struct arena *a, struct node *n, const char *key, struct span key_at,
	      struct node *value)
{
	if (!n->cap) {
		n->cap = FEW;
		n->members = arena_array(a, n->cap, struct member);
	}
	ARENA_PUSH(a, n->members, n->n, n->cap) = (struct member){key, key_at, value};
	if (n->kind == NODE_MAP && n->n > BIG_MAP)
		index_map(a, n);
}

void node_set(struct arena *a, struct node *map, const char *key, struct span key_at,
	      struct node *value)
{
	struct member *m = node_member(map, key);

	if (!m) {
		node_add(a, map, key, key_at, value);
		return;
	}
	m->key_at = key_at;
	m->value = value;
}

void node_remove(struct node *map, const char *key)
{
	struct member *m = node_member(map, key);

	if (!m)
		return;
	size_t i = (size_t)(m - map->members);
	memmove(m, m + 1, (map->n - i - 1) * sizeof(*m));
	map->n--;
	if (!map->slots)
		return;
	memset(map->slots, 0, map->nslots * sizeof(*map->slots));
	for (i = 0; i < map->n; i++)
		*slot_of(map, map->members[i].key) = (uint32_t)(i + 1);
}

struct member *node_member(const struct node *n, const char *key)
{
	if (!n || n->kind != NODE_MAP)
		return NULL;
	if (n->slots && n->n > BIG_MAP) {
		uint32_t slot = *slot_of(n, key);

		return slot ? &n->members[slot - 1] : NULL;
	}
	for (size_t i = 0; i < n->n; i++)
		if (strcmp(n->members[i].key, key) == 0)
			return &n->members[i];
	return NULL;
}

struct node *node_get(const struct node *n, const char *key)
{
	struct member *m = node_member(n, key);

	return m ? m->value : NULL;
}

const char *node_text(const struct node *n, const char *key)
{
	struct node *v = node_get(n, key);

	return v && v->kind == NODE_SCALAR ? v->text : NULL;
}

const char *node_kind_words(const struct node *n)
{
	if (node_is_null(n))
		return "nothing";
	return n->kind == NODE_MAP ? "a map" : n->kind == NODE_LIST ? "a list" : "text";
}

bool node_is_null(const struct node *n)
{
	return n->kind == NODE_SCALAR && n->style == STYLE_PLAIN &&
	       (strcmp(n->text, "~") == 0 || strcmp(n->text, "null") == 0 || !*n->text);
}

/* --- printing ------------------------------------------------------------------ */

/*
 * The character at s, if a reader would refuse it as it is or take it for the end of a
 * line (NEL, LS, PS, the byte order mark among them); else 0. *len are its bytes.
 */
static unsigned hidden(const char *s, size_t *len)
{
	static const struct {
		const char *bytes;
		unsigned code;
	} wide[] = {{"\u2028", 0x2028},
		    {"\u2029", 0x2029},
		    {"\ufeff", 0xfeff},
		    {"\ufffe", 0xfffe},
		    {"\uffff", 0xffff}};
	const unsigned char *u = (const unsigned char *)s;

	*len = 1;
	if (*u < 0x20 || *u == 0x7f)
		return *u;
	*len = 2;
	if (u[0] == 0xc2 && u[1] >= 0x80 && u[1] < 0xa0)
		return u[1];
	*len = 3;
	for (size_t i = 0; i < ARRAY_LEN(wide); i++)
		if (str_starts(s, wide[i].bytes))
			return wide[i].code;
	return 0;
}

static bool is_plain(const char *s)
{
	size_t len;

	if (!*s || strcmp(s, "~") == 0 || strcmp(s, "null") == 0)
		return false;
	if (s[0] == ' ' || s[strlen(s) - 1] == ' ' || s[strlen(s) - 1] == ':')
		return false;
	if (strchr("-?:,[]{}#&*!|>'\"%@`", s[0]) && !(s[0] == '-' && s[1] && s[1] != ' '))
		return false;
	/* Where a document begins or ends. */
	if (str_starts(s, "---") || str_starts(s, "..."))
		return false;
	if (strstr(s, ": ") || strstr(s, " #"))
		return false;
	for (; *s; s++)
		if (hidden(s, &len))
			return false;
	return true;
}

void node_print_text(const char *s, struct strbuf *out)
{
	size_t len;

	if (is_plain(s)) {
		strbuf_adds(out, s);
		return;
	}
	strbuf_addc(out, '"');
	for (; *s; s += len) {
		unsigned code = hidden(s, &len);

		if (code == '\n')
			strbuf_adds(out, "\\n");
		else if (code == '\t')
			strbuf_adds(out, "\\t");
		else if (code)
			strbuf_printf(out, code < 0x100 ? "\\x%02x" : "\\u%04x", code);
		else if (*s == '"' || *s == '\\')
			strbuf_printf(out, "\\%c", *s);
		else
			strbuf_addc(out, *s);
		len = code ? len : 1;
	}
	strbuf_addc(out, '"');
}

void node_print_key(const char *key, int indent, struct strbuf *out)
{
	enum { IMPLICIT_MAX = 1000 }; /* readers look no further for the colon */
	autobuf struct strbuf text = STRBUF_INIT;

	node_print_text(key, &text);
	if (text.len <= IMPLICIT_MAX)
		strbuf_printf(out, "%s:", text.ptr);
	else
		strbuf_printf(out, "? %s\n%*s:", text.ptr, indent, "");
}

static void print_scalar(const struct node *n, bool origin, struct strbuf *out)
{
	if (node_is_null(n))
		strbuf_addc(out, '~');
	else
		node_print_text(n->text, out);
	if (!origin)
		;
	else if (n->is_default || !n->at.src) {
		strbuf_adds(out, "  # default");
	} else {
		struct place p = span_place(n->at);

		strbuf_printf(out, "  # %s:%zu:%zu", n->at.src->name, p.line, p.col);
	}
	strbuf_addc(out, '\n');
}

static void print(const struct node *n, int depth, bool first_here, bool origin,
		  struct strbuf *out)
{
	if (n->kind == NODE_SCALAR) {
		print_scalar(n, origin, out);
		return;
	}
	for (size_t i = 0; i < n->n; i++) {
		const struct member *m = &n->members[i];
		bool nested = m->value->kind != NODE_SCALAR && m->value->n > 0;

		if (i > 0 || !first_here)
			strbuf_printf(out, "%*s", depth * 2, "");
		if (m->key) {
			node_print_key(m->key, depth * 2, out);
			strbuf_addc(out, nested ? '\n' : ' ');
		} else {
			strbuf_adds(out, "- ");
		}
		if (nested || m->value->kind == NODE_SCALAR)
			print(m->value, depth + 1, !m->key, origin, out);
		else
			strbuf_adds(out, m->value->kind == NODE_MAP ? "{}\n" : "[]\n");
	}
}

void node_print(const struct node *n, bool origin, struct strbuf *out)
{
	if (n->kind != NODE_SCALAR && n->n == 0)
		strbuf_adds(out, n->kind == NODE_MAP ? "{}\n" : "[]\n");
	else
		print(n, 0, false, origin, out);
}
