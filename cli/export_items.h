/* SPDX-License-Identifier: MIT */
#pragma once
/* One file, link or empty folder of an export, and the folder it goes to. */
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct export_place {
	int store; /* the store's root */
	int dir;   /* exports.to; -1: it does not exist yet */
	const char *shown;
};

struct export_item {
	const char *path;   /* below the folder */
	const char *source; /* a store path, with what is below it; NULL: the bytes */
	const char *link;   /* target of a symbolic link */
	const char *bytes;  /* of a list */
	size_t len;
	bool is_dir;
	size_t of; /* index of its struct exported */
	struct span at;
	bool differs;
};

/* Sets item->differs; what cannot be replaced is an error. */
int export_compare(const struct export_place *place, struct export_item *item,
		   struct error *err);
/* In one step; folders on the way are made. */
int export_put(const struct export_place *place, const struct export_item *item,
	       struct error *err);
