// SPDX-License-Identifier: MIT
/* kbuild store add, hash, dump, restore: trees in and out. */
#include <fcntl.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "cli/cmd_store.h"
#include "cli/stream.h"
#include "store/digest.h"
#include "store/nar.h"
#include "store/path.h"

/* The last component of where a path leads, as `cp` would call the copy. */
static const char *default_name(struct cli *cli, const char *path)
{
	autofree char *text = xstrdup(path);
	size_t n = strlen(text);

	while (n > 1 && text[n - 1] == '/')
		text[--n] = '\0';
	const char *slash = strrchr(text, '/');
	const char *last = slash ? slash + 1 : text;
	if (*last && strcmp(last, ".") != 0 && strcmp(last, "..") != 0)
		return path_name_clean(&cli->arena, last);
	autofree char *real = path_absolute(text);
	slash = real ? strrchr(real, '/') : NULL;
	return path_name_clean(&cli->arena, slash && slash[1] ? slash + 1 : "root");
}

int store_cmd_add(struct store_cmd *c, struct error *err)
{
	struct store_add add = {.physical = c->argv[0], .name = c->name};
	autostore struct store *st = NULL;
	const char *path;

	if (!add.name)
		add.name = default_name(c->cli, c->argv[0]);
	if (!path_name_ok(add.name))
		return cli_usage(c->cli, err, "'%s' cannot be the name of a store path",
				 add.name);
	if (cli_open_store(c->cli, STORE_WRITE, &st, err) < 0 ||
	    store_add(st, &add, &c->cli->arena, &path, err) < 0)
		return -1;
	printf("%s\n", path);
	return EXIT_DONE;
}

int store_cmd_hash(struct store_cmd *c, struct error *err)
{
	const struct nar_dump dump = {.dir = AT_FDCWD, .path = c->argv[0]};
	const char *type = c->type ? c->type : "sri";
	autodigest struct digest *d = digest_new(NULL);
	char hex[SHA256_HEX_SIZE];
	uint64_t size;

	if (strcmp(type, "sri") != 0 && strcmp(type, "nix32") != 0 &&
	    strcmp(type, "hex") != 0)
		return cli_usage(c->cli, err,
				 "--type: expected sri, nix32 or hex, found '%s'", type);
	if (nar_dump(&dump, digest_sink(d), err) < 0)
		return -1;
	struct sha256 h = digest_end(d, &size);
	if (*type == 's')
		printf("%s\n", hash_sri(&c->cli->arena, &h));
	else if (*type == 'n')
		printf("%s\n", hash_nix32(&c->cli->arena, &h));
	else
		printf("sha256:%s\n", sha256_hex(&h, hex));
	return EXIT_DONE;
}

int store_cmd_dump(struct store_cmd *c, struct error *err)
{
	autofree char *buf = xmalloc(STREAM_BUFFER);
	struct nar_sink sink = {
		.buf = buf, .cap = STREAM_BUFFER, .flush = stream_to_stdout};
	autostore struct store *st = NULL;
	struct store_ref ref;

	if (cli_open_store(c->cli, STORE_READ, &st, err) < 0 ||
	    store_ref_parse(c, st, c->argv[0], &ref, err) < 0)
		return -1;
	autofree char *object = store_physical(st, ref.path);
	autofree char *path = *ref.sub ? path_join(object, ref.sub) : xstrdup(object);
	const struct nar_dump dump = {.dir = AT_FDCWD, .path = path};
	return nar_dump(&dump, &sink, err) < 0 ? -1 : EXIT_DONE;
}

int store_cmd_restore(struct store_cmd *c, struct error *err)
{
	autofree struct stream_input *in = xcalloc(1, sizeof(*in));
	autoerror struct error ignored = {0};

	if (nar_restore(stream_from_stdin, in, AT_FDCWD, c->argv[0], err) < 0)
		return -1;
	if (stream_at_end(in, "the archive", err) == 0)
		return EXIT_DONE;
	dir_remove(AT_FDCWD, c->argv[0], &ignored);
	return -1;
}
