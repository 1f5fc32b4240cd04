/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What a kernel is to be like: a machine that runs. Of that follow the architecture, the
 * source, the configuration and the release.
 */
#include "evaluator/recipe.h"

/* Before ${} is read: reads kernel.target and writes what follows from it. */
int basis_bind(struct recipe *r, struct node *root, struct arena *a, struct error *err);
/* Keys of the kernel's section that contradict each other; its release's local part. */
int basis_check(const struct recipe *r, struct node *checked, struct arena *a,
		struct error *err);
