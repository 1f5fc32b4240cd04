/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What the builder `config` says of one request, as JSON (docs/config.md), and how a
 *person reads it:
 *
 *	recipe.yaml:8:7: error: CONFIG_X was not granted: asked for y, got n
 *	    8 |       X: y
 *	      |       ^
 *	because: A is n, needed y: base tinyconfig; net/Kconfig:211
 *	      hint: set: {A: y}; checked: X is y then
 */
#include <json-c/json.h>

#include "base/error.h"
#include "base/str.h"
#include "evaluator/plan.h"

/* The text is one of those objects; NULL if not. Freed with json_object_put. */
struct json_object *config_verdict_read(const char *text);
/* A request that was not granted, as another finding of err. */
void config_verdict_error(const struct plan_step *s, struct json_object *verdict,
			  struct error *err);
/* The proposal in words, appended; false if there is none. */
bool config_verdict_proposal(struct json_object *verdict, struct strbuf *out);
/* Where the recipe asks for it, or NULL. */
const struct plan_request *config_request(const struct plan_step *s, const char *symbol);
