// SPDX-License-Identifier: MIT
/* Where things are on this machine: the store, our data files, the fetch program. */
#include <errno.h>
#include <limits.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "base/str.h"
#include "base/xdg.h"
#include "cli/cmd.h"
#include "fetchers/host.h"

char *cli_root(const struct cli *cli)
{
	return cli->root ? xstrdup(cli->root) : store_default_root();
}

int cli_open_store(struct cli *cli, enum store_mode mode, struct store **out,
		   struct error *err)
{
	autofree char *root = cli_root(cli);

	return store_open(root, mode, out, err);
}

/* The directory our own executable is in; freed by the caller. */
static char *program_dir(void)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n < 0)
		return xstrdup(".");
	self[n] = '\0';
	*strrchr(self, '/') = '\0';
	return xstrdup(self);
}

/* A checkout builds into build/ or build-san/; everything else is an installed tree. */
static char *first_existing(char **candidates, size_t n)
{
	char *found = NULL;

	for (size_t i = 0; i < n; i++) {
		if (!found && candidates[i] && access(candidates[i], R_OK) == 0)
			found = path_absolute(candidates[i]);
		free(candidates[i]);
	}
	return found;
}

int cli_find_data(struct cli *cli, struct error *err)
{
	const char *env = getenv("KBUILD_DATA");
	autofree char *dir = program_dir();

	if (cli->data_dir)
		return 0;
	char *markers[] = {
		env ? xasprintf("%s/builders/run.sh", env)
		    : xasprintf("%s/../builders/run.sh", dir),
		env ? NULL : xasprintf("%s/../share/kbuild/builders/run.sh", dir),
	};
	autofree char *marker = first_existing(markers, ARRAY_LEN(markers));
	if (!marker) {
		error_class(err, ERROR_INFRA, "cannot find kbuild's builders%s%s",
			    env ? " in KBUILD_DATA=" : "", env ? env : "");
		return error_hint(err, "set KBUILD_DATA to the folder that holds "
				       "builders/ and recipes/");
	}
	marker[strlen(marker) - strlen("/builders/run.sh")] = '\0';
	cli->data_dir = take_ptr(&marker);
	return 0;
}

int cli_find_fetch(struct cli *cli, struct error *err)
{
	autofree char *dir = program_dir();

	if (cli->fetch_program)
		return 0;
	char *places[] = {
		xasprintf("%s/kbuild-fetch", dir),
		xasprintf("%s/../libexec/kbuild/kbuild-fetch", dir),
	};
	cli->fetch_program = first_existing(places, ARRAY_LEN(places));
	if (!cli->fetch_program)
		return error_class(err, ERROR_INFRA,
				   "cannot find kbuild-fetch beside kbuild");
	cli->fetch.program = cli->fetch_program;
	return 0;
}

const char *cli_cache_dir(struct cli *cli, const char *name)
{
	autofree char *cache = host_cache();
	autofree char *root = cache ? NULL : cli_root(cli);

	if (cache)
		return arena_printf(&cli->arena, "%s/%s", cache, name);
	return arena_printf(&cli->arena, "%s/nix/var/kbuild/%s", root, name);
}

const char *cli_key_file(struct cli *cli)
{
	autofree char *dir = xdg_dir("XDG_CONFIG_HOME", ".config");

	return dir ? arena_printf(&cli->arena, "%s/key.secret", dir) : NULL;
}
