// SPDX-License-Identifier: MIT
#include "evaluator/interp.h"

#include <string.h>

#include "base/map.h"
#include "evaluator/arch.h"
#include "evaluator/findings.h"

/* What is being expanded right now, innermost first. */
struct chain {
	const struct node *node;
	const char *path;
	const struct chain *outer;
	size_t depth;
};

/* What stays a reference to an artifact, for others to read. */
enum keep {
	KEEP_NONE,
	KEEP_WHOLE, /* a whole value */
	KEEP_ALL,   /* wherever it stands, in keys too; $${ stays as well */
};

/* Where: everything below these; `*` is any one name. */
static const struct {
	const char *path;
	enum keep keep;
	bool short_form; /* only if the section is a scalar */
} places[] = {
	{"steps.*.inputs", KEEP_WHOLE, false},
	{"rootfs", KEEP_WHOLE, true},
	{"rootfs.base", KEEP_WHOLE, false},
	{"exports.files", KEEP_ALL, false},
};

struct interp {
	struct node *root;
	const struct schema *schema;
	struct arena *a;
	struct error *err;
	enum keep keep; /* of the scalar that is being expanded */
};

int interp_output(const struct node *root, const char *text, struct arena *a,
		  struct output_ref *out)
{
	const char *end = strchr(text, '}');

	if (!str_starts(text, "${") || !end || (end[1] && end[1] != '/'))
		return 0;
	if (!artifact_find(root, arena_strndup(a, text + 2, (size_t)(end - text) - 2), a,
			   out))
		return 0;
	if (end[1])
		out->subpath = arena_printf(a, "%s%s", out->subpath, end + 1);
	return 1;
}

/*
 * The bytes of one ${...} of a scalar: the k-th such text in what the user wrote. Escapes
 * and folding may have changed the rest, so counting is what is exact.
 */
static struct span reference_at(const struct node *n, const char *token, size_t len,
				size_t k)
{
	const struct source *src = n->at.src;

	if (!src)
		return n->at;
	const char *p = src->text + n->at.off, *end = src->text + src->len;
	for (;; p++) {
		p = memmem(p, (size_t)(end - p), token, len);
		if (!p)
			return n->at;
		if (k-- == 0)
			return (struct span){src, (size_t)(p - src->text), len};
	}
}

/* How many times the token stands in the text before `at`. */
static size_t count_before(const char *text, const char *at, const char *token,
			   size_t len)
{
	size_t k = 0;

	for (const char *p = text; (p = memmem(p, (size_t)(at - p), token, len)); p++)
		k++;
	return k;
}

static int expand(struct interp *in, struct node *n, const char *path,
		  const struct chain *outer);

static int report_cycle(struct interp *in, const struct chain *chain,
			const struct node *n, const char *path, struct span at)
{
	autobuf struct strbuf names = STRBUF_INIT;

	strbuf_adds(&names, path);
	for (const struct chain *c = chain; c; c = c->outer) {
		autobuf struct strbuf longer = STRBUF_INIT;

		strbuf_printf(&longer, "%s -> %s", c->path, names.ptr);
		strbuf_reset(&names);
		strbuf_adds(&names, longer.ptr);
		if (c->node == n)
			break;
	}
	return error_at(in->err, at, "references in a circle: %s", names.ptr);
}

/* Names that could have been meant instead of the last part of `path`. */
static int unknown_path(struct interp *in, const struct node *at_node,
			const struct schema *s, const char *part, const char *path,
			struct span at)
{
	struct map words = {0};

	error_at(in->err, at, "nothing is called '%s'", path);
	for (size_t i = 0; at_node && at_node->kind == NODE_MAP && i < at_node->n; i++)
		map_set(&words, at_node->members[i].key, in);
	for (size_t i = 0; s && s->type == TYPE_SECTION && i < s->nkeys; i++)
		map_set(&words, s->keys[i].key, in);
	const char *near = map_nearest(&words, part);
	if (near)
		error_hint(in->err, "did you mean '%.*s%s'?",
			   (int)(strlen(path) - strlen(part)), path, near);
	else
		error_hint(in->err, "write $${%s} if the text is meant literally", path);
	map_finish(&words);
	return -1;
}

static const char *default_text(const struct schema *s)
{
	while (s && s->type == TYPE_SECTION && s->shorthand && !s->def)
		s = schema_member(s, s->shorthand);
	return s ? s->def : NULL;
}

/* arch.bits and its like: what a machine's name implies. NULL: none, or a finding. */
static const char *arch_text(struct interp *in, const char *path,
			     const struct chain *chain)
{
	struct node *n = node_get(in->root, "arch");
	const struct arch *arch;

	if (!str_starts(path, "arch.") || !n || n->kind != NODE_SCALAR ||
	    expand(in, n, "arch", chain) < 0)
		return NULL;
	arch = arch_find(n->text);
	return arch ? arch_fact(arch, path + 5) : NULL;
}

/* The text of a scalar that was found. */
static const char *text_of(struct interp *in, struct node *n, const char *path,
			   struct span at, const struct chain *chain)
{
	for (const struct chain *c = chain; c; c = c->outer) {
		if (c->node == n) {
			report_cycle(in, chain, n, path, at);
			return NULL;
		}
	}
	return expand(in, n, path, chain) < 0 ? NULL : n->text;
}

/* The text at `path`, NULL after a finding. */
static const char *look_up(struct interp *in, const char *path, struct span at,
			   const struct chain *chain)
{
	struct node *n = in->root;
	const struct schema *s = in->schema;
	struct output_ref ref;
	struct str rest = str_of(path);
	const char *fact = arch_text(in, path, chain);

	if (fact)
		return fact;
	while (rest.ptr) {
		struct str cut = str_cut(&rest, '.');
		const char *part = arena_strndup(in->a, cut.ptr, cut.len);
		const struct schema *below = s ? schema_member(s, part) : NULL;
		struct node *next = node_get(n, part);

		/* `kernel: x` is kernel.source as well. */
		if (!next && n && n->kind == NODE_SCALAR && s && s->shorthand &&
		    strcmp(s->shorthand, part) == 0)
			next = n;
		if (!next && (!below || (n && s->type == TYPE_MAP))) {
			if (artifact_find(in->root, path, in->a, &ref))
				break;
			unknown_path(in, n, s, arena_strdup(in->a, cut.ptr), path, at);
			return NULL;
		}
		n = next;
		s = below;
	}
	/* The text of the source is known, unlike the tree it means. */
	bool is_source = n && strcmp(path, "kernel.source") == 0;
	if (!is_source && artifact_find(in->root, path, in->a, &ref)) {
		error_at(in->err, at, "'%s' is known only after a build", path);
		error_hint(in->err,
			   "it can be a whole value in `steps.NAME.inputs`, where it "
			   "becomes a dependency, or in `exports.files`");
		return NULL;
	}
	if (n && n->kind == NODE_MAP && s && s->shorthand && node_get(n, s->shorthand))
		n = node_get(n, s->shorthand);
	if (n && n->kind != NODE_SCALAR) {
		error_at(in->err, at, "'%s' is %s, not text", path, node_kind_words(n));
		return NULL;
	}
	const char *text = n ? NULL : default_text(s);
	if (!n && s && s->type >= TYPE_LIST && !text) {
		error_at(in->err, at, "'%s' is %s, not text", path,
			 s->type == TYPE_LIST ? "a list" : "a map");
		return NULL;
	}
	if (!n && !text) {
		error_at(in->err, at, "'%s' has no value here and no default", path);
		return NULL;
	}
	if (text)
		return text;
	return text_of(in, n, path, at, chain);
}

static bool is_path_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || strchr("._-/", c);
}

/* The text of the source is known, unlike the tree it means. */
static bool kept(const struct interp *in, const char *path)
{
	struct output_ref ref;

	return in->keep == KEEP_ALL && strcmp(path, "kernel.source") != 0 &&
	       artifact_find(in->root, path, in->a, &ref);
}

/* One ${...} at p; returns what follows it, NULL after a finding. */
static const char *expand_one(struct interp *in, const struct node *n, const char *p,
			      const struct chain *chain, struct strbuf *out)
{
	const char *end = strchr(p, '}');

	if (!end) {
		error_at(in->err,
			 reference_at(n, p, 2, count_before(n->text, p, "${", 2)),
			 "'${' without its '}'");
		error_hint(in->err, "write $${ if the text is meant literally");
		return NULL;
	}
	size_t len = (size_t)(end - p) + 1;
	struct span at = reference_at(n, p, len, count_before(n->text, p, p, len));
	const char *path = arena_strndup(in->a, p + 2, len - 3);
	bool ok = *path;
	for (const char *c = path; *c; c++)
		ok = ok && is_path_char(*c);
	if (!ok) {
		error_at(in->err, at, "expected a name such as ${arch}, found '%s'",
			 path);
		error_hint(in->err, "write $${%s} if the text is meant literally", path);
		return NULL;
	}
	const char *text = kept(in, path) ? arena_strndup(in->a, p, len)
					  : look_up(in, path, at, chain);
	if (!text)
		return NULL;
	strbuf_adds(out, text);
	if (out->len > INTERP_MAX) {
		error_at(in->err, at, "the value grows beyond %d bytes", INTERP_MAX);
		return NULL;
	}
	return end + 1;
}

static int expand(struct interp *in, struct node *n, const char *path,
		  const struct chain *outer)
{
	struct chain here = {n, path, outer, outer ? outer->depth + 1 : 0};
	autobuf struct strbuf out = STRBUF_INIT;
	const char *p = n->text;
	enum keep keep = in->keep;
	bool ok = true;

	if (n->expanded || !strchr(p, '$'))
		return 0;
	if (here.depth > INTERP_MAX_DEPTH)
		return error_at(in->err, n->at, "references nest more than %d deep",
				INTERP_MAX_DEPTH);
	/* What is read from elsewhere is an ordinary value there. */
	if (outer)
		in->keep = KEEP_NONE;
	while (*p) {
		if (str_starts(p, "$${")) {
			strbuf_adds(&out, in->keep == KEEP_ALL ? "$${" : "${");
			p += 3;
		} else if (str_starts(p, "${")) {
			const char *end = expand_one(in, n, p, &here, &out);

			ok = ok && end;
			p = end ? end : p + strcspn(p, "}");
		} else {
			strbuf_addc(&out, *p++);
		}
	}
	n->expanded = true;
	in->keep = keep;
	if (!ok)
		return -1;
	n->text = arena_strndup(in->a, out.ptr ? out.ptr : "", out.len);
	return 0;
}

/* Whether `path` is `pattern`, in which * is any one name. */
static bool path_matches(const char *path, const char *pattern)
{
	for (; *pattern; pattern++) {
		if (*pattern == '*')
			path += strcspn(path, ".");
		else if (*path++ != *pattern)
			return false;
	}
	return !*path;
}

static enum keep keep_at(const char *path, const struct node *n, enum keep outer)
{
	for (size_t i = 0; i < ARRAY_LEN(places) && outer == KEEP_NONE; i++)
		if (path_matches(path, places[i].path) &&
		    (!places[i].short_form || n->kind == NODE_SCALAR))
			return places[i].keep;
	return outer;
}

static void walk_scalar(struct interp *in, struct node *n, const char *path,
			enum keep keep)
{
	struct output_ref ref;

	if (n->expanded || !strchr(n->text, '$'))
		return;
	if (keep == KEEP_WHOLE && interp_output(in->root, n->text, in->a, &ref)) {
		n->expanded = true;
		return;
	}
	in->keep = keep;
	expand(in, n, path, NULL);
}

/* Keys are text too, but the map must be made again: it finds members by their keys. */
static void walk_keys(struct interp *in, struct node *map, const char *path)
{
	struct node *fresh = node_map(in->a, map->at);

	for (size_t i = 0; i < map->n; i++) {
		struct member *m = &map->members[i];
		struct node *key = node_scalar(in->a, m->key, m->key_at);

		walk_scalar(in, key, path, KEEP_ALL);
		if (node_member(fresh, key->text))
			error_at(in->err, m->key_at, "'%s' stands here twice", key->text);
		else
			node_add(in->a, fresh, key->text, m->key_at, m->value);
	}
	*map = *fresh;
}

/* `level` counts from the root. */
static void walk(struct interp *in, struct node *n, const char *path, size_t level,
		 enum keep keep)
{
	if (findings_full(in->err))
		return;
	if (n->kind == NODE_SCALAR) {
		walk_scalar(in, n, path, keep_at(path, n, keep));
		return;
	}
	if (level && level <= 3)
		keep = keep_at(path, n, keep);
	if (keep == KEEP_ALL && n->kind == NODE_MAP)
		walk_keys(in, n, path);
	for (size_t i = 0; i < n->n; i++) {
		struct member *m = &n->members[i];
		const char *sub = path;

		if (m->key && (level < 3 || m->value->kind == NODE_SCALAR) &&
		    (m->value->kind != NODE_SCALAR || strchr(m->value->text, '$')))
			sub = *path ? arena_printf(in->a, "%s.%s", path, m->key) : m->key;
		walk(in, m->value, sub, level + 1, keep);
	}
}

int interp_apply(struct node *root, const struct schema *schema, struct arena *a,
		 struct error *err)
{
	struct interp in = {root, schema, a, err, KEEP_NONE};

	walk(&in, root, "", 0, KEEP_NONE);
	return findings_close(err);
}
