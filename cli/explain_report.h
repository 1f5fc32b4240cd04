/* SPDX-License-Identifier: MIT */
#pragma once
/* A message of the kernel with what it means, as people and programs read it. */
#include "base/json.h"
#include "module/explain.h"

void report_explanation(struct str line, const struct explanation *e, struct strbuf *out);
struct json_object *json_of_explanation(struct str line, const struct explanation *e);
