// SPDX-License-Identifier: MIT
/* kbuild key: the keys that sign what is pushed to a cache. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "cli/cmd.h"

static void print_public(struct cli *cli, const struct key_secret *key)
{
	const struct key_public public = key_public_of(key);

	puts(key_public_text(&cli->arena, &public));
}

/* A key that is lost is lost: never over another one. */
static int write_new(const char *file, const char *text, struct error *err)
{
	autofree char *dir = xstrdup(file);
	char *slash = strrchr(dir, '/');

	if (slash && slash != dir) {
		*slash = '\0';
		if (dir_make(AT_FDCWD, dir, 0700, err) < 0)
			return -1;
	}
	autoclose int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 && errno == EEXIST) {
		error_class(err, ERROR_RECIPE, "%s exists", file);
		return error_hint(err, "kbuild key public --file %s", file);
	}
	if (fd < 0)
		return error_errno(err, "cannot create %s", file);
	if (write_all(fd, text, strlen(text)) == 0 && fsync(fd) == 0)
		return 0;
	error_errno(err, "cannot write %s", file);
	unlink(file);
	return -1;
}

static int generate(struct cli *cli, const char *file, char **argv, struct error *err)
{
	struct key_secret key;

	if (key_generate(argv[0], &key, err) < 0)
		return -1;
	autofree char *text = xasprintf("%s\n", key_secret_text(&cli->arena, &key));
	int rc = write_new(file, text, err);
	explicit_bzero(text, strlen(text));
	if (rc == 0)
		print_public(cli, &key);
	key_wipe(&key);
	return rc;
}

static int show_public(struct cli *cli, const char *file, char **argv, struct error *err)
{
	struct key_secret key;

	(void)argv;
	if (key_secret_read(file, &key, err) < 0)
		return -1;
	print_public(cli, &key);
	key_wipe(&key);
	return 0;
}

static const struct {
	const char *name, *usage;
	int words;
	int (*run)(struct cli *cli, const char *file, char **argv, struct error *err);
} verbs[] = {
	{"generate", "generate NAME [--file FILE]", 1, generate},
	{"public", "public [--file FILE]", 0, show_public},
};

int cmd_key(struct cli *cli, int argc, char **argv, struct error *err)
{
	const char *file = NULL;
	const struct cli_opt opts[] = {
		{"file", .text = &file, .arg = "FILE",
		 .help = "the secret key; default ~/.config/kbuild/key.secret"},
		{0},
	};

	if (cli_parse(cli, opts, &argc, argv, err) < 0)
		return -1;
	file = file ? file : cli_key_file(cli);
	for (size_t i = 0; argc && i < ARRAY_LEN(verbs); i++) {
		if (strcmp(verbs[i].name, argv[0]) != 0)
			continue;
		if (argc - 1 != verbs[i].words)
			return cli_usage(cli, err, "usage: kbuild key %s",
					 verbs[i].usage);
		if (!file)
			return cli_usage(cli, err, "there is no home: say --file");
		return verbs[i].run(cli, file, argv + 1, err) < 0 ? -1 : EXIT_DONE;
	}
	return cli_usage(cli, err, "expected one of: generate, public");
}

int cli_keys(struct cli *cli, const struct argv *words, struct key_public **out,
	     struct error *err)
{
	*out = arena_array(&cli->arena, words->n, struct key_public);
	for (size_t i = 0; i < words->n; i++)
		if (key_public_parse(words->v[i], &(*out)[i], err) < 0)
			return -1;
	return 0;
}
