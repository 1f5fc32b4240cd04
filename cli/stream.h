/* SPDX-License-Identifier: MIT */
#pragma once
/* Standard input and output as archives and streams want them. */
#include "store/nar.h"

enum { STREAM_BUFFER = 256 * 1024 };

/* A nar_sink.flush to standard output. */
int stream_to_stdout(struct nar_sink *s, struct error *err);

struct stream_input {
	char buf[64 * 1024];
	size_t pos, len;
};

/* A nar_read of standard input; ctx is a zeroed struct stream_input. */
int stream_from_stdin(void *ctx, void *bytes, size_t n, struct error *err);
/* Fails if there is a byte left. */
int stream_at_end(struct stream_input *in, const char *what, struct error *err);
