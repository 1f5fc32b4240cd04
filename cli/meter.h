/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * How many bytes of something are done: a live line on a terminal, elsewhere a plain line
 * for each new thing and every 30 seconds.
 *
 *	struct meter m = {0};
 *	meter_begin(&m, cli);
 *	meter_show(&m, "verify", done, total);
 *	meter_end(&m);
 */
#include "cli/cmd.h"

struct meter {
	bool live, quiet, drawn;
	char what[96];
	double spoke;
};

void meter_begin(struct meter *m, const struct cli *cli);
/* As often as one likes; total 0 is not known. */
void meter_show(struct meter *m, const char *what, uint64_t done, uint64_t total);
/* Takes the live line away. */
void meter_end(struct meter *m);
