/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Remarks that are no errors. The floors below say them, cli/ decides what happens with
 * them: it installs the sink; without one they are dropped.
 */
#include <stdarg.h>

#include "base/cleanup.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN };

typedef void log_sink(void *ctx, enum log_level level, const char *text);

void log_install(log_sink *sink, void *ctx);
PRINTF(2, 3) void log_say(enum log_level level, const char *fmt, ...);
