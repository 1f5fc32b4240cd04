/* SPDX-License-Identifier: MIT */
#pragma once
/* A closer look at what differs, by a program that knows more formats than we do. */
#include <json-c/json.h>

#include "realise/compare.h"

/*
 * Adds "diffoscope" with what it says of the first files that differ, bounded in time and
 * size. It may leave things in `scratch` when its time is up. Without the program, or
 * when it fails, nothing is added.
 */
void closer_look(const char *diffoscope, const char *scratch, const char *first,
		 const char *again, const struct differences *d, struct json_object *one);
