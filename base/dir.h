/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Files and trees relative to a directory descriptor (AT_FDCWD is fine). Nothing follows
 * a symbolic link in the last component, except dir_read, which opens what it is told.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/argv.h"
#include "base/error.h"
#include "base/str.h"

/* Everything that can be read from fd, up to `max` bytes (more is an error). */
int read_all(int fd, size_t max, struct strbuf *out, struct error *err);
/* Up to n bytes: fewer only at the end. -1 with errno set. */
ssize_t read_full(int fd, void *bytes, size_t n);
/* All of it, whatever write(2) does. 0, or -1 with errno set. */
int write_all(int fd, const void *bytes, size_t n);

/* The whole file at path. */
int dir_read(int dir, const char *path, struct strbuf *out, struct error *err);
/*
 * A regular file below dir, opened for reading. When `inside`, neither `..` nor a
 * symbolic link leads out of dir. 0 and the descriptor, or -1 with errno set (EXDEV: it
 * leads out, EINVAL: it is no regular file).
 */
int dir_open_file(int dir, const char *path, bool inside);
/*
 * Replace path in one step: a temporary neighbour PATH.tmp-..., then rename. Readers see
 * the old bytes or the new ones. With `sync`, the bytes are on disk before the name is.
 * A crash leaves the neighbour; whoever replaces path the next hour or later removes it.
 */
int dir_write(int dir, const char *path, const void *bytes, size_t n, mode_t mode,
	      bool sync, struct error *err);
/* The same for a symbolic link. */
int dir_link(int dir, const char *path, const char *target, struct error *err);
/*
 * Opens `path` as if `root` were "/": links, absolute ones too, cannot lead out of it.
 * -1 with errno set.
 */
int dir_open_inside(int root, const char *path, int flags);
/* What a link leads to, freed by the caller; NULL and errno, EINVAL if it is no link. */
char *dir_link_target(int dir, const char *path);
/* For others who make neighbours of that kind: removes the old ones. */
void dir_clear_temps(int dir, const char *path);
/* mkdir -p; what exists already is fine. */
int dir_make(int dir, const char *path, mode_t mode, struct error *err);
/*
 * Remove whatever is at path: a file, a link, or a tree, read-only directories included.
 * Absent is fine. Never crosses a symbolic link.
 */
int dir_remove(int dir, const char *path, struct error *err);
/* The same; adds to *freed what goes from the disk, hard-linked files with the last name.
 */
int dir_remove_count(int dir, const char *path, uint64_t *freed, struct error *err);
/* The names in a directory but . and .., sorted bytewise. dir is kept open. */
int dir_names(int dir, struct argv *names, struct error *err);
/* A fresh, private directory `prefix`XXXXXX below dir; *name is its name (free it). */
int dir_temp(int dir, const char *prefix, char **name, struct error *err);
/* The absolute path of what `path` is now (free it); NULL if it cannot be resolved. */
char *path_absolute(const char *path);
/* `a`/`b`; freed by the caller. */
char *path_join(const char *a, const char *b);
