/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What a recipe and the user's configuration (~/.config/kbuild/config.yaml) say of caches
 * and of the store's size. None of it enters a hash. Lists append, the recipe's entries
 * first; a single value of the recipe goes before the user's.
 *
 * The configuration has the same sections `cache` and `store` as a recipe, beside lists
 * of mirrors that only kbuild-fetch reads.
 */
#include "base/arena.h"
#include "base/error.h"
#include "evaluator/recipe.h"
#include "store/key.h"

struct settings {
	const char **pull; /* addresses, directories made absolute */
	size_t npull;
	const char *push; /* NULL: not said */
	struct key_public *trust;
	size_t ntrust;
	const char *key; /* file of the secret key, absolute; NULL: not said */
	bool keeps;      /* a size is given */
	uint64_t keep;   /* bytes */
};

/* `r` may be NULL: the configuration alone. No configuration file is an empty one. */
int settings_load(const struct recipe *r, struct arena *a, struct settings *out,
		  struct error *err);
