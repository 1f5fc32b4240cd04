// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

#include "cli/cmd_config.h"

static bool is_recipe(const char *word)
{
	return str_ends(word, ".yaml") || str_ends(word, ".yml");
}

static int read_side(struct config_cmd *x, const char *word, struct pipeline *p,
		     struct config_facts *f, struct error *err)
{
	if (!is_recipe(word))
		return config_facts_file(x->cli, word, f, err);
	*p = x->p;
	p->recipe_arg = word;
	return config_facts_recipe(x->cli, p, true, f, err);
}

struct difference {
	const char *symbol, *a, *b;
};

static void print_group(struct config_cmd *x, const struct config_facts f[2],
			const struct difference *d, size_t n, int group,
			struct json_object *o)
{
	static const char *const titles[] = {"only in the first", "only in the second",
					     "other values"};
	static const char *const keys[] = {"first", "second", "changed"};
	struct json_object *list = json_add_list(o, keys[group]);
	size_t shown = 0;

	for (size_t i = 0; i < n; i++) {
		const char *by = config_facts_asked_by(&f[0], d[i].symbol);
		int of = config_value_is_off(d[i].b)   ? 0
			 : config_value_is_off(d[i].a) ? 1
						       : 2,
		    side = by ? 0 : 1;
		struct json_object *one;

		if (of != group)
			continue;
		if (!shown++)
			strbuf_printf(&x->out, "%s\n", titles[group]);
		if (!by)
			by = config_facts_asked_by(&f[1], d[i].symbol);
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

int cmd_config_diff(struct config_cmd *x, int argc, char **argv, struct error *err)
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
	return config_cmd_finish(x, o, EXIT_DONE);
}
