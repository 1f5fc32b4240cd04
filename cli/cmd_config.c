// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "base/json.h"
#include "base/map.h"
#include "cli/config_facts.h"
#include "cli/config_verdict.h"

struct asking {
	struct cli *cli;
	struct pipeline p;
	const char *against;
	struct strbuf out;
};

static int finish(struct asking *x, struct json_object *o, int code)
{
	if (x->cli->json)
		cli_print_json(o);
	else
		json_object_put(o);
	fwrite(x->out.ptr ? x->out.ptr : "", 1, x->out.len, stdout);
	return code;
}

static void add_masked(struct strbuf *out, const char *text)
{
	strbuf_add_masked(out, text, strlen(text));
}

/* --- check
 * -------------------------------------------------------------------------------- */

static void print_reasons(struct asking *x, struct json_object *v)
{
	struct json_object *reasons = json_list(v, "reasons");
	autobuf struct strbuf proposal = STRBUF_INIT;

	for (size_t i = 0; reasons && i < json_object_array_length(reasons); i++) {
		strbuf_adds(&x->out, "            ");
		add_masked(&x->out,
			   json_text(json_object_array_get_idx(reasons, i), "text"));
		strbuf_addc(&x->out, '\n');
	}
	if (config_verdict_proposal(v, &proposal))
		strbuf_printf(&x->out, "            change, checked: %s\n", proposal.ptr);
}

static void print_verdict(struct asking *x, const struct config_facts *f,
			  struct json_object *v)
{
	const char *symbol = json_text(v, "symbol"), *by = json_text(v, "by");
	bool granted = strcmp(json_text(v, "verdict"), "granted") == 0;
	autobuf struct strbuf line = STRBUF_INIT;

	/* Fragments are long; what they ask for is hardly news. */
	if (granted && by && strchr(by, ':') && !x->cli->verbose)
		return;
	strbuf_printf(&line, "%-9s %s=%s", json_text(v, "verdict"), symbol,
		      json_text(v, "asked"));
	if (!granted)
		strbuf_printf(&line, ", got %s", json_text(v, "got"));
	strbuf_printf(&line, "  %s", config_facts_place(x->cli, f, symbol, by ? by : ""));
	add_masked(&x->out, line.ptr);
	strbuf_addc(&x->out, '\n');
	print_reasons(x, v);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(json_text(*(struct json_object *const *)a, "symbol"),
		      json_text(*(struct json_object *const *)b, "symbol"));
}

/* What another kernel's .config says of each request: what it lacks, or has as module. */
static int compare_against(struct asking *x, const struct config_facts *f,
			   struct json_object *o, struct error *err)
{
	struct config_facts other = {0};
	struct json_object *list = json_add_list(o, "against");
	bool differs = false;

	if (config_facts_file(x->cli, x->against, &other, err) < 0)
		return -1;
	for (size_t i = 0; i < json_object_array_length(f->verdicts); i++) {
		struct json_object *v = json_object_array_get_idx(f->verdicts, i);
		const char *symbol = json_text(v, "symbol"),
			   *asked = json_text(v, "asked");
		const char *theirs = config_facts_value(&other, symbol);
		const char *by = json_text(v, "by");

		if (!asked || !by || strcmp(asked, theirs) == 0)
			continue;
		differs |= strcmp(by, "set") == 0;
		const char *word = strcmp(theirs, "n") == 0   ? "missing"
				   : strcmp(theirs, "m") == 0 ? "module"
							      : "differs";
		const char *place = config_facts_place(x->cli, f, symbol, by);
		struct json_object *one = json_object_new_object();
		json_add(one, "symbol", symbol);
		json_add(one, "asked", asked);
		json_add(one, "got", theirs);
		json_add(one, "verdict", word);
		json_add(one, "place", place);
		json_object_array_add(list, one);
		strbuf_printf(&x->out, "%-9s %s=%s, has %s  %s\n", word, symbol, asked,
			      theirs, place);
	}
	return differs ? EXIT_CONFIG : EXIT_DONE;
}

static int config_check(struct asking *x, int argc, char **argv, struct error *err)
{
	struct config_facts f = {0};
	size_t granted = 0;
	(void)argc;

	x->p.recipe_arg = argv[0];
	if (config_facts_recipe(x->cli, &x->p, false, &f, err) < 0)
		return -1;
	struct json_object *o = json_object_new_object();
	json_object_array_sort(f.verdicts, by_name);
	json_object_object_add(o, "verdicts", json_object_get(f.verdicts));
	size_t n = json_object_array_length(f.verdicts);
	for (size_t i = 0; i < n; i++) {
		struct json_object *v = json_object_array_get_idx(f.verdicts, i);

		granted += strcmp(json_text(v, "verdict"), "granted") == 0;
		if (!x->against && !x->cli->json)
			print_verdict(x, &f, v);
	}
	int code = f.refused ? EXIT_CONFIG : EXIT_DONE;
	if (x->against)
		code = compare_against(x, &f, o, err);
	else if (!x->cli->json)
		strbuf_printf(&x->out, "%zu of %zu requests granted\n", granted, n);
	if (x->cli->json)
		strbuf_reset(&x->out);
	config_facts_finish(&f);
	return finish(x, o, code);
}

/* --- diff
 * --------------------------------------------------------------------------------- */

static bool is_recipe(const char *word)
{
	return str_ends(word, ".yaml") || str_ends(word, ".yml");
}

static int read_side(struct asking *x, const char *word, struct pipeline *p,
		     struct config_facts *f, struct error *err)
{
	if (!is_recipe(word))
		return config_facts_file(x->cli, word, f, err);
	*p = x->p;
	p->recipe_arg = word;
	return config_facts_recipe(x->cli, p, true, f, err);
}

/* "set", "wish" or FRAGMENT:LINE if somebody asked for the symbol there, else NULL. */
static const char *asked_by(const struct config_facts *f, const char *symbol)
{
	size_t n = f->verdicts ? json_object_array_length(f->verdicts) : 0;

	for (size_t i = 0; i < n; i++) {
		struct json_object *v = json_object_array_get_idx(f->verdicts, i);

		if (strcmp(json_text(v, "symbol"), symbol) == 0)
			return json_text(v, "by");
	}
	return NULL;
}

struct difference {
	const char *symbol, *a, *b;
};

static bool is_off(const char *value)
{
	return strcmp(value, "n") == 0;
}

static void print_group(struct asking *x, const struct config_facts f[2],
			const struct difference *d, size_t n, int group,
			struct json_object *o)
{
	static const char *const titles[] = {"only in the first", "only in the second",
					     "other values"};
	static const char *const keys[] = {"first", "second", "changed"};
	struct json_object *list = json_add_list(o, keys[group]);
	size_t shown = 0;

	for (size_t i = 0; i < n; i++) {
		const char *by = asked_by(&f[0], d[i].symbol);
		int of = is_off(d[i].b) ? 0 : is_off(d[i].a) ? 1 : 2, side = by ? 0 : 1;
		struct json_object *one;

		if (of != group)
			continue;
		if (!shown++)
			strbuf_printf(&x->out, "%s\n", titles[group]);
		if (!by)
			by = asked_by(&f[1], d[i].symbol);
		const char *place =
			by ? config_facts_place(x->cli, &f[side], d[i].symbol, by) : NULL;
		one = json_object_new_object();
		json_add(one, "symbol", d[i].symbol);
		json_add(one, "first", d[i].a);
		json_add(one, "second", d[i].b);
		json_add(one, "asked_by", place);
		json_object_array_add(list, one);
		strbuf_printf(&x->out, "  %s %s: %s -> %s", by ? "*" : " ", d[i].symbol,
			      d[i].a, d[i].b);
		strbuf_printf(&x->out, "%s%s\n", place ? "  asked for: " : "",
			      place ? place : "");
	}
}

/* Rows of both, which are sorted. */
static struct difference *differences(struct cli *cli, const struct config_facts f[2],
				      size_t *n)
{
	struct difference *v = NULL;
	size_t cap = 0, i = 0, k = 0;

	*n = 0;
	while (i < f[0].nrows || k < f[1].nrows) {
		const char *a = i < f[0].nrows ? f[0].rows[i].col[COL_SYMBOL] : NULL;
		const char *b = k < f[1].nrows ? f[1].rows[k].col[COL_SYMBOL] : NULL;
		int order = !a ? 1 : !b ? -1 : strcmp(a, b);
		const char *va = order <= 0 ? f[0].rows[i++].col[COL_VALUE] : "n";
		const char *vb = order >= 0 ? f[1].rows[k++].col[COL_VALUE] : "n";

		if (strcmp(va, vb) != 0)
			ARENA_PUSH(&cli->arena, v, *n, cap) =
				(struct difference){order <= 0 ? a : b, va, vb};
	}
	return v;
}

static int config_diff(struct asking *x, int argc, char **argv, struct error *err)
{
	struct config_facts f[2] = {0};
	struct pipeline p[2] = {0};
	size_t n;
	(void)argc;

	for (int i = 0; i < 2; i++)
		if (read_side(x, argv[i], &p[i], &f[i], err) < 0)
			return -1;
	struct difference *d = differences(x->cli, f, &n);
	struct json_object *o = json_object_new_object();
	for (int group = 0; group < 3; group++)
		print_group(x, f, d, n, group, o);
	strbuf_printf(&x->out, "%zu symbols differ; * was asked for\n", n);
	if (x->cli->json)
		strbuf_reset(&x->out);
	config_facts_finish(&f[0]);
	config_facts_finish(&f[1]);
	return finish(x, o, EXIT_DONE);
}

/* --- origin and explain
 * ------------------------------------------------------------------- */

static int no_symbol(const struct config_facts *f, const char *symbol, struct error *err)
{
	autofree const char **names = xcalloc(f->nrows + 1, sizeof(*names));

	for (size_t i = 0; i < f->nrows; i++)
		names[i] = f->rows[i].col[COL_SYMBOL];
	const char *near = word_nearest(symbol, names, f->nrows);
	error_class(err, ERROR_RECIPE, "this kernel has no symbol %s", symbol);
	return near ? error_hint(err, "did you mean '%s'?", near) : -1;
}

static void add_origin(struct asking *x, const struct config_facts *f,
		       const struct symbol_row *row, struct json_object *list)
{
	const char *symbol = row->col[COL_SYMBOL];
	const char *place = config_facts_place(x->cli, f, symbol, row->col[COL_ORIGIN]);
	struct json_object *one = json_object_new_object();

	json_add(one, "symbol", symbol);
	json_add(one, "value", row->col[COL_VALUE]);
	json_add(one, "origin", place);
	json_object_array_add(list, one);
	strbuf_printf(&x->out, "%s=", symbol);
	add_masked(&x->out, row->col[COL_VALUE]);
	strbuf_printf(&x->out, "\t%s\n", *place ? place : "nobody");
}

static int config_origin(struct asking *x, int argc, char **argv, struct error *err)
{
	struct config_facts f = {0};

	x->p.recipe_arg = argv[0];
	if (config_facts_recipe(x->cli, &x->p, true, &f, err) < 0)
		return -1;
	struct json_object *o = json_object_new_object();
	struct json_object *list = json_add_list(o, "symbols");
	for (int i = 1; i < argc; i++) {
		const char *word = argv[i] + (str_starts(argv[i], "CONFIG_") ? 7 : 0);
		const struct symbol_row *row = config_facts_find(&f, word);

		if (row)
			add_origin(x, &f, row, list);
		else
			no_symbol(&f, word, err);
	}
	for (size_t i = 0; i < f.nrows && argc == 1; i++)
		if (!is_off(f.rows[i].col[COL_VALUE]) ||
		    asked_by(&f, f.rows[i].col[COL_SYMBOL]))
			add_origin(x, &f, &f.rows[i], list);
	if (x->cli->json)
		strbuf_reset(&x->out);
	config_facts_finish(&f);
	return finish(x, o, error_is_set(err) ? -1 : EXIT_DONE);
}

static void print_row(struct asking *x, const struct config_facts *f,
		      const struct symbol_row *row, struct json_object *one)
{
	static const struct {
		enum symbol_column col;
		const char *key, *word;
	} facts[] = {
		{COL_PROMPT, "prompt", "prompt"},
		{COL_DEFINED, "defined", "defined"},
		{COL_DEPENDS, "depends", "depends on"},
		{COL_SELECTED_BY, "selected_by", "selected by"},
		{COL_IMPLIED_BY, "implied_by", "implied by"},
		{COL_RANGE, "range", "range"},
		{COL_CHOICE, "choice", "choice"},
	};
	const char *by =
		config_facts_place(x->cli, f, row->col[COL_SYMBOL], row->col[COL_ORIGIN]);

	json_add(one, "symbol", row->col[COL_SYMBOL]);
	json_add(one, "type", row->col[COL_TYPE]);
	json_add(one, "value", row->col[COL_VALUE]);
	json_add(one, "origin", by);
	strbuf_printf(&x->out, "%s: %s, ", row->col[COL_SYMBOL], row->col[COL_TYPE]);
	add_masked(&x->out, row->col[COL_VALUE]);
	strbuf_printf(&x->out, "%s%s%s\n", *by ? " (" : "", by, *by ? ")" : "");
	for (size_t i = 0; i < ARRAY_LEN(facts); i++) {
		const char *text = row->col[facts[i].col];

		if (*text) {
			json_add(one, facts[i].key, text);
			strbuf_printf(&x->out, "  %-12s ", facts[i].word);
			add_masked(&x->out, text);
			strbuf_addc(&x->out, '\n');
		}
	}
	if (*row->col[COL_VISIBLE] == '-')
		strbuf_adds(&x->out, "  it has no prompt: nobody can set it by hand\n");
	if (*row->col[COL_VISIBLE] == 'n')
		strbuf_adds(&x->out,
			    "  its prompt is hidden: not all it depends on is there\n");
}

/* The lines of explain.jsonl, each added to its symbol. */
static int add_changes(struct asking *x, const struct config_facts *f,
		       struct json_object *list, struct error *err)
{
	autobuf struct strbuf text = STRBUF_INIT;
	autofree char *path = path_join(f->report, "explain.jsonl");

	if (dir_read(AT_FDCWD, path, &text, err) < 0)
		return -1;
	for (char *rest = text.ptr, *line; rest && (line = strsep(&rest, "\n"));) {
		struct json_object *v = *line ? config_verdict_read(line) : NULL;

		if (!v)
			continue;
		bool on = strcmp(json_text(v, "got"), "y") == 0;
		strbuf_printf(&x->out, "what would have to change for %s%s:\n",
			      json_text(v, "symbol"), on ? " to be n" : "");
		print_reasons(x, v);
		struct json_object *proposal;
		if (!json_object_object_get_ex(v, "proposal", &proposal))
			strbuf_adds(&x->out, "            no change is known\n");
		json_object_array_add(list, v);
	}
	return 0;
}

static int config_explain(struct asking *x, int argc, char **argv, struct error *err)
{
	struct config_facts f = {0}, more = {0};
	struct pipeline again = x->p;

	x->p.recipe_arg = argv[0];
	if (config_facts_recipe(x->cli, &x->p, true, &f, err) < 0)
		return -1;
	struct json_object *o = json_object_new_object();
	struct json_object *list = json_add_list(o, "symbols");
	for (int i = 1; i < argc; i++) {
		const char *word = argv[i] + (str_starts(argv[i], "CONFIG_") ? 7 : 0);
		const struct symbol_row *row = config_facts_find(&f, word);
		struct json_object *one = json_object_new_object();

		json_object_array_add(list, one);
		if (!row)
			no_symbol(&f, word, err);
		else
			print_row(x, &f, row, one);
		argv_push(&again.explain, word);
	}
	int rc = error_is_set(err) ? -1 : 0;
	if (rc == 0) {
		again.recipe_arg = argv[0];
		again.lenient = true;
		rc = config_facts_recipe(x->cli, &again, true, &more, err);
	}
	if (rc == 0)
		rc = add_changes(x, &more, json_add_list(o, "changes"), err);
	argv_finish(&again.explain);
	if (x->cli->json)
		strbuf_reset(&x->out);
	config_facts_finish(&f);
	config_facts_finish(&more);
	return finish(x, o, rc);
}

/* --- save-fragment
 * ------------------------------------------------------------------------ */

static int save_fragment(struct asking *x, int argc, char **argv, struct error *err)
{
	struct config_facts f = {0};
	autobuf struct strbuf text = STRBUF_INIT;

	x->p.recipe_arg = argv[0];
	x->p.minimal = x->p.lenient = true;
	if (config_facts_recipe(x->cli, &x->p, true, &f, err) < 0)
		return -1;
	autofree char *path = path_join(f.report, "minimal.config");
	config_facts_finish(&f);
	if (dir_read(AT_FDCWD, path, &text, err) < 0)
		return -1;
	if (argc > 1)
		return dir_write(AT_FDCWD, argv[1], text.ptr ? text.ptr : "", text.len,
				 0644, false, err) < 0
			       ? -1
			       : EXIT_DONE;
	struct json_object *o = json_object_new_object();
	json_add(o, "fragment", text.ptr ? text.ptr : "");
	if (!x->cli->json)
		strbuf_add(&x->out, text.ptr, text.len);
	return finish(x, o, EXIT_DONE);
}

/* --- the command
 * ---------------------------------------------------------------------------- */

static const struct {
	const char *name, *usage;
	int least, most; /* words after the verb */
	int (*run)(struct asking *x, int argc, char **argv, struct error *err);
} verbs[] = {
	{"check", "check RECIPE [--against FILE]", 1, 1, config_check},
	{"diff", "diff A B", 2, 2, config_diff},
	{"explain", "explain RECIPE SYMBOL ...", 2, 64, config_explain},
	{"origin", "origin RECIPE [SYMBOL ...]", 1, 4096, config_origin},
	{"save-fragment", "save-fragment RECIPE [FILE]", 1, 2, save_fragment},
};

static int run_verb(struct asking *x, int argc, char **argv, struct error *err)
{
	const char *names[ARRAY_LEN(verbs)];

	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		names[i] = verbs[i].name;
		if (!argc || strcmp(argv[0], names[i]) != 0)
			continue;
		if (argc - 1 < verbs[i].least || argc - 1 > verbs[i].most)
			return cli_usage(x->cli, err, "expected kbuild config %s",
					 verbs[i].usage);
		return verbs[i].run(x, argc - 1, argv + 1, err);
	}
	const char *near = argc ? word_nearest(argv[0], names, ARRAY_LEN(names)) : NULL;
	if (!near)
		return cli_usage(x->cli, err,
				 "expected one of: check, diff, explain, origin, "
				 "save-fragment");
	error_class(err, ERROR_RECIPE, "unknown verb '%s'", argv[0]);
	return error_hint(err, "did you mean 'kbuild config %s'?", near);
}

int cmd_config(struct cli *cli, int argc, char **argv, struct error *err)
{
	struct asking x = {.cli = cli};
	const struct cli_opt opts[] = {
		PIPELINE_OPTS(&x.p),
		{"against", .text = &x.against, .arg = "FILE",
		 .help = "check: what this .config lacks, or has as a module"},
		{0},
	};
	int rc = cli_parse(cli, opts, &argc, argv, err);

	if (rc == 0)
		rc = run_verb(&x, argc, argv, err);
	strbuf_finish(&x.out);
	pipeline_finish(&x.p);
	return rc;
}
