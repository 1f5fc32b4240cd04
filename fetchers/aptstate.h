/* SPDX-License-Identifier: MIT */
#pragma once
/* The private state apt works in: one directory of the cache for a suite and its
 * architectures, locked while in use. */
#include "base/arena.h"
#include "base/str.h"
#include "fetchers/apt.h"

struct apt_state {
	char *dir;
	struct argv env; /* for every program of apt */
	int lock;
};

#define autoapt __attribute__((cleanup(apt_state_close)))

/*
 * Opens it and brings its lists up to date from the first mirror that has the suite,
 * unless that was done a moment ago. The verified release goes to *release.
 */
int apt_state_open(const struct host *h, const struct apt_query *q, struct arena *a,
		   struct apt_state *out, struct apt_release *release, bool *missing,
		   struct error *err);
void apt_state_close(struct apt_state *s);
/* Runs a program of apt; its output and exit code (100: apt says no), or -1. */
int apt_run(const struct apt_state *s, const struct argv *argv, struct strbuf *out,
	    struct strbuf *complaints, struct error *err);
