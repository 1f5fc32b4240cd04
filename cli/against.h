/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The kernel that a word of the command line means: a directory, an image, a module, a
 * Module.symvers, a recipe whose kernel was realized, a target file.
 *
 *	struct against x = {.cli = cli};
 *	if (against_read(&x, "board.yaml", err) == 0)
 *		verdict_make(&module, &x.target, &cli->arena, &v);
 *	against_finish(&x);
 */
#include "cli/cmd.h"
#include "module/target.h"

struct against {
	struct cli *cli;
	struct kernel_target target; /* what is set before counts */
	struct strbuf other;         /* the bytes of a module that it is like */
	struct module reference;
};

int against_read(struct against *x, const char *word, struct error *err);
void against_finish(struct against *x);
/* A file of a user, unpacked. */
int against_read_file(const char *file, struct strbuf *out, struct error *err);
