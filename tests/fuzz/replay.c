// SPDX-License-Identifier: MIT
/* Runs a fuzz target over its corpus, without libFuzzer: a result a file. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "tests/fuzz/fuzz.h"

/* Dies with the input's name on the last line when there is something wrong with it. */
static void replay(int dir, const char *name, size_t number)
{
	autobuf struct strbuf text = STRBUF_INIT;
	autoerror struct error err = {0};

	printf("# %s\n", name);
	fflush(stdout);
	if (dir_read(dir, name, &text, &err) < 0)
		BUG("%s", err.msg);
	/* A copy of just that size: a byte too far is seen. */
	uint8_t *bytes = xmalloc(text.len ? text.len : 1);
	memcpy(bytes, text.ptr, text.len);
	LLVMFuzzerTestOneInput(bytes, text.len);
	free(bytes);
	printf("ok %zu - %s\n", number, name);
}

int main(void)
{
	autofree char *corpus = xasprintf("tests/fuzz/corpus/%s",
					  strchr(program_invocation_short_name, '_') + 1);
	autoclose int dir = open(corpus, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoargv struct argv names = {0};
	autoerror struct error err = {0};

	if (dir < 0 || dir_names(dir, &names, &err) < 0)
		BUG("%s cannot be read", corpus);
	printf("1..%zu\n", names.n);
	for (size_t i = 0; i < names.n; i++)
		replay(dir, names.v[i], i + 1);
	return names.n ? 0 : 1;
}
