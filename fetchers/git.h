/* SPDX-License-Identifier: MIT */
#pragma once
#include "base/error.h"

/* Puts libgit2's own words behind the message; class as given. */
int git_error_make(struct error *err, enum error_class class, const char *what);
