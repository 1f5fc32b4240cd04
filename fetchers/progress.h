/* SPDX-License-Identifier: MIT */
#pragma once
/* How far a request is, told at most ten times a second and once at its end. */
#include <stdint.h>

struct progress {
	void (*tell)(void *ctx, const char *what, uint64_t done, uint64_t total);
	void *ctx;
	uint64_t last_ms;
	uint64_t finished; /* the total whose end was told */
};

/* p may be NULL. total 0: not known. */
void progress_say(struct progress *p, const char *what, uint64_t done, uint64_t total);
