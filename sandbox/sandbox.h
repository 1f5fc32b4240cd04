/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The isolation of one builder, as data. What is not named here does not exist inside: no
 * network, no host files, no other processes, an empty environment, no new privileges.
 *
 *	const struct sandbox box = {
 *		.root = "/…/store/…-toolchain",      // becomes / (read-only)
 *		.store_dir = scratch,                // /nix/store inside, writable
 *		.build_dir = build,                  // /build inside, writable, the start
 *		.mounts = mounts, .nmounts = n,      // read-only inputs
 *		.argv = &argv, .env = &env,
 *		.log = pipe,                         // standard output and error
 *	};
 *	struct sandbox_run run;
 *	if (sandbox_start(&box, &run, err) < 0) ...
 *	...read the log until its end...
 *	int code = sandbox_wait(&run, err);          // -1: the sandbox itself failed
 *
 * bubblewrap does the work (its arguments travel over a descriptor, so their number has
 * no limit); a seccomp filter refuses what a builder has no business doing.
 */
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/argv.h"
#include "base/error.h"
#include "base/str.h"

struct mount {
	const char *host;  /* absolute; a symbolic link is bound as what it points to */
	const char *guest; /* absolute; its directories are made */
};

struct sandbox {
	const char *root;           /* tree whose top level becomes / */
	const char *store_dir;      /* host directory bound writable at /nix/store */
	const char *build_dir;      /* host directory bound writable at /build */
	const struct mount *mounts; /* read-only, in order; /nix/store's come last */
	size_t nmounts;
	const struct argv *argv;
	const struct argv *env; /* complete: KEY=value */
	int log;
	const int *keep; /* descriptors the builder inherits (the jobserver's) */
	size_t nkeep;
	const char *hostname; /* NULL: localhost */
	uid_t uid;            /* user and group; 0: 1000 */
	bool bind_proc; /* the host does not let us mount a new /proc: bind the old one */
};

struct sandbox_run {
	pid_t pid;  /* kill(-pid) ends everything in the sandbox */
	int status; /* bubblewrap's own report */
};

int sandbox_start(const struct sandbox *box, struct sandbox_run *run, struct error *err);
/*
 * The builder's exit code, or 128 + the signal that killed it. -1 when the sandbox could
 * not be set up (its words are in the log).
 */
int sandbox_wait(struct sandbox_run *run, struct error *err);
/*
 * Ends it now, and everything it started. Of a sandbox that is not complete a process may
 * be left, in the process group of the caller.
 */
void sandbox_kill(const struct sandbox_run *run);

/* What this host lets us do. */
enum sandbox_ability {
	SANDBOX_FULL,      /* a /proc of our own */
	SANDBOX_BIND_PROC, /* nested in another sandbox: the old /proc must do */
};

/*
 * Tries it out with /bin/true of the host (about 10 ms). -1: it cannot, and err says why
 * and what to do.
 */
int sandbox_probe(enum sandbox_ability *out, struct error *err);
/*
 * After a set-up that failed with err: when the host allows it in another way, the box is
 * changed so, err emptied, and 0 returned; -1: it does not, and err says why.
 */
int sandbox_adapt(struct sandbox *box, struct error *err);

/* The filter, as a BPF program in a descriptor for bwrap. -1 on failure. */
int seccomp_program(struct error *err);
