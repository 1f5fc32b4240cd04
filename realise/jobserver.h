/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * One GNU make jobserver for everything that runs: a pipe with N - 1 tokens; every
 * running make holds one more that it was born with. Starting a second step takes a token
 * out of the same pipe, so ten kernels never oversubscribe the machine and never leave it
 * idle. Source of the protocol: GNU make manual, "POSIX Jobserver Interaction".
 */
#include <stdbool.h>

#include "base/error.h"

struct jobserver {
	int read_fd, write_fd; /* what a builder inherits */
	int probe_fd;          /* the same pipe, not blocking, for us alone */
	long jobs;
};

int jobserver_open(struct jobserver *js, long jobs, struct error *err);
void jobserver_close(struct jobserver *js);
/* A token if one is free. */
bool jobserver_take(struct jobserver *js);
void jobserver_give(struct jobserver *js);
/* Nothing runs any more: a killed make may have kept tokens, so count anew. */
void jobserver_reset(struct jobserver *js);
