/* SPDX-License-Identifier: MIT */
#pragma once
/* A clock that only goes forward: for durations, never for dates. */
#include <stdint.h>

double clock_s(void);
uint64_t clock_ms(void);
