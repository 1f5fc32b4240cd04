/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What a recipe takes from outside: sources of the kernel, modules, patches, programs,
 * files and steps, and the toolchain. Local folders and plain files live beside the
 * recipe and are hashed where they are; everything else is pinned in the lock.
 */
#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"
#include "evaluator/recipe.h"

enum input_kind {
	INPUT_LOCAL,  /* a folder or plain file of this machine */
	INPUT_PINNED, /* has an entry in the lock */
};

struct input {
	const char *name; /* "kernel.source", "initramfs.bins.0" */
	enum input_kind kind;
	const char *from;        /* as the recipe says it */
	const struct node *node; /* the checked source section, for its other keys */
	const char *path;        /* of a single file in the package, NULL: all of it */
	bool closure;            /* with the packages it depends on */
	const char *build; /* a built kernel, and Debian's word for who builds modules */
	bool is_dir;       /* INPUT_LOCAL */
	const char *physical; /* INPUT_LOCAL, or a local archive: absolute */
	struct span at;
};

struct inputs {
	struct input *v; /* in the order of the recipe's sections */
	size_t n, cap;
};

/* Local paths that do not exist are findings. */
int inputs_collect(const struct recipe *r, struct arena *a, struct inputs *out,
		   struct error *err);

/* What the toolchain of a recipe is called in the lock, and the packages it needs. */
struct toolchain {
	const char *key;       /* "debian/13/gcc amd64" */
	const char *name;      /* "debian-13-gcc-amd64" */
	const char *suite;     /* "13" */
	const char **packages; /* sorted */
	size_t npackages;
	const char *prune, *links, *files, *dirs; /* fix-ups, newline-joined */
	struct span at;
};

struct lock;
struct toolchain_name;

/*
 * Suite and compiler: what the recipe says, else those that a prebuilt kernel was made
 * with, which its entry in the lock knows, else the default.
 */
void toolchain_meant(const struct recipe *r, const struct lock *lock, struct arena *a,
		     struct toolchain_name *out);
/* Reads DATA/recipes/toolchain.yaml. */
int toolchain_of(const struct recipe *r, const struct lock *lock, const char *data_dir,
		 struct arena *a, struct toolchain *out, struct error *err);
