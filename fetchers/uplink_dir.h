/* SPDX-License-Identifier: MIT */
#pragma once
/* uplink.h for a directory; nothing but uplink.c uses it. */
#include "fetchers/uplink.h"

/* Around all that one process does with it. */
void uplink_dir_begin(const struct cache_url *u);
void uplink_dir_end(const struct cache_url *u);
int uplink_dir_new_file(const struct cache_url *u, char **path, struct error *err);
int uplink_dir_has(const struct cache_url *u, const char *name, struct error *err);
int uplink_dir_put(const struct cache_url *u, const struct uplink_file *f,
		   atomic_bool *stop, struct error *err);
