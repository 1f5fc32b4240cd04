/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Lock files as Nix uses them, so that both can work on one store at the same time. A
 * lock is flock(2) on a file; whoever gives up a path lock writes a byte into the file
 * and unlinks it, so that those who wait on the old file notice and begin again.
 */
#include <stdbool.h>

#include "base/error.h"

/* Opens name in dir, creating it, or -1. */
int lock_open(int dir, const char *name, struct error *err);
/* 1 locked, 0 somebody else has it (only without wait), -1. */
int lock_take(int fd, bool exclusive, bool wait, struct error *err);
void lock_drop(int fd);
/* A lock file that is deleted when it is given up. 1 and *fd, 0 without wait, -1. */
int lock_path(int dir, const char *name, bool wait, int *fd, struct error *err);
void unlock_path(int dir, const char *name, int fd);
