/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The language: which sections and keys a recipe has, their types, defaults and checks.
 * docs/recipe.md tells users the same.
 */
#include "evaluator/schema.h"

extern const struct schema recipe_schema;
/* The same of ~/.config/kbuild/config.yaml. */
extern const struct schema config_schema;

/* `kbuild: 1`, and the checks that need more than one section. 0 or -1. */
int sections_check(const struct node *checked, struct error *err);

/* Two keys that differ only in - _ and . would be one variable of a build. 0 or -1. */
int sections_twins(const struct node *map, struct error *err);

/* How the text of a source is to be read. */
enum source_form {
	SOURCE_PATH,   /* ./x, ../x, /x */
	SOURCE_DEBIAN, /* debian/[SUITE/]PACKAGE[:ARCH] */
	SOURCE_KERNEL, /* kernel.org/VERSION */
	SOURCE_GIT,    /* git+https://... */
	SOURCE_URL,    /* https://..., file://... */
	SOURCE_UNKNOWN,
};
enum source_form source_form_of(const char *from);

/* Suite (by number if it has one) and optional gcc version of `toolchain:
 * debian/13/gcc-13`; NULL gcc: the default. */
struct toolchain_name {
	const char *suite, *gcc;
};
void toolchain_parse(const char *text, struct arena *a, struct toolchain_name *out);
