// SPDX-License-Identifier: MIT
/* DATA/recipes/toolchain.yaml: which packages make a toolchain, and what is mended. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/argv.h"
#include "evaluator/findings.h"
#include "evaluator/inputs.h"
#include "evaluator/schema.h"
#include "evaluator/sections.h"
#include "evaluator/yaml.h"

static const struct schema word = {.type = TYPE_TEXT};
static const struct schema words = {.type = TYPE_LIST, .of = &word};
static const struct schema pairs = {.type = TYPE_MAP, .of = &word};

static const struct schema_key compiler_keys[] = {
	{"packages", true, {.type = TYPE_LIST, .of = &word}},
	{"links", false, {.type = TYPE_MAP, .of = &word}},
};
static const struct schema compiler = SECTION(compiler_keys);

static const struct schema_key toolchain_keys[] = {
	{"packages", true, {.type = TYPE_LIST, .of = &word}},
	{"rename", false, {.type = TYPE_MAP, .of = &pairs}},
	{"cross", false, {.type = TYPE_MAP, .of = &words}},
	{"compilers", false, {.type = TYPE_MAP, .of = &compiler}},
	{"prune", false, {.type = TYPE_LIST, .of = &word}},
	{"links", false, {.type = TYPE_MAP, .of = &word}},
	{"files", false, {.type = TYPE_MAP, .of = &word}},
	{"dirs", false, {.type = TYPE_LIST, .of = &word}},
};
static const struct schema toolchain_schema = SECTION(toolchain_keys);

static const char *keep(struct arena *a, const struct strbuf *b)
{
	return arena_strndup(a, b->ptr ? b->ptr : "", b->len);
}

static const char *lines_of(const struct node *list, struct arena *a)
{
	autobuf struct strbuf out = STRBUF_INIT;

	for (size_t i = 0; list && i < list->n; i++)
		strbuf_printf(&out, "%s%s", i ? "\n" : "", list->members[i].value->text);
	return keep(a, &out);
}

/* Text with N put in the place of the last letter of `gcc-N`. */
static const char *with_version(struct arena *a, const char *text, const char *version)
{
	size_t len = strlen(text);

	if (!version || len < 2 || strcmp(text + len - 2, "-N") != 0)
		return text;
	return arena_printf(a, "%.*s%s", (int)len - 1, text, version);
}

static void add_links(const struct node *map, const char *version, struct arena *a,
		      struct strbuf *out)
{
	for (size_t i = 0; map && i < map->n; i++)
		strbuf_printf(out, "%s%s %s", out->len ? "\n" : "", map->members[i].key,
			      with_version(a, map->members[i].value->text, version));
}

/* Lines `PATH TAB CONTENT` with the content's newlines, tabs and backslashes escaped. */
static const char *file_lines(const struct node *map, struct arena *a)
{
	autobuf struct strbuf out = STRBUF_INIT;

	for (size_t i = 0; map && i < map->n; i++) {
		strbuf_printf(&out, "%s%s\t", i ? "\n" : "", map->members[i].key);
		for (const char *c = map->members[i].value->text; *c; c++) {
			if (*c == '\n')
				strbuf_adds(&out, "\\n");
			else if (*c == '\t')
				strbuf_adds(&out, "\\t");
			else if (*c == '\\')
				strbuf_adds(&out, "\\\\");
			else
				strbuf_addc(&out, *c);
		}
	}
	return keep(a, &out);
}

/* `gcc-11` takes the place of `gcc`, whose package would claim the plain names. */
static void take_packages(struct toolchain *t, const struct node *n,
			  const struct node *chosen, const char *version, struct arena *a)
{
	const struct node *rename =
		node_get(node_get(n, "rename"), arena_printf(a, "debian/%s", t->suite));
	const struct node *lists[] = {node_get(n, "packages"),
				      node_get(chosen, "packages")};
	autoargv struct argv v = {0};

	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		for (size_t k = 0; lists[i] && k < lists[i]->n; k++) {
			const char *p = with_version(a, lists[i]->members[k].value->text,
						     version);
			const char *other = node_text(rename, p);

			if (!version || strcmp(p, "gcc") != 0)
				argv_push(&v, other ? other : p);
		}
	}
	argv_sort(&v);
	argv_unique(&v);
	t->npackages = v.n;
	t->packages = arena_array(a, v.n + 1, const char *);
	for (size_t i = 0; i < v.n; i++)
		t->packages[i] = arena_strdup(a, v.v[i]);
}

int toolchain_of(const struct recipe *r, const char *data_dir, struct arena *a,
		 struct toolchain *out, struct error *err)
{
	const struct node *asked = node_get(r->checked, "toolchain");
	const char *path = arena_printf(a, "%s/recipes/toolchain.yaml", data_dir);
	struct source *src = yaml_load(AT_FDCWD, path, "recipes/toolchain.yaml", a, err);
	struct node *root = src ? yaml_read(src, a, err) : NULL;
	struct node *n =
		root ? schema_apply(&toolchain_schema, root, "toolchain.yaml", a, err)
		     : NULL;
	struct toolchain_name name;

	if (findings_close(err) < 0 || !n)
		return -1;
	toolchain_parse(asked->text, a, &name);
	const char *called = name.gcc ? arena_printf(a, "gcc-%s", name.gcc) : "gcc";
	const struct node *chosen =
		name.gcc ? node_get(node_get(n, "compilers"), "gcc-N") : NULL;
	autobuf struct strbuf links = STRBUF_INIT;
	add_links(node_get(chosen, "links"), name.gcc, a, &links);
	add_links(node_get(n, "links"), NULL, a, &links);
	const char *debian = arch_host()->debian;
	*out = (struct toolchain){
		.key = arena_printf(a, "debian/%s/%s %s", name.suite, called, debian),
		.name = arena_printf(a, "debian-%s-%s-%s", name.suite, called, debian),
		.suite = name.suite,
		.prune = lines_of(node_get(n, "prune"), a),
		.links = keep(a, &links),
		.files = file_lines(node_get(n, "files"), a),
		.dirs = lines_of(node_get(n, "dirs"), a),
		.at = asked->at,
	};
	take_packages(out, n, chosen, name.gcc, a);
	return 0;
}
