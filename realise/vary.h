/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What is different around a builder that is checked. A result must depend on its
 * derivation alone; everything here is something else that a builder can see.
 *
 * A round is a row of data. The clock, the order of names in directories, the kernel's
 * release and the number of processors are varied from inside, by vary/shim.c, which the
 * step's own toolchain compiles; without a C compiler they stay as they are.
 */
#include <json-c/json.h>

#include "realise/rebuild.h"
#include "sandbox/sandbox.h"

struct worker;

struct variation {
	const char *hostname, *user;
	uid_t uid;
	mode_t umask;
	bool fewer_jobs; /* else one more than usual */
	long ahead_s;    /* the clock */
	unsigned order;  /* of names: 0 is reversed, else a seed */
	unsigned pids;   /* used up before the builder starts */
	unsigned inodes; /* files that lie beside its directories */
};

/* Round 1, 2, ... */
const struct variation *variation_of(unsigned round);
/* Variables that every round adds. */
size_t variation_environment(const char *const **out);
long variation_jobs(const struct variation *v, long jobs);

struct varied {
	const struct variation *v; /* NULL: nothing is */
	bool shim;                 /* it could be compiled */
	bool user;                 /* the toolchain has names for users */
	struct argv mounts;        /* host, guest, host, guest ... */
	int64_t begin;             /* seconds since the epoch */
};

/* In the worker, before its builder runs in the toolchain at `root`. */
int vary_begin(struct worker *w, const char *root, struct error *err);
/* The parts of the sandbox. What comes before the builder's own arguments: */
void vary_argv(const struct varied *v, struct argv *argv);
/* A complete environment becomes another one. */
void vary_env(const struct varied *v, struct argv *env);
void vary_box(const struct varied *v, struct sandbox *box);

/* "varied" and "same": lists of what was different, and of what could not be made so. */
void vary_report(const struct varied *v, struct json_object *report);
