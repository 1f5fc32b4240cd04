// SPDX-License-Identifier: MIT
/* kbuild store export, import: objects in one file, as nix-store has it. */
#include <stdio.h>

#include "base/alloc.h"
#include "cli/cmd_store.h"
#include "cli/stream.h"
#include "store/export.h"

int store_cmd_export(struct store_cmd *c, struct error *err)
{
	autofree char *buf = xmalloc(STREAM_BUFFER);
	struct nar_sink sink = {
		.buf = buf, .cap = STREAM_BUFFER, .flush = stream_to_stdout};
	autoargv struct argv closure = {0};
	autostore struct store *st = NULL;

	if (isatty(STDOUT_FILENO))
		return cli_usage(c->cli, err,
				 "an export is no text for a terminal: say "
				 "where to with >FILE");
	if (cli_open_store(c->cli, STORE_READ, &st, err) < 0)
		return -1;
	const char **paths = store_named_paths(c, st, err);
	size_t n = (size_t)c->argc;
	if (!paths)
		return -1;
	if (c->closure) {
		if (store_closure(st, paths, n, &closure, err) < 0)
			return -1;
		paths = (const char **)closure.v;
		n = closure.n;
	}
	return store_export(st, paths, n, &sink, err) < 0 ? -1 : EXIT_DONE;
}

static void print_path(void *ctx, const char *path)
{
	(void)ctx;
	printf("%s\n", path);
}

int store_cmd_import(struct store_cmd *c, struct error *err)
{
	autofree struct stream_input *in = xcalloc(1, sizeof(*in));
	const struct export_reader r = {
		.read = stream_from_stdin,
		.ctx = in,
		.unproven = c->unproven,
		.tell = print_path,
	};
	autostore struct store *st = NULL;

	if (cli_open_store(c->cli, STORE_WRITE, &st, err) < 0 ||
	    store_read_export(st, &r, err) < 0 ||
	    stream_at_end(in, "the stream", err) < 0)
		return -1;
	return EXIT_DONE;
}
