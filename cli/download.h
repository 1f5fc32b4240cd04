/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Progress of what kbuild-fetch does for us while nothing is realised (lock, update): a
 * live line on a terminal, elsewhere a plain line for each new file and every 30 seconds.
 */
#include "cli/cmd.h"

/* Sets cli->fetch's callback up; the last live line goes with download_end. */
void download_begin(struct cli *cli);
void download_end(struct cli *cli);
