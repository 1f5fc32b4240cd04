/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What this machine and its user offer: the cache, and where archives can be had. Read
 * from the environment, ~/.config/kbuild/config.yaml and the machine's own apt sources;
 * none of it enters a recipe, a lock or a hash.
 */
#include <stdbool.h>

#include "base/argv.h"
#include "base/error.h"
#include "fetchers/progress.h"

struct host {
	char *cache;           /* KBUILD_CACHE, XDG_CACHE_HOME/kbuild, ~/.cache/kbuild */
	struct argv debian;    /* base addresses of Debian archives, in order */
	struct argv snapshots; /* services that keep old files: BASE/<date>/pool/... */
	struct argv kernels;   /* base addresses that have v6.x/ */
	char *keyring;         /* of the Debian archive */
	bool allow_expired;    /* a Release past its Valid-Until will do */
	struct progress progress; /* set by the caller */
};

#define autohost __attribute__((cleanup(host_finish)))

int host_init(struct host *h, struct error *err);
void host_finish(struct host *h);
/* KBUILD_CACHE or XDG_CACHE_HOME/kbuild; freed by the caller, NULL without a home. */
char *host_cache(void);
/* CACHE/name, made if it is missing; freed by the caller, NULL on failure. */
char *host_cache_dir(const struct host *h, const char *name, struct error *err);

/*
 * Base addresses of the Debian archives (a suite of Debian, component main) in an apt
 * configuration directory such as /etc/apt, each once: both source file formats.
 */
void apt_sources(const char *etc, struct argv *bases);
