// SPDX-License-Identifier: MIT
#include "realise/packing.h"

#include <fcntl.h>

#include "base/alloc.h"
#include "base/child.h"
#include "base/dir.h"

enum { INSIDE_MAX = 256 << 20 };

static const struct packing {
	const char *program; /* called with -dc and the file */
	struct str magic;
} packings[] = {
	{"gzip", {"\x1f\x8b\x08", 3}},    {"zstd", {"\x28\xb5\x2f\xfd", 4}},
	{"xz", {"\xfd\x37zXZ\0", 6}},     {"bzip2", {"BZh", 3}},
	{"lz4", {"\x04\x22\x4d\x18", 4}}, {"lz4", {"\x02\x21\x4c\x18", 4}},
};

const char *packing_of(struct str file)
{
	for (size_t i = 0; i < ARRAY_LEN(packings); i++) {
		struct str magic = packings[i].magic;

		if (file.len > magic.len && memcmp(file.ptr, magic.ptr, magic.len) == 0)
			return packings[i].program;
	}
	return NULL;
}

int unpack_file(const char *packing, const char *path, struct strbuf *out,
		struct error *err)
{
	autoargv struct argv argv = {0};
	int pipefd[2];

	argv_pushl(&argv, packing, "-dc", path, NULL);
	autoclose int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (null < 0 || pipe2(pipefd, O_CLOEXEC) < 0)
		return error_errno(err, "cannot make a pipe");
	const struct child child = {.argv = &argv, .out = pipefd[1], .errfd = null};
	pid_t pid = child_start(&child, err);
	close(pipefd[1]);
	int failed = pid < 0 ? -1 : read_all(pipefd[0], INSIDE_MAX, out, err);
	/* Whoever has more to say than we read is ended by this. */
	close(pipefd[0]);
	int code = pid < 0 ? -1 : child_wait(pid, err);
	if (failed < 0 || code < 0)
		return -1;
	return code ? error_make(err, "%s cannot unpack %s", packing, path) : 0;
}
