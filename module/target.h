/* SPDX-License-Identifier: MIT */
#pragma once
/* A kernel that modules are to be loaded into, as far as it is known. */
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "module/kconfig.h"
#include "module/machine.h"
#include "module/module.h"
#include "module/symvers.h"

struct kernel_target {
	const struct machine *machine; /* NULL: not known, as all that follows */
	const char *release, *vermagic;
	bool has_config, has_symvers;
	bool only_names;    /* of the symbols; nothing of CRCs, licenses or namespaces */
	bool sig_enforce;   /* it was booted with module.sig_enforce, or locked down */
	bool words_unknown; /* the architecture's words of vermagic are missing */
	struct kconfig config;
	struct symvers symvers;
	const char *randstruct; /* the word that layouts drawn by lot add to vermagic */
	uint64_t struct_size;   /* of struct module; 0: not known */
	uint32_t btf_names; /* bytes of the names in its type information; 0 as above */
	const struct module *module;            /* it is what this module was built for */
	const char *symvers_file, *config_file; /* which ones they were */
};

/*
 * Adds what a directory has: a build directory, a headers package, the outputs `dev` and
 * `out` of a kernel (include/config/kernel.release or release, vermagic, .config or
 * config, Module.symvers, exports, vmlinux for its type information). What is known
 * already stays. 1: there was something, 0, -1.
 */
int target_read_dir(struct kernel_target *t, const char *dir, struct arena *a,
		    struct error *err);
/* The same of an open directory; `inside`: it may come from anybody, and nothing outside
 * of it is read. */
int target_read_at(struct kernel_target *t, int fd, const char *name, bool inside,
		   struct arena *a, struct error *err);
/* A Module.symvers: 1; 0 if it is empty, which says nothing. */
int target_read_symvers(struct kernel_target *t, const char *file, struct str text,
			struct arena *a, struct error *err);
/*
 * What a machine says of itself. A blank at its end that a file or a person has lost is
 * put there again.
 */
void target_set_vermagic(struct kernel_target *t, struct str text, struct arena *a);
/* Names of exported symbols, one a line. */
void target_read_exports(struct kernel_target *t, const char *file, struct str text,
			 struct arena *a);
/* What a module was built for; it must outlive the target. */
void target_of_module(struct kernel_target *t, const struct module *m, struct arena *a);
/* Once all is added: composes what follows from the rest. */
void target_complete(struct kernel_target *t, struct arena *a);
void target_finish(struct kernel_target *t);
