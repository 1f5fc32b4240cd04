/* SPDX-License-Identifier: MIT */
#pragma once
/* Entry to libgit2, once a process: its certificates, and no say for the host's settings
 * where they would change what is read. */
#include "base/error.h"

int git_start(struct error *err);
/* Puts libgit2's own words behind the message; class as given. */
int git_error_make(struct error *err, enum error_class class, const char *what);
