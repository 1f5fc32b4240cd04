// SPDX-License-Identifier: MIT
/* Where one symbol comes from, and what would change it. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "base/map.h"
#include "cli/cmd_config.h"
#include "cli/config_verdict.h"

static int no_symbol(const struct config_facts *f, const char *symbol, struct error *err)
{
	autofree const char **names = xcalloc(f->nrows + 1, sizeof(*names));

	for (size_t i = 0; i < f->nrows; i++)
		names[i] = f->rows[i].col[COL_SYMBOL];
	const char *near = word_nearest(symbol, names, f->nrows);
	error_class(err, ERROR_RECIPE, "this kernel has no symbol %s", symbol);
	return near ? error_hint(err, "did you mean '%s'?", near) : -1;
}

static void add_origin(struct config_cmd *x, const struct config_facts *f,
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
	config_cmd_masked(&x->out, row->col[COL_VALUE]);
	strbuf_printf(&x->out, "\t%s\n", *place ? place : "nobody");
}

int cmd_config_origin(struct config_cmd *x, int argc, char **argv, struct error *err)
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
		if (!config_value_is_off(f.rows[i].col[COL_VALUE]) ||
		    config_facts_asked_by(&f, f.rows[i].col[COL_SYMBOL]))
			add_origin(x, &f, &f.rows[i], list);
	if (x->cli->json)
		strbuf_reset(&x->out);
	config_facts_finish(&f);
	return config_cmd_finish(x, o, error_is_set(err) ? -1 : EXIT_DONE);
}

static void print_row(struct config_cmd *x, const struct config_facts *f,
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
	config_cmd_masked(&x->out, row->col[COL_VALUE]);
	strbuf_printf(&x->out, "%s%s%s\n", *by ? " (" : "", by, *by ? ")" : "");
	for (size_t i = 0; i < ARRAY_LEN(facts); i++) {
		const char *text = row->col[facts[i].col];

		if (*text) {
			json_add(one, facts[i].key, text);
			strbuf_printf(&x->out, "  %-12s ", facts[i].word);
			config_cmd_masked(&x->out, text);
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
static int add_changes(struct config_cmd *x, const struct config_facts *f,
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
		config_cmd_reasons(x, v);
		struct json_object *proposal;
		if (!json_object_object_get_ex(v, "proposal", &proposal))
			strbuf_adds(&x->out, "            no change is known\n");
		json_object_array_add(list, v);
	}
	return 0;
}

int cmd_config_explain(struct config_cmd *x, int argc, char **argv, struct error *err)
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
	return config_cmd_finish(x, o, rc);
}
