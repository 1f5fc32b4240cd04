// SPDX-License-Identifier: MIT
/* DATA/recipes/toolchain.yaml: which packages make a toolchain, and what is mended. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/argv.h"
#include "evaluator/findings.h"
#include "evaluator/lock.h"
#include "evaluator/schema.h"
#include "evaluator/sections.h"
#include "evaluator/yaml.h"

static const struct schema word = {.type = TYPE_TEXT};
static const struct schema pairs = {.type = TYPE_MAP, .of = &word};

static const struct schema_key compiler_keys[] = {
	{"packages", true, {.type = TYPE_LIST, .of = &word}},
	{"links", false, {.type = TYPE_MAP, .of = &word}},
};
static const struct schema compiler = SECTION(compiler_keys);
static const struct schema compilers = {.type = TYPE_MAP, .of = &compiler};

static const struct schema_key toolchain_keys[] = {
	{"packages", true, {.type = TYPE_LIST, .of = &word}},
	{"target", false, {.type = TYPE_LIST, .of = &word}},
	{"rename", false, {.type = TYPE_MAP, .of = &pairs}},
	{"cross", false, {.type = TYPE_MAP, .of = &compilers}},
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

/* `gcc-N` and `gcc-N-aarch64-linux-gnu` with the version in the place of N. */
static const char *with_version(struct arena *a, const char *text, const char *version)
{
	const char *n = version ? strstr(text, "-N") : NULL;

	if (!n || (n[2] && n[2] != '-'))
		return text;
	return arena_printf(a, "%.*s-%s%s", (int)(n - text), text, version, n + 2);
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

/* "debian/13/gcc amd64 arm64" gives "debian-13-gcc-amd64-arm64". */
static const char *name_of_key(const char *key, struct arena *a)
{
	char *name = arena_strdup(a, key);

	for (char *c = name; *c; c++)
		if (*c == '/' || *c == ' ')
			*c = '-';
	return name;
}

/* Adds the packages of a list under the names that the suite has for them. */
static void add_packages(const struct node *list, const struct node *rename,
			 const char *version, const char *foreign, struct arena *a,
			 struct argv *out)
{
	for (size_t i = 0; list && i < list->n; i++) {
		const char *p = with_version(a, list->members[i].value->text, version);
		const char *other = node_text(rename, p);

		argv_pushf(out, "%s%s%s", other ? other : p, foreign ? ":" : "",
			   foreign ? foreign : "");
	}
}

static void keep_packages(struct toolchain *t, struct argv *v, struct arena *a)
{
	argv_sort(v);
	argv_unique(v);
	t->npackages = v->n;
	t->packages = arena_array(a, v->n + 1, const char *);
	for (size_t i = 0; i < v->n; i++)
		t->packages[i] = arena_strdup(a, v->v[i]);
}

/*
 * What the chosen compiler adds, and its cross compiler when the target is another
 * machine than this one: host programs of the kernel are compiled, too. There is one
 * busybox in the tree then, the target's; it is data there, for an initramfs, and nothing
 * runs it.
 */
static void choose(struct toolchain *t, const struct node *n, const char *version,
		   const struct arch *target, struct arena *a)
{
	const char *foreign = target == arch_host() ? NULL : target->debian;
	const char *compiler_word = version ? "gcc-N" : "gcc";
	const struct node *rename =
		node_get(node_get(n, "rename"), arena_printf(a, "debian/%s", t->suite));
	const struct node *chosen[] = {
		node_get(node_get(n, "compilers"), compiler_word),
		foreign ? node_get(node_get(node_get(n, "cross"), target->name),
				   compiler_word)
			: NULL,
	};
	autobuf struct strbuf links = STRBUF_INIT;
	autoargv struct argv v = {0};

	add_packages(node_get(n, "packages"), rename, NULL, NULL, a, &v);
	add_packages(node_get(n, "target"), rename, NULL, foreign, a, &v);
	for (size_t i = 0; i < ARRAY_LEN(chosen); i++) {
		add_packages(node_get(chosen[i], "packages"), rename, version, NULL, a,
			     &v);
		add_links(node_get(chosen[i], "links"), version, a, &links);
	}
	add_links(node_get(n, "links"), NULL, a, &links);
	keep_packages(t, &v, a);
	t->links = keep(a, &links);
}

void toolchain_meant(const struct recipe *r, const struct lock *lock, struct arena *a,
		     struct toolchain_name *out)
{
	const struct node *asked = node_get(r->checked, "toolchain");
	const bool prebuilt = node_get(node_get(r->checked, "kernel"), "prebuilt");
	const struct lock_entry *kernel =
		prebuilt ? lock_find(&lock->inputs, "kernel.prebuilt") : NULL;
	const char *suite = kernel ? lock_fact(kernel, "suite") : NULL;

	toolchain_parse(asked->is_default && suite ? arena_printf(a, "debian/%s", suite)
						   : asked->text,
			a, out);
}

int toolchain_of(const struct recipe *r, const struct lock *lock, const char *data_dir,
		 struct arena *a, struct toolchain *out, struct error *err)
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
	toolchain_meant(r, lock, a, &name);
	const char *called = name.gcc ? arena_printf(a, "gcc-%s", name.gcc) : "gcc";
	const struct arch *host = arch_host();
	/* A native toolchain is the same one for every recipe that builds for this
	 * machine. */
	const char *machines =
		r->arch == host ? host->debian
				: arena_printf(a, "%s %s", host->debian, r->arch->debian);
	*out = (struct toolchain){
		.key = arena_printf(a, "debian/%s/%s %s", name.suite, called, machines),
		.suite = name.suite,
		.prune = lines_of(node_get(n, "prune"), a),
		.files = file_lines(node_get(n, "files"), a),
		.dirs = lines_of(node_get(n, "dirs"), a),
		.at = asked->at,
	};
	out->name = name_of_key(out->key, a);
	choose(out, n, name.gcc, r->arch, a);
	return 0;
}
