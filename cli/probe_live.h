/* SPDX-License-Identifier: MIT */
#pragma once
/* The same facts, asked of the machine itself. */
#include "cli/board.h"
#include "cli/cmd.h"
#include "module/probe.h"

int probe_live(struct probe *p, struct cli *cli, const struct board *b,
	       struct error *err);
