/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * While a collector runs, whoever needs a path says so on a socket: the path and a line
 * feed; the answer `1` means that it will not be deleted, or is gone already. A thread of
 * its own answers. Protocol and place are Nix's: gc-socket/socket of the state directory.
 */
#include "base/error.h"

struct gcserver;

/* May block until the path's fate is clear; called in the server's thread. */
typedef void gcserver_want(void *ctx, const char *path);

/* Before the collector's lock is taken: from now on nobody finds no socket at all. */
int gcserver_prepare(int statefd, struct error *err);
/* With the lock held. */
int gcserver_start(int statefd, gcserver_want *want, void *ctx, struct gcserver **out,
		   struct error *err);
/* Those who still wait for an answer will try the lock again. NULL is fine. */
void gcserver_stop(struct gcserver *s);
