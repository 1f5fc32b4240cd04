// SPDX-License-Identifier: MIT
/*
 * A document that is read prints to one that is read to the same nodes, and every place
 * in it lies inside it.
 */
#include <string.h>

#include "base/alloc.h"
#include "evaluator/yaml.h"
#include "tests/fuzz/fuzz.h"

static void check_span(struct span at)
{
	if (at.off > at.src->len || at.len > at.src->len - at.off)
		BUG("a place outside of the text: %zu+%zu of %zu", at.off, at.len,
		    at.src->len);
	span_place(at);
}

static void check_places(const struct node *n)
{
	check_span(n->at);
	for (size_t i = 0; i < n->n; i++) {
		check_span(n->members[i].key_at);
		check_places(n->members[i].value);
	}
}

static void compare(const struct node *x, const struct node *y)
{
	if (x->kind != y->kind || x->n != y->n)
		BUG("printed, a node is %s", node_kind_words(y));
	if (node_is_null(x) != node_is_null(y))
		BUG("printed, '%s' is %s", x->text, node_kind_words(y));
	/* Nothing has several spellings. */
	if (x->kind == NODE_SCALAR && !node_is_null(x) && strcmp(x->text, y->text) != 0)
		BUG("printed, '%s' is '%s'", x->text, y->text);
	for (size_t i = 0; i < x->n; i++) {
		if (x->kind == NODE_MAP &&
		    strcmp(x->members[i].key, y->members[i].key) != 0)
			BUG("printed, the key '%s' is '%s'", x->members[i].key,
			    y->members[i].key);
		compare(x->members[i].value, y->members[i].value);
	}
}

static void print_again(const struct node *root, struct arena *a)
{
	autobuf struct strbuf text = STRBUF_INIT;
	autoerror struct error err = {0};

	node_print(root, false, &text);
	const struct source src = {"printed", text.ptr, text.len};
	const struct node *again = yaml_read(&src, a, &err);
	if (!again)
		BUG("printed, it cannot be read: %s\n%s", err.msg, text.ptr);
	compare(root, again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	autoerror struct error err = {0};
	struct arena a = {0};
	const struct source src = {"input", arena_strndup(&a, (const char *)bytes, n), n};
	const struct node *root = yaml_read(&src, &a, &err);

	for (const struct error *e = &err; e && e->msg; e = e->next)
		if (e->at.src)
			check_span(e->at);
	if (root) {
		check_places(root);
		print_again(root, &a);
	}
	arena_finish(&a);
	return 0;
}
