/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What the last build of a step of this name was like: how many objects, how many
 * seconds. Only a display is made of it; a missing or broken file says nothing.
 */
#include <stdint.h>

struct history {
	uint64_t objects;
	double seconds;
};

struct history history_read(const char *root, const char *step);
void history_write(const char *root, const char *step, struct history h);
