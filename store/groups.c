// SPDX-License-Identifier: MIT
/* Roots of one recipe or one user's link, kept as a folder of links below gcroots/. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "store/internal.h"
#include "store/path.h"
#include "store/place.h"

const char *store_group_name(const char *owner, char out[STORE_GROUP_NAME_SIZE])
{
	struct sha256 h = sha256_of(owner, strlen(owner));
	char hex[SHA256_HEX_SIZE];

	snprintf(out, STORE_GROUP_NAME_SIZE, "%s", sha256_hex(&h, hex));
	return out;
}

static char *group_dir(const char *name)
{
	return xasprintf("gcroots/kbuild/%s", name);
}

static bool name_ok(const char *name)
{
	return *name && *name != '.' && !strchr(name, '/');
}

static bool leads_to(int dir, const char *name, const char *target)
{
	char text[PATH_MAX];
	ssize_t n = readlinkat(dir, name, text, sizeof(text));

	return n >= 0 && (size_t)n == strlen(target) &&
	       memcmp(text, target, (size_t)n) == 0;
}

static bool wanted(const struct store_group *g, const char *name)
{
	if (strcmp(name, GROUP_PLACE) == 0 || strcmp(name, GROUP_HOLDER) == 0)
		return true;
	for (size_t i = 0; i < g->nroots; i++)
		if (strcmp(g->roots[i].name, name) == 0)
			return true;
	return false;
}

/* The names of a group's links that nobody asks for. */
static int strays(int dir, const struct store_group *g, struct argv *out,
		  struct error *err)
{
	autoargv struct argv names = {0};

	if (dir_names(dir, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++)
		if (!wanted(g, names.v[i]))
			argv_push(out, names.v[i]);
	return 0;
}

bool store_group_is(const char *root, const struct store_group *g)
{
	autofree char *group = group_dir(g->name);
	autofree char *path = xasprintf("%s/nix/var/nix/%s", root, group);
	autoclose int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoargv struct argv more = {0};
	autoerror struct error ignored = {0};

	autofree char *holder = place_holder(g->place);
	if (dir < 0 || !leads_to(dir, GROUP_PLACE, g->place) ||
	    !leads_to(dir, GROUP_HOLDER, holder))
		return false;
	for (size_t i = 0; i < g->nroots; i++)
		if (!leads_to(dir, g->roots[i].name, g->roots[i].path))
			return false;
	return !g->whole || (strays(dir, g, &more, &ignored) == 0 && more.n == 0);
}

/* In one step, so that no collector finds the name empty. */
static int point(int dir, const char *name, const char *target, struct error *err)
{
	autofree char *temp = xasprintf(".%s.%d", name, (int)getpid());

	if (leads_to(dir, name, target))
		return 0;
	unlinkat(dir, temp, 0);
	if (symlinkat(target, dir, temp) < 0 || renameat(dir, temp, dir, name) < 0)
		return error_errno(err, "cannot make the root %s", name);
	return 0;
}

/* 0 done, 1 it is not valid any more, -1. */
static int add_root(struct store *st, int dir, const struct store_root *r,
		    struct error *err)
{
	if (!name_ok(r->name) || strcmp(r->name, GROUP_PLACE) == 0 ||
	    strcmp(r->name, GROUP_HOLDER) == 0)
		return error_make(err, "'%s' cannot be the name of a root", r->name);
	if (!path_ok(r->path))
		return error_make(err, "'%s' is not a store path", r->path);
	if (leads_to(dir, r->name, r->path))
		return 0;
	/* First a temporary root, of which a running collector is told. */
	int valid =
		store_temp_root(st, r->path, err) < 0 ? -1 : store_find(st, r->path, err);
	if (valid <= 0)
		return valid < 0 ? -1 : 1;
	return point(dir, r->name, r->path, err);
}

int store_group_set(struct store *st, const struct store_group *g, struct error *err)
{
	autofree char *group = group_dir(g->name);
	autoargv struct argv more = {0};

	if (store_need_write(st, err) < 0)
		return -1;
	if (!name_ok(g->name))
		return error_make(err, "'%s' cannot be the name of roots", g->name);
	if (dir_make(st->statefd, group, 0755, err) < 0)
		return -1;
	autoclose int dir = openat(st->statefd, group,
				   O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return error_errno(err, "cannot open %s", group);
	autofree char *holder = place_holder(g->place);
	if (point(dir, GROUP_PLACE, g->place, err) < 0 ||
	    point(dir, GROUP_HOLDER, holder, err) < 0)
		return -1;
	for (size_t i = 0; i < g->nroots; i++) {
		int rc = add_root(st, dir, &g->roots[i], err);

		if (rc)
			return rc;
	}
	if (g->whole && strays(dir, g, &more, err) < 0)
		return -1;
	for (size_t i = 0; i < more.n; i++)
		if (unlinkat(dir, more.v[i], 0) < 0 && errno != ENOENT)
			return error_errno(err, "cannot remove the root %s", more.v[i]);
	return 0;
}

/* Replaces a link, nothing else. */
static int make_link(const char *target, const char *link, struct error *err)
{
	struct stat st;

	if (lstat(link, &st) == 0 && !S_ISLNK(st.st_mode))
		return error_class(err, ERROR_RECIPE, "%s exists and is no link", link);
	return dir_link(AT_FDCWD, link, target, err);
}

int store_add_user_root(struct store *st, const char *link, const char *path,
			struct error *err)
{
	char name[STORE_GROUP_NAME_SIZE];
	const struct store_root root = {GROUP_USER_ROOT, path};
	const struct store_group group = {
		.name = store_group_name(link, name),
		.place = link,
		.roots = &root,
		.nroots = 1,
		.whole = true,
	};

	if (store_temp_root(st, path, err) < 0)
		return -1;
	/* The link first: a root whose link leads elsewhere is given up. */
	autofree char *target = store_physical(st, path);
	if (make_link(target, link, err) < 0)
		return -1;
	int rc = store_group_set(st, &group, err);
	return rc > 0 ? error_make(err, "%s is not valid", path) : rc;
}
