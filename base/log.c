// SPDX-License-Identifier: MIT
#include "base/log.h"

#include "base/alloc.h"

static log_sink *the_sink;
static void *the_ctx;

void log_install(log_sink *sink, void *ctx)
{
	the_sink = sink;
	the_ctx = ctx;
}

void log_say(enum log_level level, const char *fmt, ...)
{
	va_list ap;
	char *text;

	if (!the_sink)
		return;
	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		BUG("bad format '%s'", fmt);
	va_end(ap);
	the_sink(the_ctx, level, text);
	free(text);
}
