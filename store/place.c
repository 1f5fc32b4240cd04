// SPDX-License-Identifier: MIT
#include "store/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "base/str.h"
#include "store/liveroots.h"
#include "store/path.h"

static char *parent_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash != path ? xstrndup(path, (size_t)(slash - path))
				      : xstrdup("/");
}

static ino_t inode_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_ino : 0;
}

char *place_holder(const char *place)
{
	autofree char *folder = parent_of(place);
	autofree char *holder = parent_of(folder);
	ino_t ino = inode_of(holder);
	struct statfs fs;

	if (!ino || statfs(holder, &fs) < 0)
		return xstrdup("unknown");
	return xasprintf("%08x%08x-%ju-%ju", (unsigned int)fs.f_fsid.__val[0],
			 (unsigned int)fs.f_fsid.__val[1], (uintmax_t)ino,
			 (uintmax_t)inode_of(folder));
}

/* The folder has another name in the directory that holds it. */
static bool was_renamed(const char *place, ino_t folder_ino)
{
	autofree char *folder = parent_of(place);
	autofree char *holder = parent_of(folder);
	autodir DIR *d = opendir(holder);

	for (struct dirent *e; d && (e = readdir(d));)
		if (e->d_ino == folder_ino && e->d_type == DT_DIR)
			return true;
	return !d;
}

/* The folder is not there. */
static bool was_deleted(int group, const char *place)
{
	autofree char *then = dir_link_target(group, GROUP_HOLDER);
	autofree char *now = place_holder(place);
	char *tail = then ? strrchr(then, '-') : NULL;
	char *now_tail = strrchr(now, '-');

	if (!tail || !now_tail || tail - then != now_tail - now ||
	    memcmp(then, now, (size_t)(tail - then)) != 0)
		return false;
	return !was_renamed(place, strtoull(tail + 1, NULL, 10));
}

/* It cannot be examined, and errno says why. */
static enum place_state look_around(int group, const char *place)
{
	int why = errno;
	autofree char *folder = parent_of(place);
	struct stat st;

	if (why != ENOENT)
		return PLACE_LOST;
	if (stat(folder, &st) == 0)
		return PLACE_GONE;
	return errno == ENOENT && was_deleted(group, place) ? PLACE_GONE : PLACE_LOST;
}

/* A user's link must still lead where the root does. */
static enum place_state judge_link(int group, const char *place)
{
	autofree char *theirs = dir_link_target(AT_FDCWD, place);

	if (!theirs)
		return errno == EINVAL ? PLACE_GONE : look_around(group, place);
	autofree char *ours = dir_link_target(group, GROUP_USER_ROOT);
	if (!ours)
		return PLACE_LOST;
	const char *a = store_path_in(theirs, strlen(theirs));
	const char *b = store_path_in(ours, strlen(ours));
	return a && b && memcmp(a, b, PATH_DIGEST_LEN) == 0 ? PLACE_THERE : PLACE_GONE;
}

enum place_state place_judge(int group, const char *place)
{
	struct stat st;

	if (faccessat(group, GROUP_USER_ROOT, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return judge_link(group, place);
	if (lstat(place, &st) < 0)
		return look_around(group, place);
	/* A result directory may be a link to a disk that is not there now. */
	return S_ISLNK(st.st_mode) && stat(place, &st) < 0 ? PLACE_LOST : PLACE_THERE;
}
