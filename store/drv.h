/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Derivations: the closed description of one build, in Nix's ATerm text form. The text is
 * the identity; whatever runs a build runs what drv_read gives back from those bytes.
 *
 * An unresolved derivation names its inputs as outputs of other derivations and has
 * floating content-addressed outputs. Resolving puts the inputs' content-addressed paths
 * in their place; the result is rendered input-addressed, and the digest of its output
 * path `out` is the realisation key.
 *
 * Everything lives in the arena it was made in. Lists are sorted by drv_normalise (raw
 * bytes), which drv_write requires.
 * Source of the format: the Nix manual, "Derivation ATerm format"; Dolstra, "The Purely
 * Functional Software Deployment Model", section 5.4.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

struct drv_output {
	const char *name; /* "out" */
	const char *path; /* "" while floating */
	const char *algo; /* "r:sha256" when floating, "" when input-addressed */
	const char *hash;
};

struct drv_input {
	const char *path;     /* of the .drv */
	const char **outputs; /* sorted, unique */
	size_t noutputs;
};

struct drv_env {
	const char *key, *value;
};

struct drv {
	struct drv_output *outputs;
	size_t noutputs;
	struct drv_input *inputs;
	size_t ninputs;
	const char **srcs;
	size_t nsrcs;
	const char *system, *builder;
	const char **args;
	size_t nargs;
	struct drv_env *env;
	size_t nenv;
};

/* Sorts outputs, inputs, srcs and env in place and drops double srcs. */
void drv_normalise(struct drv *drv);
/* Appends the ATerm text. */
void drv_write(const struct drv *drv, struct strbuf *out);
/* Strict: what drv_write would not have written is refused. */
int drv_read(struct str text, struct arena *a, struct drv *out, struct error *err);
/* The value of an environment variable, NULL if absent. */
const char *drv_get(const struct drv *drv, const char *key);

/* Store path of the .drv object `name`.drv with this text. */
char *drv_path(struct arena *a, const char *name, const struct drv *drv, struct str text);

/* "/" + nix32(sha256("nix-output:" output)): a floating output in its own env. */
char *drv_placeholder(struct arena *a, const char *output);
/* The same for an output of the floating derivation at drv_path in another's env. */
char *drv_upstream_placeholder(struct arena *a, const char *drv_path, const char *output);

/* Content-addressed path of an output of an input derivation; NULL if not known. */
typedef const char *drv_resolver(void *ctx, const char *drv_path, const char *output);

/*
 * The resolved, input-addressed rendering: inputs replaced by what `resolve` says, output
 * paths computed, the environment's output variables set to them. `name` is the
 * derivation's name. Fails when an input is not known.
 */
int drv_resolve(const struct drv *drv, const char *name, drv_resolver *resolve, void *ctx,
		struct arena *a, struct drv *out, struct error *err);

/*
 * Are the output paths that it claims its own? 1: they follow from its text; 0: that
 * cannot be told (floating outputs, or inputs that are derivations themselves); -1: they
 * are another's. `name` is the derivation's name.
 */
int drv_check_outputs(const struct drv *drv, const char *name, struct arena *a,
		      struct error *err);
