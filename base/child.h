/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Start an argument vector and wait for it; never a shell. The child gets its own process
 * group, /dev/null as standard input unless told otherwise, default signal handling, and
 * dies with its parent.
 */
#include <stdbool.h>
#include <sys/types.h>

#include "base/argv.h"
#include "base/error.h"
#include "base/str.h"

struct child {
	const struct argv *argv; /* argv->v[0] is looked up in PATH if it has no slash */
	const struct argv *env;  /* NULL: ours */
	const char *dir;         /* working directory, NULL: ours */
	int in, out, errfd;      /* 0: /dev/null for in, ours for out and errfd */
	const int *keep;         /* descriptors that stay open under their own number */
	size_t nkeep;
	bool same_group; /* stay in our process group (interactive programs) */
};

/* Starts it; its pid, or -1. A program that cannot be started is an error here. */
pid_t child_start(const struct child *c, struct error *err);
/* Waits. The exit code, 128 + signal, or -1. */
int child_wait(pid_t pid, struct error *err);
int child_run(const struct child *c, struct error *err);
/* Runs it and collects its standard output. The exit code, or -1. */
int child_output(const struct child *c, struct strbuf *out, struct error *err);
/* "exit code 2", "killed by signal 9 (Killed)"; for messages. */
void child_status_words(int status, struct strbuf *out);
/* The file that `name` is in PATH; freed by the caller, NULL if there is none. */
char *child_find(const char *name);
