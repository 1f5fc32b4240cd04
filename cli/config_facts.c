// SPDX-License-Identifier: MIT
#include "cli/config_facts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "base/json.h"
#include "cli/config_verdict.h"
#include "module/unpack.h"

enum { FILE_MAX = 64 << 20 };

static int by_symbol(const void *a, const void *b)
{
	return strcmp(((const struct symbol_row *)a)->col[COL_SYMBOL],
		      ((const struct symbol_row *)b)->col[COL_SYMBOL]);
}

const struct symbol_row *config_facts_find(const struct config_facts *f,
					   const char *symbol)
{
	struct symbol_row key = {.col = {symbol}};

	return f->nrows ? bsearch(&key, f->rows, f->nrows, sizeof(key), by_symbol) : NULL;
}

const char *config_facts_value(const struct config_facts *f, const char *symbol)
{
	const struct symbol_row *row = config_facts_find(f, symbol);

	return row ? row->col[COL_VALUE] : "n";
}

static struct symbol_row *add_row(struct cli *cli, struct config_facts *f, size_t *cap)
{
	struct symbol_row *row = &ARENA_PUSH(&cli->arena, f->rows, f->nrows, *cap);

	for (size_t i = 0; i < COLUMNS; i++)
		row->col[i] = "";
	return row;
}

static void read_symbols(struct cli *cli, char *text, struct config_facts *f)
{
	size_t cap = f->nrows;

	strsep(&text, "\n"); /* the names of the columns */
	for (char *line; (line = strsep(&text, "\n")) && *line;) {
		struct symbol_row *row = add_row(cli, f, &cap);

		for (size_t i = 0; i < COLUMNS && line; i++)
			row->col[i] = strsep(&line, "\t");
	}
}

static void read_verdicts(char *text, struct config_facts *f)
{
	for (char *line; (line = strsep(&text, "\n"));) {
		struct json_object *o = *line ? config_verdict_read(line) : NULL;

		if (!o)
			continue;
		f->refused |= json_text(o, "by") &&
			      strcmp(json_text(o, "by"), "set") == 0 &&
			      strcmp(json_text(o, "verdict"), "granted") != 0;
		json_object_array_add(f->verdicts, o);
	}
}

/* The file's text, in the arena. */
static char *read_text(struct cli *cli, const char *path, struct error *err)
{
	autobuf struct strbuf raw = STRBUF_INIT, text = STRBUF_INIT;
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		error_class(err, ERROR_RECIPE, "cannot open %s: %s", path,
			    strerror(errno));
		return NULL;
	}
	if (read_all(fd, FILE_MAX, &raw, err) < 0 ||
	    unpack((struct str){raw.ptr ? raw.ptr : "", raw.len}, FILE_MAX, &text, err) <
		    0) {
		error_wrap(err, "%s", path);
		return NULL;
	}
	return arena_strdup(&cli->arena, text.ptr ? text.ptr : "");
}

int config_facts_read(struct cli *cli, const char *report, struct config_facts *out,
		      struct error *err)
{
	autofree char *symbols = path_join(report, "symbols.tsv");
	autofree char *verdicts = path_join(report, "verdicts.jsonl");
	char *text = read_text(cli, symbols, err);
	char *lines = text ? read_text(cli, verdicts, err) : NULL;

	if (!lines)
		return -1;
	out->report = arena_strdup(&cli->arena, report);
	out->verdicts = json_object_new_array();
	read_symbols(cli, text, out);
	read_verdicts(lines, out);
	return 0;
}

/* --- a .config
 * ---------------------------------------------------------------------------- */

/* "text" without its quotes. */
static char *plain(char *value)
{
	size_t n = strlen(value);
	char *to = value;

	if (n < 2 || value[0] != '"' || value[n - 1] != '"')
		return value;
	value[n - 1] = '\0';
	for (const char *s = value + 1; *s; *to++ = *s++)
		if (*s == '\\' && s[1])
			s++;
	*to = '\0';
	return value;
}

static void read_config(struct cli *cli, char *text, struct config_facts *f)
{
	size_t cap = f->nrows;

	for (char *line; (line = strsep(&text, "\n"));) {
		char *eq = strchr(line, '=');

		if (!str_starts(line, "CONFIG_") || !eq)
			continue;
		*eq = '\0';
		struct symbol_row *row = add_row(cli, f, &cap);
		row->col[COL_SYMBOL] = line + strlen("CONFIG_");
		row->col[COL_VALUE] = plain(eq + 1);
	}
	if (f->nrows)
		qsort(f->rows, f->nrows, sizeof(*f->rows), by_symbol);
}

int config_facts_file(struct cli *cli, const char *path, struct config_facts *out,
		      struct error *err)
{
	static const char *const names[] = {"config", ".config", "kernel.config/config"};
	const char *file = path;
	struct stat st;

	for (size_t i = 0; i < ARRAY_LEN(names) && file == path; i++) {
		const char *inside = arena_printf(&cli->arena, "%s/%s", path, names[i]);

		if (stat(path, &st) == 0 && S_ISDIR(st.st_mode) &&
		    access(inside, R_OK) == 0)
			file = inside;
	}
	char *text = read_text(cli, file, err);
	if (!text)
		return error_hint(err,
				  "give a recipe, a .config or a directory with one");
	read_config(cli, text, out);
	if (out->nrows)
		return 0;
	return error_class(err, ERROR_RECIPE, "%s has no line CONFIG_NAME=value", file);
}

void config_facts_finish(struct config_facts *f)
{
	json_object_put(f->verdicts);
	f->verdicts = NULL;
}

/* --- a recipe
 * ------------------------------------------------------------------------------- */

static int plan_config(struct cli *cli, struct pipeline *p, size_t *step,
		       struct error *err)
{
	autoargv struct argv steps = {0};

	argv_push(&steps, "kernel.config");
	p->no_link = true;
	if (pipeline_plan(p, cli, err) < 0)
		return -1;
	long at = plan_find(&p->plan, "kernel.config", err);
	if (at < 0)
		return error_wrap(err, "%s configures no kernel", p->recipe_arg);
	*step = (size_t)at;
	return pipeline_want(p, &steps, cli, err);
}

static void take_verdicts(const struct realise_failure *failure, struct config_facts *out)
{
	out->verdicts = json_object_new_array();
	for (size_t i = 0; i < failure->nverdicts; i++) {
		autofree char *line = xstrdup(failure->verdicts[i]);

		read_verdicts(line, out);
	}
}

int config_facts_recipe(struct cli *cli, struct pipeline *p, bool whole,
			struct config_facts *out, struct error *err)
{
	size_t step = 0;

	if (plan_config(cli, p, &step, err) < 0)
		return -1;
	int rc = pipeline_realise(p, cli, err);
	if (rc < 0)
		return -1;
	const struct realise_failure *failure = &p->results[step].failure;
	bool refused = p->results[step].state == STEP_FAILED &&
		       failure->class == ERROR_CONFIG && failure->nverdicts;
	if (rc && !refused)
		return pipeline_failures(p, cli, err);
	if (refused && whole && !p->lenient) {
		p->lenient = true;
		return config_facts_recipe(cli, p, whole, out, err);
	}
	out->step = &p->plan.steps[step];
	if (refused) {
		take_verdicts(failure, out);
		return 0;
	}
	autofree char *report = pipeline_output(p, step, "report");
	return config_facts_read(cli, report, out, err);
}

static const char *place_of(struct cli *cli, struct span at)
{
	return arena_printf(&cli->arena, "%s:%zu", at.src->name, span_place(at).line);
}

/* A fragment is known by its name in the store. */
static const char *fragment_place(struct cli *cli, const struct plan_step *s,
				  const char *by)
{
	const char *colon = strrchr(by, ':');

	for (size_t i = 0; i < s->nrequests && colon; i++) {
		const struct plan_request *q = &s->requests[i];
		size_t n = strlen(q->symbol);

		if (q->kind == REQUEST_FRAGMENT && n == (size_t)(colon - by) &&
		    strncmp(q->symbol, by, n) == 0)
			return arena_printf(&cli->arena, "%s%s", q->physical, colon);
	}
	return by;
}

const char *config_facts_place(struct cli *cli, const struct config_facts *f,
			       const char *symbol, const char *by)
{
	const struct plan_request *q = f->step ? config_request(f->step, symbol) : NULL;

	if (!f->step)
		return by;
	if (strcmp(by, "set") != 0 && strcmp(by, "wish") != 0)
		return fragment_place(cli, f->step, by);
	if (q && q->at.src)
		return arena_printf(&cli->arena, "%s (%s)", place_of(cli, q->at), by);
	return strcmp(symbol, "LOCALVERSION") == 0 ? "kernel.localversion" : "kbuild";
}

const char *config_facts_asked_by(const struct config_facts *f, const char *symbol)
{
	size_t n = f->verdicts ? json_object_array_length(f->verdicts) : 0;

	for (size_t i = 0; i < n; i++) {
		struct json_object *v = json_object_array_get_idx(f->verdicts, i);

		if (strcmp(json_text(v, "symbol"), symbol) == 0)
			return json_text(v, "by");
	}
	return NULL;
}

bool config_value_is_off(const char *value)
{
	return strcmp(value, "n") == 0;
}
