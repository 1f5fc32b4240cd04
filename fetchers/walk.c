// SPDX-License-Identifier: MIT
#include "fetchers/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "fetchers/glob.h"
#include "fetchers/ignore.h"

enum {
	DEPTH_LIMIT = 62, /* what an archive of the store can hold */
	ROUNDS = 8,
};

/* A change within this time of another may carry the same stamp: the kernel's clock tick,
 * or the resolution of file systems that count whole seconds. */
static const int64_t TICK_NS = 15000000, COARSE_NS = 2100000000;

struct walker {
	struct walk *w;
	struct ignore rules;
	const char *prefix; /* of the tree below the repository's top, "" or "a/b/" */
	struct globs include, exclude;
	struct strbuf path; /* relative to the tree */
	unsigned depth;
};

static void add(struct walk *w, const char *name, enum treefile_kind kind,
		const struct stat *st)
{
	if (w->n == w->cap) {
		w->cap = w->cap ? w->cap * 2 : 256;
		w->entries = xreallocarray(w->entries, w->cap, sizeof(*w->entries));
	}
	struct treefile_entry *e = &w->entries[w->n++];
	*e = (struct treefile_entry){.kind = kind, .name = (uint32_t)w->names.len};
	if (st)
		treefile_fill(e, st);
	strbuf_add(&w->names, name, strlen(name) + 1);
}

/* --- rules ----------------------------------------------------------------- */

static bool ignored(const struct walker *k, bool is_dir)
{
	if (!k->rules.n)
		return false;
	if (!*k->prefix)
		return ignore_match(&k->rules, k->path.ptr, is_dir);
	autofree char *path = xasprintf("%s%s", k->prefix, k->path.ptr);
	return ignore_match(&k->rules, path, is_dir);
}

/*
 * The rules of a directory of the tree join in. They are watched as well: they speak even
 * where another rule leaves them out.
 */
static int push_rules(struct walker *k, int dir, size_t *mark, struct error *err)
{
	autofree char *at = xasprintf("%s%s", k->prefix, k->path.ptr);
	size_t len = k->path.len, n = strlen(at);
	autobuf struct strbuf text = STRBUF_INIT;
	struct stat st;

	*mark = k->rules.n;
	if (fstatat(dir, ".gitignore", &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISREG(st.st_mode))
		return 0;
	if (dir_read(dir, ".gitignore", &text, err) < 0)
		return error_wrap(err, "in %s/%s", k->w->physical, k->path.ptr);
	strbuf_printf(&k->path, "%s.gitignore", len ? "/" : "");
	add(k->w, k->path.ptr, TREEFILE_WATCH, &st);
	k->path.len = len;
	k->path.ptr[len] = '\0';
	if (n && at[n - 1] == '/')
		at[n - 1] = '\0';
	ignore_push(&k->rules, (struct str){text.ptr, text.len}, at);
	return 0;
}

/* --- the walk -------------------------------------------------------------- */

static int walk_dir(struct walker *k, int dir, bool included, bool *any,
		    struct error *err);

static int sub_dir(struct walker *k, int parent, const char *name, const struct stat *st,
		   bool included, bool *any, struct error *err)
{
	size_t index = k->w->n;
	bool inside = false;
	autoclose int fd =
		openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return error_errno(err, "cannot open %s", k->path.ptr);
	add(k->w, k->path.ptr, TREEFILE_MEMBER, st);
	if (walk_dir(k, fd, included, &inside, err) < 0)
		return -1;
	if (inside) {
		map_set(&k->w->members, k->path.ptr, k->w);
		*any = true;
	} else {
		k->w->entries[index].kind = TREEFILE_WATCH;
	}
	return 0;
}

static int entry(struct walker *k, int dir, const char *name, bool included, bool *any,
		 struct error *err)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, "cannot look at %s", k->path.ptr);
	if (globs_match(&k->exclude, k->path.ptr) || ignored(k, S_ISDIR(st.st_mode)))
		return 0;
	included = included || globs_match(&k->include, k->path.ptr);
	if (S_ISDIR(st.st_mode))
		return sub_dir(k, dir, name, &st, included, any, err);
	if (!included)
		return 0;
	if (!S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode)) {
		error_class(err, ERROR_RECIPE,
			    "%s/%s is neither file, directory nor link", k->w->physical,
			    k->path.ptr);
		return error_hint(err, "exclude: leaves it out");
	}
	add(k->w, k->path.ptr, TREEFILE_MEMBER, &st);
	map_set(&k->w->members, k->path.ptr, k->w);
	*any = true;
	return 0;
}

/* *any: the directory has a member, or it is empty and may stay. */
static int walk_dir(struct walker *k, int dir, bool included, bool *any,
		    struct error *err)
{
	autoargv struct argv names = {0};
	size_t len = k->path.len, mark;

	if (k->depth++ >= DEPTH_LIMIT)
		return error_class(err, ERROR_RECIPE, "%s/%s is too deep", k->w->physical,
				   k->path.ptr);
	if (dir_names(dir, &names, err) < 0)
		return error_wrap(err, "in %s/%s", k->w->physical, k->path.ptr);
	*any = names.n == 0 && included;
	if (push_rules(k, dir, &mark, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		if (strcmp(names.v[i], ".git") == 0)
			continue;
		strbuf_printf(&k->path, "%s%s", len ? "/" : "", names.v[i]);
		int failed = entry(k, dir, names.v[i], included, any, err);
		k->path.len = len;
		k->path.ptr[len] = '\0';
		if (failed)
			return -1;
	}
	ignore_pop(&k->rules, mark);
	k->depth--;
	return 0;
}

/* --- the repository around it ---------------------------------------------- */

static void guard(struct walk *w, const char *path)
{
	struct stat st;

	/* of a .git only its presence matters: it changes all the time */
	if (lstat(path, &st) < 0)
		add(w, path, TREEFILE_GUARD, NULL);
	else if (!str_ends(path, "/.git"))
		add(w, path, TREEFILE_GUARD, &st);
}

/* The nearest directory at or above `dir` that has a .git (free it), or NULL. */
static char *find_top(struct walk *w, const char *dir)
{
	autofree char *at = xstrdup(dir);

	for (;;) {
		autofree char *git = path_join(at, ".git");
		autofree char *rules = path_join(at, ".gitignore");
		bool top = access(git, F_OK) == 0;

		guard(w, git);
		if (strcmp(at, dir) != 0)
			guard(w, rules);
		if (top)
			return take_ptr(&at);
		char *slash = strrchr(at, '/');
		if (!slash || !at[1])
			return NULL;
		slash[slash == at] = '\0';
	}
}

/* Every .gitignore from the repository's top down to the tree's parent. */
static int push_above(struct walker *k, const char *top, const char *tree,
		      struct error *err)
{
	autofree char *at = xstrdup(tree);
	size_t start = strlen(top);

	for (size_t n = start; n < strlen(tree);) {
		autobuf struct strbuf text = STRBUF_INIT;

		at[n] = '\0';
		autofree char *file = xasprintf("%s/.gitignore", at);
		if (access(file, F_OK) == 0 && dir_read(AT_FDCWD, file, &text, err) < 0)
			return -1;
		ignore_push(&k->rules, (struct str){text.ptr, text.len},
			    n > start ? at + start + 1 : "");
		at[n] = tree[n];
		n += 1 + strcspn(tree + n + 1, "/");
	}
	return 0;
}

/* The tree itself, or a directory above it, is ignored by its repository. */
static bool wholly_ignored(const struct walker *k)
{
	autofree char *path = xstrdup(k->prefix);

	for (char *s = path; (s = strchr(s, '/')); *s++ = '/') {
		*s = '\0';
		if (ignore_match(&k->rules, path, true))
			return true;
	}
	return false;
}

/* What holds above the tree; nothing, if that leaves out the tree as a whole. */
static int rules_above(struct walker *k, char **prefix, struct error *err)
{
	const char *physical = k->w->physical;
	autofree char *top = find_top(k->w, physical);

	k->prefix = "";
	if (!top || strcmp(top, physical) == 0)
		return 0;
	if (!top[1]) /* a repository at "/": lengths count without the slash */
		*top = '\0';
	*prefix = xasprintf("%s/", physical + strlen(top) + 1);
	k->prefix = *prefix;
	if (push_above(k, top, physical, err) < 0)
		return -1;
	if (wholly_ignored(k)) {
		ignore_pop(&k->rules, 0);
		k->prefix = "";
	}
	return 0;
}

static int walk_tree(struct walk *w, int fd, bool no_catch_all, struct error *err)
{
	struct walker k = {
		.w = w, .path = STRBUF_INIT, .rules.no_catch_all = no_catch_all};
	autofree char *prefix = NULL;
	bool any = false;

	globs_add(&k.include, w->include);
	globs_add(&k.exclude, w->exclude);
	k.include.by_name = k.exclude.by_name = true;
	strbuf_adds(&k.path, "");
	int failed = rules_above(&k, &prefix, err);
	if (!failed)
		failed = walk_dir(&k, fd, k.include.patterns.n == 0, &any, err);
	ignore_finish(&k.rules);
	globs_finish(&k.include);
	globs_finish(&k.exclude);
	strbuf_finish(&k.path);
	return failed;
}

static int start(struct walk *w, struct stat *st, struct error *err)
{
	walk_finish(w);
	if (lstat(w->physical, st) < 0)
		return error_class(err, ERROR_RECIPE, "cannot open %s: %s", w->physical,
				   strerror(errno));
	add(w, ".", TREEFILE_MEMBER, st);
	map_set(&w->members, ".", w);
	return 0;
}

static int once(struct walk *w, struct error *err)
{
	struct stat st;

	if (start(w, &st, err) < 0)
		return -1;
	if (S_ISREG(st.st_mode))
		return 0;
	autoclose int fd = open(w->physical, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, "cannot open %s", w->physical);
	if (walk_tree(w, fd, false, err) < 0)
		return -1;
	if (w->members.n > 1)
		return 0;
	/*
	 * Nothing is left. Kernel sources as Debian packages them end their .gitignore
	 * with a rule that hides the whole tree from git; that is not meant for us.
	 */
	return start(w, &st, err) < 0 ? -1 : walk_tree(w, fd, true, err);
}

/* --- times ----------------------------------------------------------------- */

/* How long until a further change could not carry a stamp that was seen; 0: it is so. */
static int64_t unsettled_ns(struct walk *w)
{
	int64_t newest = 0, tick = COARSE_NS;
	struct timespec t;

	for (size_t i = 0; i < w->n; i++) {
		if (w->entries[i].ctime_ns > newest)
			newest = w->entries[i].ctime_ns;
		if (w->entries[i].ctime_ns % 1000000000)
			tick = TICK_NS;
	}
	clock_gettime(CLOCK_REALTIME, &t);
	int64_t now = t.tv_sec * 1000000000 + t.tv_nsec;
	w->untrusted = newest > now + COARSE_NS;
	if (w->untrusted || newest + tick <= now)
		return 0;
	return newest + tick - now;
}

int walk_run(struct walk *w, struct error *err)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		if (once(w, err) < 0)
			return -1;
		int64_t ns = unsettled_ns(w);
		if (!ns)
			return 0;
		struct timespec t = {ns / 1000000000, ns % 1000000000};
		nanosleep(&t, NULL);
	}
	w->untrusted = true; /* somebody writes all the time */
	return 0;
}

bool walk_unchanged(const struct walk *w)
{
	autoclose int fd = open(w->physical, O_PATH | O_DIRECTORY | O_CLOEXEC);

	for (size_t i = 0; i < w->n; i++) {
		const struct treefile_entry *e = &w->entries[i];
		const char *name = w->names.ptr + e->name;
		struct stat st;

		if (strcmp(name, ".") == 0)
			name = w->physical;
		if (fstatat(fd < 0 ? AT_FDCWD : fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
			if (e->kind != TREEFILE_GUARD || e->mode)
				return false;
		} else if (!treefile_same(e, &st)) {
			return false;
		}
	}
	return true;
}

void walk_finish(struct walk *w)
{
	free(w->entries);
	w->entries = NULL;
	w->n = w->cap = 0;
	strbuf_finish(&w->names);
	map_finish(&w->members);
	w->members = (struct map){0};
	w->names = STRBUF_INIT;
}
