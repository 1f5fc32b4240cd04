// SPDX-License-Identifier: MIT
#include "evaluator/interp.h"

#include <string.h>

#include "base/map.h"
#include "evaluator/findings.h"

/* What is being expanded right now, innermost first. */
struct chain {
	const struct node *node;
	const char *path;
	const struct chain *outer;
	size_t depth;
};

struct interp {
	struct node *root;
	const struct schema *schema;
	struct arena *a;
	struct error *err;
};

/* Files and outputs of steps that have a name of their own in the language. */
static const struct {
	const char *path, *step, *output, *subpath;
} outputs[] = {
	{"toolchain.out", "toolchain", "out", ""},
	{"kernel", "kernel", "out", ""},
	{"kernel.source", "kernel.source", "out", ""},
	{"kernel.patched", "kernel.patched", "out", ""},
	{"kernel.config", "kernel.config", "out", ""},
	{"kernel.config.report", "kernel.config", "report", ""},
	{"kernel.image", "kernel", "out", "/image"},
	{"kernel.release", "kernel", "out", "/release"},
	{"kernel.map", "kernel", "out", "/System.map"},
	{"kernel.out", "kernel", "out", ""},
	{"kernel.modules", "kernel", "modules", ""},
	{"kernel.dev", "kernel", "dev", ""},
	{"kernel.debug", "kernel", "debug", ""},
	{"initramfs", "initramfs", "out", ""},
	{"initramfs.image", "initramfs", "out", "/image"},
	{"run", "run", "out", ""},
	{"gdb", "gdb", "out", ""},
	{"guest", "guest", "out", ""},
};

/* modules.NAME[.OUTPUT], steps.NAME[.OUTPUT] */
static int named_output(const struct node *root, const char *section, const char *rest,
			struct arena *a, struct output_ref *out)
{
	const struct node *names = node_get(root, section);
	const char *dot = strrchr(rest, '.');

	if (node_member(names, rest)) {
		*out = (struct output_ref){.output = "out", .subpath = ""};
	} else if (dot &&
		   node_member(names, arena_strndup(a, rest, (size_t)(dot - rest)))) {
		const char *name = arena_strndup(a, rest, (size_t)(dot - rest));
		const struct node *value = node_get(names, name);

		/* A key that is written there is a value, not an output. */
		if (node_member(value, dot + 1))
			return 0;
		if (strcmp(section, "modules") == 0 && strcmp(dot, ".out") != 0 &&
		    strcmp(dot, ".debug") != 0)
			return 0;
		*out = (struct output_ref){.output = dot + 1, .subpath = ""};
		rest = name;
	} else {
		return 0;
	}
	out->step = strcmp(section, "steps") == 0 ? rest
						  : arena_printf(a, "modules.%s", rest);
	return 1;
}

static int find_output(const struct node *root, const char *path, struct arena *a,
		       struct output_ref *out)
{
	if (str_starts(path, "modules."))
		return named_output(root, "modules", path + 8, a, out);
	if (str_starts(path, "steps."))
		return named_output(root, "steps", path + 6, a, out);
	for (size_t i = 0; i < ARRAY_LEN(outputs); i++) {
		if (strcmp(path, outputs[i].path) != 0)
			continue;
		*out = (struct output_ref){outputs[i].step, outputs[i].output,
					   outputs[i].subpath};
		return 1;
	}
	return 0;
}

int interp_output(const struct node *root, const char *text, struct arena *a,
		  struct output_ref *out)
{
	const char *end = strchr(text, '}');

	if (!str_starts(text, "${") || !end || (end[1] && end[1] != '/'))
		return 0;
	if (!find_output(root, arena_strndup(a, text + 2, (size_t)(end - text) - 2), a,
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

/* The text at `path`, NULL after a finding. */
static const char *look_up(struct interp *in, const char *path, struct span at,
			   const struct chain *chain)
{
	struct node *n = in->root;
	const struct schema *s = in->schema;
	struct output_ref ref;
	struct str rest = str_of(path);

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
			if (find_output(in->root, path, in->a, &ref))
				break;
			unknown_path(in, n, s, arena_strdup(in->a, cut.ptr), path, at);
			return NULL;
		}
		n = next;
		s = below;
	}
	/* The text of the source is known, unlike the tree it means. */
	bool is_source = n && strcmp(path, "kernel.source") == 0;
	if (!is_source && find_output(in->root, path, in->a, &ref)) {
		error_at(in->err, at, "'%s' is known only after a build", path);
		error_hint(in->err,
			   "it can be a whole value in `steps.NAME.inputs`, where it "
			   "becomes a dependency");
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
	for (const struct chain *c = chain; c; c = c->outer) {
		if (c->node == n) {
			report_cycle(in, chain, n, path, at);
			return NULL;
		}
	}
	return expand(in, n, path, chain) < 0 ? NULL : n->text;
}

static bool is_path_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || strchr("._-/", c);
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
	const char *text = look_up(in, path, at, chain);
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
	bool ok = true;

	if (n->expanded || !strchr(p, '$'))
		return 0;
	if (here.depth > INTERP_MAX_DEPTH)
		return error_at(in->err, n->at, "references nest more than %d deep",
				INTERP_MAX_DEPTH);
	while (*p) {
		if (str_starts(p, "$${")) {
			strbuf_adds(&out, "${");
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
	if (!ok)
		return -1;
	n->text = arena_strndup(in->a, out.ptr ? out.ptr : "", out.len);
	return 0;
}

/* steps.NAME.inputs.* keep references to outputs; `level` counts from the root. */
static void walk(struct interp *in, struct node *n, const char *path, size_t level,
		 bool edges)
{
	struct output_ref ref;

	if (findings_full(in->err))
		return;
	if (n->kind == NODE_SCALAR) {
		if (edges && strchr(n->text, '$') &&
		    interp_output(in->root, n->text, in->a, &ref))
			n->expanded = true;
		else if (!n->expanded && strchr(n->text, '$'))
			expand(in, n, path, NULL);
		return;
	}
	for (size_t i = 0; i < n->n; i++) {
		struct member *m = &n->members[i];
		bool below =
			edges || (level == 2 && m->key && strcmp(m->key, "inputs") == 0 &&
				  str_starts(path, "steps."));
		const char *sub = path;

		if (m->key && (level < 3 || m->value->kind == NODE_SCALAR) &&
		    (m->value->kind != NODE_SCALAR || strchr(m->value->text, '$')))
			sub = *path ? arena_printf(in->a, "%s.%s", path, m->key) : m->key;
		walk(in, m->value, sub, level + 1, below);
	}
}

int interp_apply(struct node *root, const struct schema *schema, struct arena *a,
		 struct error *err)
{
	struct interp in = {root, schema, a, err};

	walk(&in, root, "", 0, false);
	return findings_close(err);
}
