/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What happens now, for a person. On a terminal each running step has one live line with
 * its phase, objects done of expected, and time; elsewhere plain lines, and at least one
 * every 30 seconds, so that nothing that watches the output thinks it dead.
 */
#include "cli/cmd.h"
#include "realise/realise.h"

struct progress;

struct progress *progress_new(const struct cli *cli, const struct realise_step *steps,
			      size_t n);
/* A realise_options.event; ctx is the struct progress. */
void progress_event(void *ctx, const struct realise_event *e);
/* Clears the live lines. */
void progress_free(struct progress *p);
