// SPDX-License-Identifier: MIT
/* Permanent and temporary roots, as Nix has them, and the groups of kbuild. */
#include "store/liveroots.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "base/log.h"
#include "store/internal.h"
#include "store/lock.h"
#include "store/path.h"
#include "store/place.h"

const char *store_path_in(const char *text, size_t len)
{
	static const char dir[] = STORE_DIR "/";
	const char *end = text + len;

	while ((text = memmem(text, (size_t)(end - text), dir, sizeof(dir) - 1))) {
		text += sizeof(dir) - 1;
		if (end - text > PATH_DIGEST_LEN && text[PATH_DIGEST_LEN] == '-')
			return text;
	}
	return NULL;
}

void live_add(struct live *l, const struct gc_root *root)
{
	int32_t node = reach_find(l->reach, root->path + PATH_PREFIX_LEN);
	struct gc_root *r;

	if (node < 0)
		return;
	r = &ARENA_PUSH(l->a, l->v, l->n, l->cap);
	*r = *root;
	r->path = l->reach->v[node].path;
}

/* --- temporary -------------------------------------------------------------------- */

static void read_temproots(struct live *l, const char *name, struct str bytes,
			   struct live_temp **out, size_t *n, size_t *cap)
{
	/* Each ends with a NUL; what follows the last one is being written now. */
	while (memchr(bytes.ptr, '\0', bytes.len)) {
		struct str path = str_cut(&bytes, '\0');
		char *text = arena_strndup(l->a, path.ptr, path.len);

		if (path_ok(text))
			ARENA_PUSH(l->a, *out, *n, *cap) =
				(struct live_temp){text, (pid_t)atol(name)};
	}
}

/* 1: its owner is gone. */
static int stale(struct live *l, int dir, const char *name, int fd, struct error *err)
{
	int got = lock_take(fd, true, false, err);

	if (got == 1 && l->tidy)
		unlock_path(dir, name, dup(fd));
	else if (got == 1)
		lock_drop(fd);
	return got;
}

int live_temporary(struct live *l, struct live_temp **out, size_t *n, struct error *err)
{
	autoclose int dir =
		openat(l->st->statefd, "temproots", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoargv struct argv names = {0};
	size_t cap = 0;

	*out = NULL;
	*n = 0;
	if (dir < 0 && errno == ENOENT)
		return 0;
	if (dir < 0)
		return error_errno(err, "cannot read the temporary roots");
	if (dir_names(dir, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		autobuf struct strbuf bytes = STRBUF_INIT;
		autoclose int fd =
			openat(dir, names.v[i],
			       (l->tidy ? O_RDWR : O_RDONLY) | O_NOFOLLOW | O_CLOEXEC);

		if (*names.v[i] == '.' || (fd < 0 && errno == ENOENT))
			continue;
		if (fd < 0)
			return error_errno(err, "cannot read the temporary roots of %s",
					   names.v[i]);
		int gone = stale(l, dir, names.v[i], fd, err);
		if (gone < 0)
			return -1;
		if (gone)
			continue;
		if (read_all(fd, SIZE_MAX / 2, &bytes, err) < 0)
			return error_wrap(err, "in the temporary roots of %s",
					  names.v[i]);
		read_temproots(l, names.v[i], (struct str){bytes.ptr, bytes.len}, out, n,
			       &cap);
	}
	return 0;
}

/* --- permanent -------------------------------------------------------------------- */

/* "/nix/store/DIGEST..." of a link's target, NULL if it leads elsewhere. */
static const char *target_path(struct live *l, const char *target)
{
	const char *digest = store_path_in(target, strlen(target));

	return digest ? arena_printf(l->a, STORE_DIR "/%s", digest) : NULL;
}

static int take_link(struct live *l, int dir, const char *name, const char *shown,
		     const char *target, struct error *err)
{
	const char *path = target_path(l, target);
	struct gc_root root = {.kind = GC_ROOT_LINK, .path = path};

	root.from = arena_printf(l->a, "%s/%s", l->st->state, shown);
	if (path) {
		live_add(l, &root);
		return 0;
	}
	const char *slash = strrchr(root.from, '/');
	root.kind = GC_ROOT_INDIRECT;
	root.place = *target == '/'
			     ? arena_strdup(l->a, target)
			     : arena_printf(l->a, "%.*s/%s", (int)(slash - root.from),
					    root.from, target);
	autofree char *second = dir_link_target(AT_FDCWD, root.place);
	if (second) {
		root.path = target_path(l, second);
		if (root.path)
			live_add(l, &root);
		return 0;
	}
	bool stale = errno == ENOENT && str_starts(shown, "gcroots/auto/");
	if (stale && l->tidy) {
		log_say(LOG_INFO, "%s is gone, and its root with it", root.place);
		unlinkat(dir, name, 0);
	}
	return stale || errno == EINVAL || errno == ENOENT || errno == ENOTDIR ||
			       errno == EACCES
		       ? 0
		       : error_errno(err, "cannot read the root %s", root.place);
}

static int walk(struct live *l, int parent, const char *name, const char *shown,
		struct error *err);

static int take_name(struct live *l, int dir, const char *name, const char *shown,
		     struct error *err)
{
	autofree char *target = dir_link_target(dir, name);
	struct gc_root root = {.kind = GC_ROOT_FILE};
	struct stat st;

	if (target)
		return take_link(l, dir, name, shown, target, err);
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : error_errno(err, "cannot examine %s", shown);
	if (S_ISDIR(st.st_mode))
		return walk(l, dir, name, shown, err);
	root.path = arena_printf(l->a, STORE_DIR "/%s", name);
	root.from = arena_printf(l->a, "%s/%s", l->st->state, shown);
	if (path_ok(root.path))
		live_add(l, &root);
	return 0;
}

/* --- groups ----------------------------------------------------------------------- */

static int take_group(struct live *l, int parent, const char *name, const char *shown,
		      int group, const char *place, struct error *err)
{
	bool user = faccessat(group, GROUP_USER_ROOT, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	enum place_state state = place_judge(group, place);
	autoargv struct argv names = {0};

	if (state == PLACE_GONE) {
		if (!l->tidy)
			return 0;
		log_say(LOG_INFO, "%s is gone, and its roots with it", place);
		return dir_remove(parent, name, err);
	}
	if (dir_names(group, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		autofree char *target = dir_link_target(group, names.v[i]);

		if (!target && errno != EINVAL && errno != ENOENT)
			return error_errno(err, "cannot read the root %s/%s", shown,
					   names.v[i]);
		const char *path = target ? target_path(l, target) : NULL;
		if (!path || strcmp(names.v[i], GROUP_PLACE) == 0)
			continue;
		live_add(l, &(struct gc_root){
				    .kind = user ? GC_ROOT_USER : GC_ROOT_RECIPE,
				    .path = path,
				    .from = arena_printf(l->a, "%s/%s/%s", l->st->state,
							 shown, names.v[i]),
				    .place = arena_strdup(l->a, place),
				    .lost = state == PLACE_LOST,
			    });
	}
	return 0;
}

static int walk(struct live *l, int parent, const char *name, const char *shown,
		struct error *err)
{
	autoclose int dir =
		openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	autoargv struct argv names = {0};

	if (dir < 0)
		return errno == ENOENT ? 0 : error_errno(err, "cannot open %s", shown);
	if (str_starts(shown, "gcroots/kbuild/")) {
		autofree char *place = dir_link_target(dir, GROUP_PLACE);

		if (place)
			return take_group(l, parent, name, shown, dir, place, err);
	}
	if (dir_names(dir, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		autofree char *deeper = path_join(shown, names.v[i]);

		if (take_name(l, dir, names.v[i], deeper, err) < 0)
			return -1;
	}
	return 0;
}

int live_permanent(struct live *l, struct error *err)
{
	if (walk(l, l->st->statefd, "gcroots", "gcroots", err) < 0 ||
	    walk(l, l->st->statefd, "profiles", "profiles", err) < 0)
		return error_wrap(err, "while looking for roots");
	return 0;
}
