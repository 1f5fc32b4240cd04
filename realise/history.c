// SPDX-License-Identifier: MIT
#include "realise/history.h"

#include <fcntl.h>
#include <inttypes.h>

#include "base/alloc.h"
#include "base/dir.h"

static char *file_of(const char *root, const char *step)
{
	return xasprintf("%s/nix/var/kbuild/history/%s", root, step);
}

struct history history_read(const char *root, const char *step)
{
	autofree char *path = file_of(root, step);
	autofile FILE *f = fopen(path, "re");
	struct history h = {0};

	if (!f || fscanf(f, "%" SCNu64 " %lf", &h.objects, &h.seconds) != 2)
		return (struct history){0};
	return h;
}

void history_write(const char *root, const char *step, struct history h)
{
	autofree char *dir = xasprintf("%s/nix/var/kbuild/history", root);
	autofree char *path = file_of(root, step);
	autofree char *text = xasprintf("%" PRIu64 " %.1f\n", h.objects, h.seconds);
	autoerror struct error ignored = {0};

	if (dir_make(AT_FDCWD, dir, 0755, &ignored) == 0)
		dir_write(AT_FDCWD, path, text, strlen(text), 0644, false, &ignored);
}
