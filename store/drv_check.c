// SPDX-License-Identifier: MIT
#include "store/drv.h"

#include "base/sha256.h"
#include "store/path.h"

/* A fixed output's path follows from its hash, and nothing else of the derivation. */
static const char *fixed_path(const struct drv_output *o, const char *name,
			      struct arena *a)
{
	struct sha256 h;

	if (strcmp(o->algo, "r:sha256") == 0 && sha256_parse(o->hash, &h) == 0)
		return path_source(a, &h, NULL, 0, name);
	const char *text = arena_printf(a, "fixed:out:%s:%s:", o->algo, o->hash);
	h = sha256_of(text, strlen(text));
	return path_make(a, "output:out", &h, name);
}

static int forged(const struct drv_output *o, const char *want, struct error *err)
{
	error_make(err, "the derivation claims %s as its output '%s'", o->path, o->name);
	return error_hint(err, "what it says makes %s", want);
}

static const char *no_inputs(void *ctx, const char *drv_path, const char *output)
{
	(void)ctx, (void)drv_path, (void)output;
	return NULL;
}

int drv_check_outputs(const struct drv *drv, const char *name, struct arena *a,
		      struct error *err)
{
	struct drv again;

	if (drv->noutputs == 1 && *drv->outputs[0].path && *drv->outputs[0].hash) {
		const char *want = fixed_path(&drv->outputs[0], name, a);

		return strcmp(want, drv->outputs[0].path) == 0
			       ? 1
			       : forged(&drv->outputs[0], want, err);
	}
	for (size_t i = 0; i < drv->noutputs; i++)
		if (!*drv->outputs[i].path || *drv->outputs[i].algo)
			return 0;
	if (drv->ninputs)
		return 0;
	/* Resolving what is resolved computes the paths from the rest of the text. */
	if (drv_resolve(drv, name, no_inputs, NULL, a, &again, err) < 0)
		return -1;
	for (size_t i = 0; i < drv->noutputs; i++)
		if (strcmp(again.outputs[i].path, drv->outputs[i].path) != 0)
			return forged(&drv->outputs[i], again.outputs[i].path, err);
	return 1;
}
