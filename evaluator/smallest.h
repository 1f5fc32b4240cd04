/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The smallest kernel that suffices: to build a module for a machine that runs already,
 * a prepared tree is enough, unless that machine compares symbol versions, which only
 * come from its own Module.symvers or from building everything.
 */
#include "evaluator/recipe.h"

/*
 * Settles kernel.build, says why in r->kernel_why and what else there is to say in
 * r->warnings. A machine whose symbol versions nobody knows is of class ERROR_VERDICT.
 */
int smallest_choose(struct recipe *r, struct node *checked, struct arena *a,
		    struct error *err);
/* The kernel is only prepared: it has no image. */
bool smallest_is_prepared(const struct node *checked);
