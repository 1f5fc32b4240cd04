/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The verbs of `kbuild config`: each gets the words after its name, whose number was
 * checked, and returns an exit code, or -1 with err.
 */
#include "base/json.h"
#include "cli/config_facts.h"

struct config_cmd {
	struct cli *cli;
	struct pipeline p;
	const char *against; /* --against */
	struct strbuf out;   /* for people */
};

int cmd_config_check(struct config_cmd *x, int argc, char **argv, struct error *err);
int cmd_config_diff(struct config_cmd *x, int argc, char **argv, struct error *err);
int cmd_config_explain(struct config_cmd *x, int argc, char **argv, struct error *err);
int cmd_config_origin(struct config_cmd *x, int argc, char **argv, struct error *err);

/* Prints x->out or, with --json, the object, which it takes; returns `code`. */
int config_cmd_finish(struct config_cmd *x, struct json_object *o, int code);
/* Text of a kernel's tree, which may say anything. */
void config_cmd_masked(struct strbuf *out, const char *text);
/* Why a verdict is what it is, a line each. */
void config_cmd_reasons(struct config_cmd *x, struct json_object *verdict);
