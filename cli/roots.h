/* SPDX-License-Identifier: MIT */
#pragma once
/* The collector's roots of a recipe: what it made and what it was made from. */
#include "cli/pipeline.h"

/*
 * After pipeline_realise: every step that is there, and every source that is in the
 * store, is a root for as long as the recipe's result directory exists. Writes nothing
 * when that is so already. 0 done, 1 a collector was faster than us, -1.
 */
int roots_update(const struct pipeline *p, struct cli *cli, struct error *err);
