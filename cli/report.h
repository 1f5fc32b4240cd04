/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * An error as a person reads it:
 *
 *	recipe.yaml:3:12: error: unknown builder 'kernal'
 *	    3 |   builder: kernal
 *	      |            ^~~~~~
 *	      hint: did you mean 'kernel'?
 *
 * Causes follow as `because:` lines. Text from outside is masked.
 */
#include "base/error.h"
#include "base/str.h"

/* All findings, in the order of their places (at most 20), appended to out. */
void report_error(const struct error *err, bool color, struct strbuf *out);
