/* SPDX-License-Identifier: MIT */
#pragma once
/* Addresses: put together, taken apart, shown. */
#include <stdbool.h>

/* base + "/" + path, the path's odd characters escaped; freed by the caller. */
char *url_join(const char *base, const char *path);
/* The path with all escaped that may be (RFC 3986); freed by the caller. */
char *url_escape(const char *path);
/* As it may be shown: a user name and password become "***"; freed by the caller. */
char *url_masked(const char *url);
/* The last component of its path without query and fragment, unescaped; free it. */
char *url_basename(const char *url);
/* The certificates the user's environment names, NULL: the system's. */
const char *url_certificates(void);
