// SPDX-License-Identifier: MIT
#include "evaluator/yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <yaml.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "evaluator/findings.h"

enum { STRIDE = 64 };

struct open_node {
	struct node *node;
	const char *key; /* of a map, its value comes next; NULL: a key comes next */
	struct span key_at;
	bool dropped; /* that key is a double: its value goes nowhere */
};

struct reader {
	const struct source *src;
	struct arena *a;
	struct error *err;
	size_t *offsets; /* of every STRIDE-th character, in bytes; NULL: all is ASCII */
	struct open_node stack[YAML_MAX_DEPTH];
	size_t depth;
	bool too_deep; /* said; libyaml is slow at depth, so nobody reads on */
	struct node *root;
	size_t documents;
};

struct source *yaml_load(int dir, const char *path, const char *shown, struct arena *a,
			 struct error *err)
{
	autobuf struct strbuf text = STRBUF_INIT;
	struct stat st;
	autoclose int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0) {
		bool absent = errno == ENOENT || errno == ENOTDIR;

		error_class(err, absent ? ERROR_RECIPE : ERROR_INFRA,
			    "cannot open %s: %s", shown, strerror(errno));
		return NULL;
	}
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		error_class(err, ERROR_RECIPE, "%s is not a file", shown);
		return NULL;
	}
	if (read_all(fd, YAML_MAX_SIZE, &text, err) < 0) {
		error_wrap(err, "while reading %s", shown);
		return NULL;
	}
	const char *begin = text.ptr;
	if (text.len >= 3 && memcmp(begin, "\xef\xbb\xbf", 3) == 0)
		begin += 3;
	struct source *src = arena_new(a, struct source);
	src->name = arena_strdup(a, shown);
	src->len = text.len - (size_t)(begin - text.ptr);
	src->text = arena_strndup(a, begin, src->len);
	return src;
}

/* Length of the character at p, 0 if it is not well-formed UTF-8 (Unicode table 3-7). */
static size_t utf8_len(const unsigned char *p, size_t n)
{
	unsigned char c = p[0], lo = 0x80, hi = 0xbf;
	size_t len = c < 0x80   ? 1
		     : c < 0xc2 ? 0
		     : c < 0xe0 ? 2
		     : c < 0xf0 ? 3
		     : c < 0xf5 ? 4
				: 0;

	if (len > n)
		return 0;
	if (c == 0xe0)
		lo = 0xa0;
	else if (c == 0xed)
		hi = 0x9f;
	else if (c == 0xf0)
		lo = 0x90;
	else if (c == 0xf4)
		hi = 0x8f;
	for (size_t i = 1; i < len; i++, lo = 0x80, hi = 0xbf)
		if (p[i] < lo || p[i] > hi)
			return 0;
	return len;
}

/* Refuses what is no text and notes where the characters are. */
static int check_text(struct reader *r)
{
	const unsigned char *p = (const unsigned char *)r->src->text;
	size_t n = r->src->len, count = 0, first = 0;

	while (first < n && p[first] < 0x80 && p[first])
		first++;
	if (first == n)
		return 0;
	r->offsets = arena_array(r->a, n / STRIDE + 2, size_t);
	for (size_t off = 0; off < n; count++) {
		size_t len = utf8_len(p + off, n - off);
		struct span at = {r->src, off, 1};

		if (count % STRIDE == 0)
			r->offsets[count / STRIDE] = off;
		if (len == 0)
			return error_at(r->err, at,
					"this byte (0x%02x) is not valid UTF-8", p[off]);
		if (p[off] == 0)
			return error_at(r->err, at, "a NUL byte is not text");
		off += len;
	}
	for (size_t i = count / STRIDE + 1; i < n / STRIDE + 2; i++)
		r->offsets[i] = n;
	return 0;
}

/* libyaml counts characters; we want bytes. */
static size_t byte_of(const struct reader *r, size_t character)
{
	if (!r->offsets)
		return character < r->src->len ? character : r->src->len;
	const unsigned char *p = (const unsigned char *)r->src->text;
	size_t row = character / STRIDE;
	if (row > r->src->len / STRIDE + 1)
		return r->src->len;
	size_t off = r->offsets[row];
	for (size_t i = character % STRIDE; i > 0 && off < r->src->len; i--)
		for (off++; off < r->src->len && (p[off] & 0xc0) == 0x80;)
			off++;
	return off;
}

static struct span span_of(const struct reader *r, const yaml_event_t *e)
{
	size_t off = byte_of(r, e->start_mark.index), end = byte_of(r, e->end_mark.index);

	return (struct span){r->src, off, end > off ? end - off : 0};
}

static enum node_style style_of(yaml_scalar_style_t s)
{
	switch (s) {
	case YAML_SINGLE_QUOTED_SCALAR_STYLE:
		return STYLE_SINGLE;
	case YAML_DOUBLE_QUOTED_SCALAR_STYLE:
		return STYLE_DOUBLE;
	case YAML_LITERAL_SCALAR_STYLE:
		return STYLE_LITERAL;
	case YAML_FOLDED_SCALAR_STYLE:
		return STYLE_FOLDED;
	default:
		return STYLE_PLAIN;
	}
}

static void refuse_decoration(struct reader *r, const unsigned char *anchor,
			      const unsigned char *tag, struct span at)
{
	if (anchor) {
		at.len = strlen((const char *)anchor) + 1;
		error_at(r->err, at, "anchors are not part of the language");
		error_hint(
			r->err,
			"share values with `extends:` or read them with ${section.key}");
	}
	if (tag) {
		at.len = 1;
		error_at(r->err, at, "tags are not part of the language");
		error_hint(r->err,
			   "values are text and the schema gives them their type");
	}
}

static struct node *scalar(struct reader *r, const yaml_event_t *e)
{
	size_t len = e->data.scalar.length;
	const char *value = (const char *)e->data.scalar.value;
	struct span at = span_of(r, e);

	refuse_decoration(r, e->data.scalar.anchor, e->data.scalar.tag, at);
	if (memchr(value, '\0', len))
		error_at(r->err, at, "a NUL character cannot be part of a value");
	struct node *n = node_scalar(r->a, arena_strndup(r->a, value, len), at);
	n->style = style_of(e->data.scalar.style);
	/* A block scalar ends at the next token: show its header only. */
	if (n->style >= STYLE_LITERAL) {
		const char *from = r->src->text + at.off;
		const char *nl = memchr(from, '\n', r->src->len - at.off);

		n->at.len = nl ? (size_t)(nl - from) : at.len;
		if (n->at.len && from[n->at.len - 1] == '\r')
			n->at.len--;
	}
	return n;
}

static void take_key(struct reader *r, struct open_node *top, struct node *n)
{
	top->dropped = false;
	top->key_at = n->at;
	if (n->kind != NODE_SCALAR) {
		top->key = "";
		top->dropped = true;
		top->key_at.len = 1;
		error_at(r->err, top->key_at, "expected a key that is text, found %s",
			 node_kind_words(n));
		return;
	}
	top->key = n->text;
	const struct member *first = node_member(top->node, n->text);
	if (!first)
		return;
	struct place p = span_place(first->key_at);
	error_at(r->err, n->at, "duplicate key '%s'", n->text);
	error_hint(r->err, "it was given first in line %zu", p.line);
	top->dropped = true;
}

/* Puts a finished or opened node where it belongs. */
static void place(struct reader *r, struct node *n)
{
	if (r->depth == 0) {
		if (!r->root)
			r->root = n;
		return;
	}
	struct open_node *top = &r->stack[r->depth - 1];
	if (top->node->kind == NODE_LIST) {
		node_add(r->a, top->node, NULL, n->at, n);
	} else if (!top->key) {
		take_key(r, top, n);
	} else {
		if (!top->dropped)
			node_add(r->a, top->node, top->key, top->key_at, n);
		top->key = NULL;
	}
}

static void open_collection(struct reader *r, enum node_kind kind, struct span at)
{
	at.len = at.len ? 1 : 0;
	if (r->depth == YAML_MAX_DEPTH) {
		error_at(r->err, at, "nested more than %d deep", YAML_MAX_DEPTH);
		r->too_deep = true;
		return;
	}
	struct node *n = kind == NODE_MAP ? node_map(r->a, at) : node_list(r->a, at);
	place(r, n);
	r->stack[r->depth++] = (struct open_node){.node = n};
}

static void document(struct reader *r, const yaml_event_t *e)
{
	struct span at = span_of(r, e);

	if (r->documents++ == 1) {
		error_at(r->err, at, "a file holds one document");
		error_hint(r->err, "put the second one in a file of its own");
	}
}

static void take_event(struct reader *r, const yaml_event_t *e)
{
	struct span at = span_of(r, e);

	switch (e->type) {
	case YAML_DOCUMENT_START_EVENT:
		document(r, e);
		break;
	case YAML_ALIAS_EVENT:
		error_at(r->err, at, "aliases are not part of the language");
		error_hint(
			r->err,
			"share values with `extends:` or read them with ${section.key}");
		place(r, node_scalar(r->a, "", at));
		break;
	case YAML_SCALAR_EVENT:
		place(r, scalar(r, e));
		break;
	case YAML_SEQUENCE_START_EVENT:
		refuse_decoration(r, e->data.sequence_start.anchor,
				  e->data.sequence_start.tag, at);
		open_collection(r, NODE_LIST, at);
		break;
	case YAML_MAPPING_START_EVENT:
		refuse_decoration(r, e->data.mapping_start.anchor,
				  e->data.mapping_start.tag, at);
		open_collection(r, NODE_MAP, at);
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		r->depth--;
		break;
	default:
		break;
	}
}

static void syntax_error(struct reader *r, const yaml_parser_t *parser)
{
	size_t off = byte_of(r, parser->problem_mark.index);
	const char *what = parser->problem ? parser->problem : "cannot be read";
	struct span at = {r->src, off, 1};

	if (off < r->src->len && r->src->text[off] == '\t') {
		error_at(r->err, at, "a tab cannot indent YAML");
		error_hint(r->err, "use spaces");
		return;
	}
	/* At the very end there is nothing to underline: point at the last line. */
	while (at.off > 0 && at.off >= r->src->len)
		at.off--;
	error_at(r->err, at, "not valid YAML: %s", what);
	if (parser->context)
		error_hint(r->err, "%s that begins in line %zu", parser->context,
			   parser->context_mark.line + 1);
}

static void read_events(struct reader *r)
{
	yaml_parser_t parser;
	bool done = false;

	if (!yaml_parser_initialize(&parser))
		BUG("libyaml cannot start");
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)r->src->text,
				     r->src->len);
	while (!done && !r->too_deep && !findings_full(r->err)) {
		yaml_event_t event;

		if (!yaml_parser_parse(&parser, &event)) {
			syntax_error(r, &parser);
			break;
		}
		take_event(r, &event);
		done = event.type == YAML_STREAM_END_EVENT || r->documents > 1;
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
}

struct node *yaml_read(const struct source *src, struct arena *a, struct error *err)
{
	struct reader r = {.src = src, .a = a, .err = err};

	if (check_text(&r) < 0)
		return NULL;
	read_events(&r);
	if (findings_close(err) < 0)
		return NULL;
	if (!r.root) {
		error_at(err, (struct span){src, 0, 0}, "the file is empty");
		return NULL;
	}
	return r.root;
}
