// SPDX-License-Identifier: MIT
#include "base/xdg.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"

static const char *home(void)
{
	const char *dir = getenv("HOME");

	if (dir && *dir == '/')
		return dir;
	struct passwd *me = getpwuid(getuid());
	return me && me->pw_dir && *me->pw_dir == '/' ? me->pw_dir : NULL;
}

char *xdg_dir(const char *variable, const char *fallback)
{
	const char *dir = getenv(variable);

	if (dir && *dir == '/')
		return xasprintf("%s/kbuild", dir);
	dir = home();
	return dir ? xasprintf("%s/%s/kbuild", dir, fallback) : NULL;
}
