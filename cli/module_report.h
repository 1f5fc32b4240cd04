/* SPDX-License-Identifier: MIT */
#pragma once
/* Modules and verdicts as people and programs read them. */
#include "base/json.h"
#include "base/str.h"
#include "module/verdict.h"

void report_module(const char *file, const struct module *m, struct strbuf *out);
void report_verdict(const char *against, const struct module *m,
		    const struct kernel_target *t, const struct verdict *v,
		    struct strbuf *out);

struct json_object *json_of_module(const struct module *m);
struct json_object *json_of_verdict(const struct kernel_target *t,
				    const struct verdict *v);
/* [{"part": "smp", "module": "SMP", "kernel": "", "why": "SMP"}] */
struct json_object *json_of_differences(const struct vermagic_verdict *v);
