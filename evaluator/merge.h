/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Laying one recipe over another: maps merge deep, lists append, other values are
 * replaced. `key!: x` replaces a map or list as a whole, `key: ~` deletes. Where the
 * schema has a short form, text meets a map as that map's member: a base of
 * `kernel: debian/x` and a recipe with `kernel: {config: ...}` give both.
 */
#include "base/arena.h"
#include "evaluator/node.h"
#include "evaluator/schema.h"

/* base may be NULL. Neither is changed. */
struct node *merge_nodes(const struct schema *s, const struct node *base,
			 const struct node *over, struct arena *a);
