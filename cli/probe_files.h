/* SPDX-License-Identifier: MIT */
#pragma once
/* Saved files and directories of a machine, as probe takes them. */
#include "base/error.h"
#include "module/probe.h"

/* A file; `-` is standard input. */
int probe_file(struct probe *p, const char *file, struct error *err);
/*
 * A tree of a kernel: /lib/modules/RELEASE, headers, a build, or a /boot; of several
 * kernels there that whose release is known. Files go first for that.
 */
int probe_dir(struct probe *p, const char *dir, struct error *err);
/* Each word with what it is. */
int probe_words(struct probe *p, char **words, size_t n, struct error *err);
