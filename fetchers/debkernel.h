/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A kernel that Debian has built, as four packages: image, headers of its flavour,
 * headers common to all flavours, and the programs of Kbuild for the machine that will
 * build modules. Nothing else of what they depend on.
 *
 * The package is an image (linux-image-6.1.0-50-amd64), what stands for the newest one
 * (linux-image-amd64), or that with a version, which no archive has:
 * linux-image-6.1-amd64 is linux-image-amd64 in the suite where its version is 6.1.
 */
#include "base/str.h"
#include "fetchers/fetch.h"

/*
 * As apt_resolve. What a suite has instead of the version that was asked for is added to
 * *seen.
 */
int debian_kernel(struct fetch_job *job, const char *suite, const char *build,
		  struct apt_answer *out, struct strbuf *seen, bool *missing,
		  struct error *err);
