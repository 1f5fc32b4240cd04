/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The file that describes a machine (evaluator/target_file.h reads it), with what belongs
 * to it beside it: board.yaml, board.config, board.symvers, board.exports, board.btf.
 */
#include "base/error.h"
#include "module/probe.h"

struct target_written {
	const char *file; /* in the probe's arena */
	bool changed;     /* false: these bytes were there already */
};

/*
 * Writes what is new, each file in one step, the one that names the others last. What was
 * written is at out[FACT], the file itself at out[PROBE_FACTS]; file NULL: none.
 */
int target_write(const struct probe *p, const char *path,
		 struct target_written out[PROBE_FACTS + 1], struct error *err);
/* The architecture as recipes call it. */
const char *target_arch(const struct probe *p, struct error *err);
