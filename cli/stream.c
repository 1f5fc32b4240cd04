// SPDX-License-Identifier: MIT
#include "cli/stream.h"

#include <errno.h>
#include <unistd.h>

#include "base/dir.h"

int stream_to_stdout(struct nar_sink *s, struct error *err)
{
	if (write_all(STDOUT_FILENO, s->buf, s->len) < 0)
		return error_errno(err, "cannot write to standard output");
	s->len = 0;
	return 0;
}

/* 1, 0 at the end, -1. */
static int fill(struct stream_input *in, struct error *err)
{
	ssize_t got;

	do
		got = read(STDIN_FILENO, in->buf, sizeof(in->buf));
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return error_errno(err, "cannot read standard input");
	in->pos = 0;
	in->len = (size_t)got;
	return got > 0;
}

int stream_from_stdin(void *ctx, void *bytes, size_t n, struct error *err)
{
	struct stream_input *in = ctx;

	for (char *to = bytes; n;) {
		if (in->pos == in->len) {
			int more = fill(in, err);

			if (more <= 0)
				return more < 0
					       ? -1
					       : error_make(err,
							    "the archive ends too early");
		}
		size_t part = n < in->len - in->pos ? n : in->len - in->pos;
		memcpy(to, in->buf + in->pos, part);
		in->pos += part;
		to += part;
		n -= part;
	}
	return 0;
}

int stream_at_end(struct stream_input *in, const char *what, struct error *err)
{
	int more = in->pos < in->len ? 1 : fill(in, err);

	return more > 0 ? error_make(err, "there are bytes behind the end of %s", what)
			: more;
}
