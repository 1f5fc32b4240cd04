/* SPDX-License-Identifier: MIT */
#pragma once
/* What `deploy` brings to a machine: deploy_plan.c chooses, deploy_run.c does. */
#include "base/map.h"
#include "cli/pipeline.h"
#include "cli/talk.h"
#include "module/verdict.h"

struct deploy_module {
	const char *step;        /* "modules.hello" */
	const char *path;        /* in the store, physical */
	const char *file, *name; /* "my-mod.ko", and my_mod as the kernel calls it */
	bool asked;              /* false: only what others need */
	bool skipped;            /* it is loaded already */
	struct strbuf bytes;
	struct module m;
	struct strbuf params; /* words of a shell */
	const char **needs;   /* of the kernel's own modules */
	size_t nneeds, needs_cap;
};

struct deployment {
	struct cli *cli;
	struct arena *a;
	struct pipeline *p;
	const char *kernel; /* whose modules they are, for messages */
	struct kernel_target target;
	struct deploy_module *modules; /* in the order in which they are loaded */
	size_t n, cap;

	/* options */
	struct board board;
	const char *to;
	bool unload, keep;
	const char *command; /* NULL: none */

	/* what the machine says of itself */
	const char *release, *vermagic, *machine;
	struct map loaded;

	/* what came of it */
	struct json_object *json; /* NULL: words */
};

/* The steps that are meant, of hello, modules.hello; all modules if none is named. */
int deploy_steps(struct deployment *d, const struct argv *words, struct argv *steps,
		 struct error *err);
/* Reads the realised modules and their kernel, in the order in which they are loaded. */
int deploy_collect(struct deployment *d, const struct argv *asked, struct error *err);
/* Words such as x=1 or hello.x=1. */
int deploy_params(struct deployment *d, const char *text, struct error *err);
/* Would that kernel take them? A refusal is an error of class ERROR_VERDICT. */
int deploy_judge(struct deployment *d, const struct kernel_target *t, const char *against,
		 struct error *err);
/* Does all of it. The exit code, or -1. */
int deploy_run(struct deployment *d, struct error *err);
void deploy_finish(struct deployment *d);
