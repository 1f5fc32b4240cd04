/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Machine architectures under all the names people have for them: kernel, compiler,
 * distribution and `uname -m` disagree, the recipe may use any.
 */
#include <stdbool.h>
#include <stddef.h>

struct arch {
	const char
		*name; /* ours, and the one builders know: "x86_64", "arm64", "armhf" */
	const char *kernel; /* ARCH= */
	const char *debian; /* "amd64" */
	const char *system; /* of a build machine, as in a derivation: "x86_64-linux" */
	bool supported;     /* this version can build for it */
	const char *bits;   /* of a pointer: "64" */
	const char *images; /* of kernel.image beside auto and vmlinux; NULL: not known */
};

/* NULL if nobody calls an architecture that. */
const struct arch *arch_find(const char *name);
/* Whether a kernel of this architecture can be built as that file. */
bool arch_has_image(const struct arch *arch, const char *image);
/* The machine we run on. */
const struct arch *arch_host(void);
/* "bits", "kernel" or "debian" of it; NULL for any other word. */
const char *arch_fact(const struct arch *arch, const char *word);
/* All names and aliases, for suggestions. */
const char *const *arch_words(size_t *n);
