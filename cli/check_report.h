/* SPDX-License-Identifier: MIT */
#pragma once
/* What `kbuild check` found, for people and as JSON. */
#include "cli/cmd.h"
#include "realise/rebuild.h"

struct checked {
	size_t step; /* of the plan */
	const char *name;
	struct json_object *report; /* of the last round, NULL: none was finished */
	const char *failed;         /* why it could not be built again, or NULL */
	unsigned rounds;
	double seconds; /* of all */
};

/* All outputs of a report are. */
bool report_is_same(struct json_object *report);
/* On standard output. */
void check_report(const struct cli *cli, const struct checked *steps, size_t n);
