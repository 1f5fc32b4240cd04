// SPDX-License-Identifier: MIT
#include "evaluator/manifest.h"

#include <fcntl.h>
#include <string.h>

#include "base/dir.h"
#include "evaluator/findings.h"
#include "evaluator/sections.h"
#include "evaluator/yaml.h"

#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

/* --- the schema of builder.yaml itself ------------------------------------------ */

static const char *const input_types[] = {"file", "tree"};
static const char *const option_types[] = {"bool", "duration", "enum", "int",
					   "list", "map",      "size", "text"};
static const struct schema word = {.type = TYPE_TEXT};

static const struct schema_key input_keys[] = {
	{"type", true, {.type = TYPE_ENUM, WORDS(input_types)}},
	{"optional", false, {.type = TYPE_BOOL, .def = "n"}},
	{"about", false, {.type = TYPE_TEXT}},
};
static const struct schema input = SECTION(input_keys);

static const struct schema_key option_keys[] = {
	{"type", true, {.type = TYPE_ENUM, WORDS(option_types)}},
	{"of", false, {.type = TYPE_LIST, .of = &word}},
	{"default", false, {.type = TYPE_ANY}},
	{"about", false, {.type = TYPE_TEXT}},
};
static const struct schema option = SECTION(option_keys);

static const struct schema_key manifest_keys[] = {
	{"summary", true, {.type = TYPE_TEXT}},
	{"inputs", false, {.type = TYPE_MAP, .of = &input}},
	{"options", false, {.type = TYPE_MAP, .of = &option}},
	{"tools", false, {.type = TYPE_LIST, .of = &word}},
	{"outputs", true, {.type = TYPE_LIST, .of = &word}},
};
static const struct schema manifest_schema = SECTION(manifest_keys);

/* --- from nodes to structs ------------------------------------------------------ */

static void take_inputs(struct manifest *m, const struct node *inputs, struct arena *a)
{
	m->ninputs = inputs ? inputs->n : 0;
	m->inputs = arena_array(a, m->ninputs + 1, struct manifest_input);
	for (size_t i = 0; i < m->ninputs; i++) {
		const struct member *in = &inputs->members[i];
		size_t len = strlen(in->key);
		bool family = len > 1 && in->key[len - 1] == '*';

		m->inputs[i] = (struct manifest_input){
			.name = arena_strndup(a, in->key, family ? len - 1 : len),
			.family = family,
			.optional = family ||
				    strcmp(node_text(in->value, "optional"), "y") == 0,
		};
	}
}

static enum schema_type option_type(const char *name)
{
	static const enum schema_type types[] = {TYPE_BOOL, TYPE_DURATION, TYPE_ENUM,
						 TYPE_INT,  TYPE_LIST,     TYPE_MAP,
						 TYPE_SIZE, TYPE_TEXT};

	for (size_t i = 0; i < ARRAY_LEN(option_types); i++)
		if (strcmp(name, option_types[i]) == 0)
			return types[i];
	return TYPE_ANY;
}

static int take_option(struct schema_key *k, const struct member *m, struct arena *a,
		       struct error *err)
{
	const struct node *def = node_get(m->value, "default"),
			  *of = node_get(m->value, "of");

	k->key = m->key;
	k->schema.type = option_type(node_text(m->value, "type"));
	k->schema.of = &word;
	if (k->schema.type == TYPE_ENUM) {
		if (!of || of->n == 0)
			return error_at(err, m->value->at,
					"an enum needs its words in `of`");
		const char **words = arena_array(a, of->n, const char *);
		for (size_t i = 0; i < of->n; i++)
			words[i] = of->members[i].value->text;
		k->schema.words = words;
		k->schema.nwords = of->n;
	}
	k->schema.always = def && def->kind != NODE_SCALAR;
	if (def && def->kind == NODE_SCALAR)
		k->schema.def = def->text;
	else if (def && def->n)
		return error_at(err, def->at,
				"a list or map has no default but the empty one");
	return 0;
}

/* Names become variables of the build. */
static void check_names(const struct node *map, bool families, struct error *err)
{
	for (size_t i = 0; map && i < map->n; i++) {
		const struct member *m = &map->members[i];
		const char *rest = m->key + strspn(m->key, NAME_CHARS);

		if (rest == m->key || (*rest && !(families && strcmp(rest, "*") == 0)))
			error_at(
				err, m->key_at,
				"expected a name of letters, digits, _ and -, found '%s'",
				m->key);
	}
	sections_twins(map, err);
}

static void take_options(struct manifest *m, const struct node *options, struct arena *a,
			 struct error *err)
{
	size_t n = options ? options->n : 0;
	struct schema_key *keys = arena_array(a, n + 1, struct schema_key);

	for (size_t i = 0; i < n; i++)
		take_option(&keys[i], &options->members[i], a, err);
	m->options = (struct schema){.type = TYPE_SECTION, .keys = keys, .nkeys = n};
}

static void take_outputs(struct manifest *m, const struct node *outputs, struct arena *a,
			 struct error *err)
{
	/* Variables that every build has. */
	static const char *const taken[] = {"builder", "inputs", "name",  "outputs",
					    "script",  "system", "tools", "toolchain"};

	m->noutputs = outputs->n;
	m->outputs = arena_array(a, m->noutputs + 1, const char *);
	for (size_t i = 0; i < m->noutputs; i++) {
		const struct node *o = outputs->members[i].value;

		m->outputs[i] = o->text;
		if (!*o->text ||
		    o->text[strspn(o->text, "abcdefghijklmnopqrstuvwxyz0123456789_")])
			error_at(err, o->at,
				 "an output's name is small letters, digits and _");
		bool used = str_starts(o->text, "in_") || str_starts(o->text, "opt_");
		for (size_t k = 0; k < ARRAY_LEN(taken); k++)
			used = used || strcmp(taken[k], o->text) == 0;
		for (size_t k = 0; k < i; k++)
			used = used || strcmp(m->outputs[k], o->text) == 0;
		if (used)
			error_at(err, o->at, "'%s' has another meaning already", o->text);
	}
	if (m->noutputs == 0 || strcmp(m->outputs[0], "out") != 0)
		error_at(err, outputs->at, "the first output is `out`");
}

static const char *joined_words(const struct node *list, struct arena *a)
{
	autobuf struct strbuf b = STRBUF_INIT;

	for (size_t i = 0; list && i < list->n; i++)
		strbuf_printf(&b, "%s%s", i ? " " : "", list->members[i].value->text);
	return arena_strndup(a, b.ptr ? b.ptr : "", b.len);
}

/* --- finding one ---------------------------------------------------------------- */

static struct manifest *read_manifest(const char *dir, const char *shown, struct arena *a,
				      struct error *err)
{
	const char *path = arena_printf(a, "%s/builder.yaml", dir);
	const char *name = arena_printf(a, "%s/builder.yaml", shown);
	struct source *src = yaml_load(AT_FDCWD, path, name, a, err);
	struct node *root = src ? yaml_read(src, a, err) : NULL;
	struct node *n =
		root ? schema_apply(&manifest_schema, root, "builder.yaml", a, err)
		     : NULL;
	struct manifest *m = arena_new(a, struct manifest);
	const char *slash = strrchr(dir, '/');

	if (!n || findings_close(err) < 0)
		return NULL;
	m->dir = dir;
	m->name = slash ? slash + 1 : dir;
	m->tools = joined_words(node_get(n, "tools"), a);
	check_names(node_get(n, "inputs"), true, err);
	check_names(node_get(n, "options"), false, err);
	take_inputs(m, node_get(n, "inputs"), a);
	take_options(m, node_get(n, "options"), a, err);
	take_outputs(m, node_get(n, "outputs"), a, err);
	return findings_close(err) < 0 ? NULL : m;
}

static const struct manifest *manifest_in(struct manifests *all, const char *dir,
					  const char *shown, struct arena *a,
					  struct error *err)
{
	struct manifest *m = map_get(&all->by_dir, dir);

	if (m)
		return m;
	m = read_manifest(dir, shown, a, err);
	if (m)
		map_set(&all->by_dir, dir, m);
	return m;
}

const struct manifest *manifest_named(struct manifests *all, const char *name,
				      struct arena *a, struct error *err)
{
	const char *dir = arena_printf(a, "%s/builders/%s", all->data_dir, name);

	return manifest_in(all, dir, arena_printf(a, "builders/%s", name), a, err);
}

static int unknown_builder(struct manifests *all, const struct node *builder,
			   struct arena *a, struct error *err)
{
	const char *path = arena_printf(a, "%s/builders", all->data_dir);
	autoclose int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoargv struct argv names = {0};
	autoerror struct error ignored = {0};
	const char *words[64];
	size_t n = 0;

	error_at(err, builder->at, "unknown builder '%s'", builder->text);
	if (fd < 0 || dir_names(fd, &names, &ignored) < 0)
		return -1;
	for (size_t i = 0; i < names.n && n < ARRAY_LEN(words); i++)
		if (!strchr(names.v[i], '.'))
			words[n++] = names.v[i];
	const char *near = word_nearest(builder->text, words, n);
	if (near)
		return error_hint(err, "did you mean '%s'?", near);
	return error_hint(err,
			  "a builder of your own is a folder ./NAME with a builder.yaml");
}

const struct manifest *manifest_find(struct manifests *all, const struct recipe *r,
				     const struct node *builder, struct arena *a,
				     struct error *err)
{
	bool own = source_form_of(builder->text) == SOURCE_PATH;
	char *dir = own ? arena_strdup(a, recipe_path(r, builder, a))
			: arena_printf(a, "%s/builders/%s", all->data_dir, builder->text);

	while (own && str_ends(dir, "/"))
		dir[strlen(dir) - 1] = '\0';
	if (map_get(&all->by_dir, dir))
		return map_get(&all->by_dir, dir);
	const char *path = arena_printf(a, "%s/builder.yaml", dir);
	if ((!own && strpbrk(builder->text, "/.")) || (!own && access(path, F_OK) < 0)) {
		unknown_builder(all, builder, a, err);
		return NULL;
	}
	if (own && access(path, F_OK) < 0) {
		error_at(err, builder->at, "'%s' has no builder.yaml", builder->text);
		return NULL;
	}
	return manifest_in(all, dir,
			   own ? builder->text
			       : arena_printf(a, "builders/%s", builder->text),
			   a, err);
}

void manifests_finish(struct manifests *all)
{
	map_finish(&all->by_dir);
}

/* --- using one ------------------------------------------------------------------ */

static bool knows_input(const struct manifest *m, const char *name)
{
	for (size_t i = 0; i < m->ninputs; i++) {
		const struct manifest_input *in = &m->inputs[i];

		if (in->family ? str_starts(name, in->name) && name[strlen(in->name)]
			       : strcmp(name, in->name) == 0)
			return true;
	}
	return false;
}

int manifest_check_inputs(const struct manifest *m, const struct node *step,
			  const char *path, struct error *err)
{
	const struct node *inputs = node_get(step, "inputs");
	const char *words[64];
	size_t n = 0;
	int ret = 0;

	for (size_t i = 0; i < m->ninputs && n < ARRAY_LEN(words); i++)
		words[n++] = m->inputs[i].name;
	for (size_t i = 0; inputs && i < inputs->n; i++) {
		if (knows_input(m, inputs->members[i].key))
			continue;
		ret = error_at(err, inputs->members[i].key_at,
			       "builder %s has no input '%s'", m->name,
			       inputs->members[i].key);
		findings_suggest(err, inputs->members[i].key, words, n);
	}
	for (size_t i = 0; i < m->ninputs; i++)
		if (!m->inputs[i].optional && !node_get(inputs, m->inputs[i].name))
			ret = error_at(err, node_get(step, "builder")->at,
				       "%s: builder %s needs the input '%s'", path,
				       m->name, m->inputs[i].name);
	return sections_twins(inputs, err) < 0 ? -1 : ret;
}

struct node *manifest_options(const struct manifest *m, const struct node *step,
			      const char *path, struct arena *a, struct error *err)
{
	const struct node *given = node_get(step, "options");
	const char *where = arena_printf(a, "%s.options", path);

	return schema_apply(&m->options, given ? given : node_map(a, step->at), where, a,
			    err);
}

bool manifest_has_output(const struct manifest *m, const char *output)
{
	for (size_t i = 0; i < m->noutputs; i++)
		if (strcmp(m->outputs[i], output) == 0)
			return true;
	return false;
}
