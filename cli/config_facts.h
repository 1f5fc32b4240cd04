/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What is known of a configuration: the report of a recipe's step kernel.config, which
 * has every symbol, or a plain .config.
 */
#include "cli/pipeline.h"

/* The columns of symbols.tsv. */
enum symbol_column {
	COL_SYMBOL,
	COL_TYPE,
	COL_VALUE,
	COL_VISIBLE,
	COL_ORIGIN,
	COL_PROMPT,
	COL_DEFINED,
	COL_DEPENDS,
	COL_SELECTED_BY,
	COL_IMPLIED_BY,
	COL_RANGE,
	COL_CHOICE,
	COLUMNS,
};

struct symbol_row {
	const char *col[COLUMNS]; /* of a plain .config: symbol and value */
};

struct config_facts {
	struct symbol_row *rows; /* sorted by symbol */
	size_t nrows;
	const char *report;           /* its directory, NULL for a plain .config */
	const struct plan_step *step; /* the recipe's, or NULL */
	struct json_object *verdicts; /* list; config_facts_finish frees it */
	bool refused;                 /* some `set` was not granted */
};

/* Everything that is read must be there: a failure of the step is an error. */
int config_facts_read(struct cli *cli, const char *report, struct config_facts *out,
		      struct error *err);
/* A .config, gzipped or not, or a directory that has one. */
int config_facts_file(struct cli *cli, const char *path, struct config_facts *out,
		      struct error *err);
const struct symbol_row *config_facts_find(const struct config_facts *f,
					   const char *symbol);
/* The value, "n" for a symbol that is not there. */
const char *config_facts_value(const struct config_facts *f, const char *symbol);
/* It is n. */
bool config_value_is_off(const char *value);
/* "set", "wish" or FRAGMENT:LINE if somebody asked for the symbol there, else NULL. */
const char *config_facts_asked_by(const struct config_facts *f, const char *symbol);
void config_facts_finish(struct config_facts *f);

/*
 * The recipe's step kernel.config, realised if it is not known. With `whole`, also if
 * requests are not granted, so that there is a report; else its verdicts alone suffice.
 */
int config_facts_recipe(struct cli *cli, struct pipeline *p, bool whole,
			struct config_facts *out, struct error *err);
/* "recipe.yaml:8" or "mine.config:3" of a column `origin` or a verdict's `by`. */
const char *config_facts_place(struct cli *cli, const struct config_facts *f,
			       const char *symbol, const char *by);
