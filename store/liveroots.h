/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Finding roots. First the temporary ones, then the graph is loaded, then the others: a
 * process may turn a temporary root into a permanent one at any moment, and must not slip
 * through between.
 */
#include <sys/types.h>

#include "store/gc.h"
#include "store/reach.h"

struct live {
	struct store *st;
	struct arena *a;
	const struct reach *reach;
	bool tidy;    /* remove stale files, links and groups */
	bool by_name; /* paths are named on command lines: our callers' do not count */
	struct gc_root *v;
	size_t n, cap;
};

/* The digest of the first store path that a text mentions, physical or logical. */
const char *store_path_in(const char *text, size_t len);
/* A root, unless its path is not valid. */
void live_add(struct live *l, const struct gc_root *root);

/* Temporary roots as they are written: some may not be valid yet. */
struct live_temp {
	const char *path;
	pid_t pid;
};
int live_temporary(struct live *l, struct live_temp **out, size_t *n, struct error *err);
int live_permanent(struct live *l, struct error *err);
int live_processes(struct live *l, struct error *err);
