// SPDX-License-Identifier: MIT
/*
 * An archive that is restored dumps to the very bytes that were read. Whatever is read,
 * nothing is made beside the name that was asked for, and one that is refused leaves
 * nothing at all.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "store/nar.h"
#include "tests/fuzz/fuzz.h"

struct input {
	const uint8_t *bytes;
	size_t n, pos;
};

static int from_input(void *ctx, void *bytes, size_t n, struct error *err)
{
	struct input *in = ctx;

	if (n > in->n - in->pos)
		return error_make(err, "the archive ends too early");
	memcpy(bytes, in->bytes + in->pos, n);
	in->pos += n;
	return 0;
}

/* What is dumped must be what was read. */
struct compare {
	struct nar_sink sink; /* first: the sink is all that flush gets */
	const struct input *in;
	size_t pos;
};

static int same_bytes(struct nar_sink *sink, struct error *err)
{
	struct compare *c = (struct compare *)sink;

	(void)err;
	if (sink->len > c->in->pos - c->pos ||
	    memcmp(c->in->bytes + c->pos, sink->buf, sink->len) != 0)
		BUG("the archive was accepted, and dumps to other bytes");
	c->pos += sink->len;
	sink->len = 0;
	return 0;
}

static void dump(int dir, const struct input *in)
{
	static char buf[NAR_SINK_MIN];
	struct compare c = {.sink = {.buf = buf, .cap = sizeof(buf), .flush = same_bytes},
			    .in = in};
	const struct nar_dump what = {.dir = dir, .path = "x"};
	autoerror struct error err = {0};

	if (nar_dump(&what, &c.sink, &err) < 0)
		BUG("the archive was accepted, and cannot be dumped: %s", err.msg);
	if (c.pos != in->pos)
		BUG("the archive was accepted, and dumps to fewer bytes");
}

static char top[] = "/dev/shm/kbuild-fuzz.XXXXXX";

static void remove_top(void)
{
	autoerror struct error ignored = {0};

	dir_remove(AT_FDCWD, top, &ignored);
}

/* TOP/in is where it works; TOP holds nothing else. */
static int work_dir(void)
{
	static int dir = -1;
	autofree char *in = NULL;

	if (dir >= 0)
		return dir;
	if (!mkdtemp(top))
		BUG("cannot create %s", top);
	atexit(remove_top);
	in = path_join(top, "in");
	if (mkdir(in, 0755) < 0)
		BUG("cannot create %s", in);
	dir = open(in, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		BUG("cannot open %s", in);
	return dir;
}

static size_t entries(int dir, const char *path)
{
	autoclose int fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoargv struct argv names = {0};
	autoerror struct error err = {0};

	if (fd < 0 || dir_names(fd, &names, &err) < 0)
		BUG("cannot list %s", path);
	return names.n;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct input in = {.bytes = bytes, .n = n};
	autoerror struct error err = {0};
	int dir = work_dir();

	bool accepted = nar_restore(from_input, &in, dir, "x", &err) == 0;
	if (entries(dir, ".") != accepted)
		BUG("%zu entries after an archive was %s", entries(dir, "."),
		    accepted ? "accepted" : "refused");
	if (entries(dir, "..") != 1)
		BUG("something was made beside the directory");
	if (accepted)
		dump(dir, &in);
	if (accepted && dir_remove(dir, "x", &err) < 0)
		BUG("what was restored cannot be removed: %s", err.msg);
	return 0;
}
