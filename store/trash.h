/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Where trees wait to be deleted: out of the store directory at once, which needs the
 * collector's lock; then removed by several threads, which takes its time and needs none.
 */
#include "store/store.h"

/* Something that has left the store directory. */
struct piece {
	const char *path; /* logical */
	uint64_t bytes; /* that the disk has back; hard-linked files with the last name */
	bool in_trash;
	bool wide; /* with directories enough for several threads */
};

struct trash {
	struct store *st;
	char *name;
	int fd;
};

int trash_open(struct store *st, struct trash *t, struct error *err);
/* Removes what is left in it. */
void trash_close(struct trash *t);
/* A file is gone then, a tree is in the trash; absent is fine. */
int trash_move(struct trash *t, struct piece *p, struct error *err);
/* Removes the pieces that are in the trash and counts their bytes. */
int trash_empty(struct trash *t, struct piece *pieces, size_t n, struct error *err);
