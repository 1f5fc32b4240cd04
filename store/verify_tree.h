/* SPDX-License-Identifier: MIT */
#pragma once
/* One object of the store, beside what its row says. From several threads at once. */
#include "store/verify.h"

struct verify_tree {
	struct store *st;
	bool contents;
	uid_t owner;                         /* whose everything must be */
	void (*read)(void *ctx, uint64_t n); /* that many bytes more; or NULL */
	void *ctx;
};

/* The gravest thing that is wrong, in words to be freed, and its kind; NULL: nothing. */
char *verify_tree(const struct verify_tree *v, const struct path_info *info,
		  enum verify_kind *kind);
