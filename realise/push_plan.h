/* SPDX-License-Identifier: MIT */
#pragma once
/* What a push has to do: which objects there are, and what the cache knows of them. */
#include "realise/push.h"
#include "store/narinfo.h"

enum push_fate {
	PUSH_SEND,
	PUSH_SIGN, /* the cache has it; what it says gets more signatures */
	PUSH_HAD,
	PUSH_LEFT_OUT,
	PUSH_OTHER,
};

struct push_object {
	struct narinfo
		n;    /* as the cache shall say it; url and file come with the bytes */
	size_t level; /* above all that it refers to */
	enum push_fate fate;
};

struct push_plan {
	struct push_object *v; /* by level */
	size_t n;
	uint64_t bytes; /* of the archives of what is sent */
};

/* Everything lives in the arena. The paths are kept alive as long as the store is open.
 */
int push_plan_make(struct push_plan *plan, const struct push *p, const char *const *paths,
		   size_t n, struct arena *a, struct error *err);
