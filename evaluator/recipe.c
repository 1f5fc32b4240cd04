// SPDX-License-Identifier: MIT
#include "evaluator/recipe.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "base/map.h"
#include "evaluator/basis.h"
#include "evaluator/findings.h"
#include "evaluator/interp.h"
#include "evaluator/manifest.h"
#include "evaluator/merge.h"
#include "evaluator/prebuilt.h"
#include "evaluator/sections.h"
#include "evaluator/smallest.h"
#include "evaluator/yaml.h"

enum { MAX_FILES = 256, MAX_EXTENDS_DEPTH = 32 };

/* What is being read right now, innermost first. */
struct reading {
	const char *real; /* its resolved path */
	const char *shown;
	const struct reading *outer;
	size_t depth;
};

struct loader {
	struct recipe *r;
	const struct recipe_options *opt;
	struct arena *a;
	struct error *err;
};

static struct node *load_file(struct loader *l, const char *path, const char *shown,
			      const struct node *asked, const struct reading *outer);

static const char *dir_of(struct arena *a, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return ".";
	return slash == path ? "/" : arena_strndup(a, path, (size_t)(slash - path));
}

const char *recipe_dir_of(const struct recipe *r, struct span at)
{
	for (size_t i = 0; at.src && i < r->nfiles; i++)
		if (r->files[i].src == at.src)
			return r->files[i].dir;
	return r->dir;
}

const char *recipe_path(const struct recipe *r, const struct node *text, struct arena *a)
{
	const char *p = text->text;

	if (*p == '/')
		return p;
	if (strcmp(p, ".") == 0)
		return recipe_dir_of(r, text->at);
	while (str_starts(p, "./"))
		for (p += 2; *p == '/';)
			p++;
	return arena_printf(a, "%s/%s", recipe_dir_of(r, text->at), p);
}

/* Names of the sets in DATA/recipes/presets, for a suggestion. */
static void suggest_preset(struct loader *l, const char *word)
{
	const char *path = arena_printf(l->a, "%s/recipes/presets", l->opt->data_dir);
	autoclose int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoargv struct argv names = {0};
	autoerror struct error ignored = {0};
	const char *words[64];
	size_t n = 0;

	if (fd < 0 || dir_names(fd, &names, &ignored) < 0)
		return;
	for (size_t i = 0; i < names.n && n < ARRAY_LEN(words); i++)
		if (str_ends(names.v[i], ".yaml"))
			words[n++] =
				arena_printf(l->a, "presets/%.*s",
					     (int)strlen(names.v[i]) - 5, names.v[i]);
	findings_suggest(l->err, word, words, n);
}

static struct node *load_extended(struct loader *l, const struct node *item,
				  const struct reading *outer)
{
	const char *text = item->text, *path, *shown;

	if (item->kind != NODE_SCALAR) {
		error_at(l->err, item->at, "extends: expected text, found %s",
			 node_kind_words(item));
		return NULL;
	}
	if (str_starts(text, "git+") || str_starts(text, "https://") ||
	    str_starts(text, "http://")) {
		error_at(l->err, item->at, "this version extends local files only");
		error_hint(l->err,
			   "keep a copy of the file, for example as a git submodule");
		return NULL;
	}
	if (str_starts(text, "presets/")) {
		path = arena_printf(l->a, "%s/recipes/%s.yaml", l->opt->data_dir, text);
		shown = arena_printf(l->a, "%s.yaml", text);
		if (access(path, F_OK) < 0) {
			error_at(l->err, item->at, "unknown preset '%s'", text);
			suggest_preset(l, text);
			return NULL;
		}
		return load_file(l, path, shown, item, outer);
	}
	path = recipe_path(l->r, item, l->a);
	shown = text;
	if (*text != '/' && strchr(outer->shown, '/'))
		shown = arena_printf(l->a, "%s/%s", dir_of(l->a, outer->shown),
				     str_starts(text, "./") ? text + 2 : text);
	return load_file(l, path, shown, item, outer);
}

static int refuse_circle(struct loader *l, const char *real, const struct reading *outer,
			 const struct node *asked)
{
	for (const struct reading *o = outer; o; o = o->outer) {
		if (strcmp(o->real, real) != 0)
			continue;
		error_at(l->err, asked->at, "files extend each other in a circle");
		return error_hint(l->err, "%s was being read already", o->shown);
	}
	if (l->r->nfiles >= MAX_FILES || (outer && outer->depth >= MAX_EXTENDS_DEPTH))
		return error_at(l->err, asked->at, "too many files extend each other");
	return 0;
}

/* The file's nodes laid over everything it extends; NULL after a finding. */
static struct node *merge_file(struct loader *l, const struct node *root,
			       const struct reading *here)
{
	const struct node *extends = node_get(root, "extends");
	struct node *base = NULL;
	bool ok = true;

	if (extends && extends->kind != NODE_LIST) {
		error_at(l->err, extends->at, "extends: expected a list, found %s",
			 node_kind_words(extends));
		if (extends->kind == NODE_SCALAR)
			error_hint(l->err, "write [%s]", extends->text);
		return NULL;
	}
	for (size_t i = 0; extends && i < extends->n; i++) {
		struct node *n = load_extended(l, extends->members[i].value, here);

		if (n)
			base = base ? merge_nodes(&recipe_schema, base, n, l->a) : n;
		ok = ok && n;
	}
	if (!ok)
		return NULL;
	if (base)
		node_remove(base, "extends");
	struct node *all = merge_nodes(&recipe_schema, base, root, l->a);
	node_remove(all, "extends");
	return all;
}

static int check_root(struct loader *l, const struct node *root, bool main_file)
{
	if (root->kind != NODE_MAP)
		return error_at(l->err, root->at, "expected a map of sections, found %s",
				node_kind_words(root));
	if (main_file && (root->n == 0 || strcmp(root->members[0].key, "kbuild") != 0)) {
		error_at(l->err, root->n ? root->members[0].key_at : root->at,
			 "expected 'kbuild: 1' as the first line");
		return error_hint(l->err, "it names the version of the language");
	}
	return 0;
}

static struct node *load_file(struct loader *l, const char *path, const char *shown,
			      const struct node *asked, const struct reading *outer)
{
	autofree char *real = path_absolute(path);

	if (!real && asked) {
		error_at(l->err, asked->at, "cannot open '%s': %s", asked->text,
			 strerror(errno));
		return NULL;
	}
	if (!real) {
		error_class(l->err, ERROR_RECIPE, "cannot open %s: %s", shown,
			    strerror(errno));
		return NULL;
	}
	if (asked && refuse_circle(l, real, outer, asked) < 0)
		return NULL;
	struct source *src = yaml_load(AT_FDCWD, real, shown, l->a, l->err);
	if (!src)
		return NULL;
	const char *kept = arena_strdup(l->a, real);
	ARENA_PUSH(l->a, l->r->files, l->r->nfiles, l->r->files_cap) =
		(struct recipe_file){src, dir_of(l->a, kept)};
	if (!asked)
		l->r->dir = dir_of(l->a, kept);
	struct node *root = yaml_read(src, l->a, l->err);
	if (!root || check_root(l, root, !asked) < 0)
		return NULL;
	if (!asked)
		l->r->parsed = root;
	const struct reading here = {kept, shown, outer, outer ? outer->depth + 1 : 1};
	return merge_file(l, root, &here);
}

/* --- the command line's --override ---------------------------------------------- */

static int override_one(struct loader *l, struct node *root, const struct source *src)
{
	const char *eq = memchr(src->text, '=', src->len);
	const struct schema *s = &recipe_schema;
	struct node *n = root;
	struct span name = {src, 0, src->len};

	if (!eq || eq == src->text || !eq[1])
		return error_at(l->err, name,
				"expected INPUT=SOURCE, as in kernel.source=./linux");
	name.len = (size_t)(eq - src->text);
	struct span at = {src, name.len + 1, src->len - name.len - 1};
	struct str rest = {src->text, name.len};
	struct node *value = node_scalar(l->a, arena_strdup(l->a, eq + 1), at);
	while (rest.ptr) {
		struct str part = str_cut(&rest, '.');
		const char *key = arena_strndup(l->a, part.ptr, part.len);
		const struct schema *below = schema_member(s, key);
		struct member *m = node_member(n, key);

		if (!below || (s->type == TYPE_MAP && !m))
			goto unknown;
		bool last = !rest.ptr;
		if (last && (below->shorthand || below->type == TYPE_TEXT)) {
			node_set(l->a, n, key, name,
				 merge_nodes(below, m ? m->value : NULL, value, l->a));
			return 0;
		}
		if (last || !m)
			goto unknown;
		if (m->value->kind == NODE_SCALAR && below->shorthand) {
			struct node *map = node_map(l->a, m->value->at);

			node_add(l->a, map, below->shorthand, m->value->at, m->value);
			m->value = map;
		}
		n = m->value;
		s = below;
	}
unknown:
	error_at(l->err, name, "there is no input '%.*s' to override", (int)name.len,
		 src->text);
	return error_hint(
		l->err, "inputs have names such as kernel.source or modules.NAME.source");
}

static int apply_overrides(struct loader *l, struct node *root)
{
	for (size_t i = 0; i < l->opt->noverrides; i++) {
		struct source *src = arena_new(l->a, struct source);
		autofree char *cwd = path_absolute(".");

		src->name = "--override";
		src->text = arena_strdup(l->a, l->opt->overrides[i]);
		src->len = strlen(src->text);
		ARENA_PUSH(l->a, l->r->files, l->r->nfiles, l->r->files_cap) =
			(struct recipe_file){src, arena_strdup(l->a, cwd ? cwd : "/")};
		override_one(l, root, src);
	}
	return findings_close(l->err);
}

/* --- the rest ------------------------------------------------------------------- */

static void default_scalar(struct loader *l, struct node *root, const char *key,
			   const char *text)
{
	if (node_get(root, key))
		return;
	struct node *n = node_scalar(l->a, text, root->at);
	n->is_default = true;
	node_add(l->a, root, key, root->at, n);
}

/* `arch` and `name` have defaults that no table knows; ${arch} is the canonical name. */
static void fill_in(struct loader *l, struct node *root)
{
	struct node *arch;
	const struct arch *known;

	const struct arch *built = prebuilt_arch(node_get(root, "kernel"));

	default_scalar(l, root, "arch",
		       built && built->supported ? built->name : arch_host()->name);
	default_scalar(l, root, "name", l->r->name);
	arch = node_get(root, "arch");
	known = arch->kind == NODE_SCALAR ? arch_find(arch->text) : NULL;
	if (known)
		arch->text = known->name;
}

/* Options of the user's own steps, against the manifests of their builders. */
static int check_steps(struct loader *l, struct node *checked)
{
	struct node *steps = node_get(checked, "steps");
	struct manifests all = {.data_dir = l->opt->data_dir};

	for (size_t i = 0; steps && i < steps->n && !findings_full(l->err); i++) {
		struct node *step = steps->members[i].value;
		const char *path = arena_printf(l->a, "steps.%s", steps->members[i].key);
		const struct manifest *m = manifest_find(
			&all, l->r, node_get(step, "builder"), l->a, l->err);

		if (!m)
			continue;
		manifest_check_inputs(m, step, path, l->err);
		struct node *options = manifest_options(m, step, path, l->a, l->err);
		if (options)
			node_set(l->a, step, "options", step->at, options);
	}
	manifests_finish(&all);
	return findings_close(l->err);
}

/* The user gives a file, or the folder that has one called recipe.yaml. */
static const char *recipe_file(const char *path, struct arena *a)
{
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return arena_printf(a, "%s%srecipe.yaml", path,
				    str_ends(path, "/") ? "" : "/");
	return arena_strdup(a, path);
}

static void name_files(struct recipe *r, struct arena *a)
{
	const char *slash = strrchr(r->path, '/');
	const char *base = slash ? slash + 1 : r->path;
	const char *dot = strrchr(base, '.');
	size_t stem = dot && dot != base ? (size_t)(dot - base) : strlen(base);

	r->name = arena_strndup(a, base, stem);
	r->lock_path = arena_printf(a, "%.*s%.*s.lock", (int)(base - r->path), r->path,
				    (int)stem, base);
}

int recipe_load(const char *path, const struct recipe_options *opt, struct arena *a,
		struct recipe **out, struct error *err)
{
	struct recipe *r = arena_new(a, struct recipe);
	struct loader l = {r, opt, a, err};

	*out = r;
	r->path = recipe_file(path, a);
	name_files(r, a);
	struct node *root = load_file(&l, r->path, r->path, NULL, NULL);
	if (!root)
		return error_is_set(err) ? findings_close(err) : -1;
	if (apply_overrides(&l, root) < 0 || basis_bind(r, root, a, err) < 0)
		return -1;
	fill_in(&l, root);
	if (interp_apply(root, &recipe_schema, a, err) < 0)
		return -1;
	r->merged = root;
	struct node *checked = schema_apply(&recipe_schema, root, "", a, err);
	if (findings_close(err) < 0 || !checked)
		return -1;
	if (sections_check(checked, err) < 0 || basis_check(r, checked, a, err) < 0 ||
	    smallest_choose(r, checked, a, err) < 0 || check_steps(&l, checked) < 0)
		return -1;
	r->checked = checked;
	r->name = node_text(checked, "name");
	r->arch = arch_find(node_text(checked, "arch"));
	return 0;
}
