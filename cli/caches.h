/* SPDX-License-Identifier: MIT */
#pragma once
/* The caches that the recipe and the user's configuration name, ready to be asked. */
#include "cli/cmd.h"
#include "evaluator/settings.h"
#include "realise/substitute.h"

/* Everything in cli's arena. Needs cli_find_fetch only when a cache is asked. */
void cli_caches(struct cli *cli, const struct settings *s, struct caches *out);
