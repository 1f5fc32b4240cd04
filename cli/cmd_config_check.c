// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

#include "cli/cmd_config.h"
#include "cli/config_verdict.h"

void config_cmd_reasons(struct config_cmd *x, struct json_object *v)
{
	struct json_object *reasons = json_list(v, "reasons");
	autobuf struct strbuf proposal = STRBUF_INIT;

	for (size_t i = 0; reasons && i < json_object_array_length(reasons); i++) {
		strbuf_adds(&x->out, "            ");
		config_cmd_masked(
			&x->out,
			json_text(json_object_array_get_idx(reasons, i), "text"));
		strbuf_addc(&x->out, '\n');
	}
	if (config_verdict_proposal(v, &proposal))
		strbuf_printf(&x->out, "            change, checked: %s\n", proposal.ptr);
}

static void print_verdict(struct config_cmd *x, const struct config_facts *f,
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
	config_cmd_masked(&x->out, line.ptr);
	strbuf_addc(&x->out, '\n');
	config_cmd_reasons(x, v);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(json_text(*(struct json_object *const *)a, "symbol"),
		      json_text(*(struct json_object *const *)b, "symbol"));
}

/* What another kernel's .config says of each request: what it lacks, or has as module. */
static int compare_against(struct config_cmd *x, const struct config_facts *f,
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

int cmd_config_check(struct config_cmd *x, int argc, char **argv, struct error *err)
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
	return config_cmd_finish(x, o, code);
}
