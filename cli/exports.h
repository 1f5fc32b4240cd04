/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The recipe's section `exports`: files of the store become ordinary files of a folder
 * that other build systems read. Each is replaced in one step, and only if its bytes or
 * its executable bit differ. Nothing is written outside that folder: a symbolic link on
 * the way is an error. All paths are worked out before the first is written.
 */
#include "cli/pipeline.h"

/* One key of exports.files, or one of the lists for other build systems. */
struct exported {
	const char *path;  /* below the folder */
	const char *step;  /* NULL: a list */
	size_t files, new; /* of a folder: how many there are, and were written */
};

struct exports {
	const char *dir;    /* absolute */
	const char *shown;  /* as the recipe says it */
	struct exported *v; /* in the recipe's order, then the lists */
	size_t n, cap;
	size_t new; /* files written, or that differ */
};

/* Marks the steps that the exports are made of. */
void exports_want(struct pipeline *p);
/* After pipeline_realise. With `check`, nothing is written. Everything is in cli's arena.
 */
int exports_write(const struct pipeline *p, struct cli *cli, bool check,
		  struct exports *out, struct error *err);
/* What was written, as remarks; all of it, as the list "exports". */
void exports_tell(const struct exports *e);
void exports_json(const struct exports *e, struct json_object *all);

/* --- export_lists.c ------------------------------------------------------------- */

struct export_variable {
	const char *name, *value;
	bool is_path; /* below the folder */
};

/* What the file `path` of that format holds. */
void export_list(enum export_format format, const char *dir, const char *path,
		 const struct export_variable *v, size_t n, struct strbuf *out);
