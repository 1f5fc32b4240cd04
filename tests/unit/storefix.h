/* SPDX-License-Identifier: MIT */
#pragma once
/* A store, a directory beside it, an arena and an error: what every test of a store
 * needs. */
#include <fcntl.h>
#include <sys/stat.h>

#include "store/path.h"
#include "store/store.h"
#include "store/verify.h"
#include "tests/unit/vectors.h"

struct fix {
	char *dir, *root;
	struct store *st;
	struct arena a;
	struct error err;
	struct path_info info; /* of the record that was looked up last */
};

static char *trees;

static inline int group_setup(void **state)
{
	(void)state;
	umask(022);
	trees = vectors_trees();
	return 0;
}

static inline int group_teardown(void **state)
{
	drop_dir(trees);
	return vectors_finish(state);
}

static inline int setup(void **state)
{
	struct fix *f = xcalloc(1, sizeof(*f));

	f->dir = fresh_dir();
	f->root = path_join(f->dir, "root");
	assert_done(store_open(f->root, STORE_WRITE, &f->st, &f->err), &f->err);
	*state = f;
	return 0;
}

static inline int teardown(void **state)
{
	struct fix *f = *state;

	store_close(f->st);
	arena_finish(&f->a);
	error_finish(&f->err);
	free(f->root);
	drop_dir(f->dir);
	free(f);
	return 0;
}

static inline void reopen(struct fix *f, enum store_mode mode)
{
	store_close(f->st);
	assert_done(store_open(f->root, mode, &f->st, &f->err), &f->err);
}

static inline const char *add_tree(struct fix *f, const char *tree, const char *name)
{
	autofree char *physical = xasprintf("%s/trees/%s", trees, tree);
	const struct store_add add = {.physical = physical, .name = name};
	const char *path;

	assert_done(store_add(f->st, &add, &f->a, &path, &f->err), &f->err);
	return path;
}

static inline const char *add_text(struct fix *f, const char *name, const char *text,
				   const char *const *refs, size_t n)
{
	const char *path;

	assert_done(
		store_add_text(f->st, name, str_of(text), refs, n, &f->a, &path, &f->err),
		&f->err);
	return path;
}

static inline int find(struct fix *f, const char *path)
{
	int found = store_find(f->st, path, &f->err);

	assert_done(found, &f->err);
	return found;
}

static inline struct path_info info(struct fix *f, const char *path)
{
	struct path_info i;

	assert_int_equal(store_info(f->st, path, &f->a, &i, &f->err), 1);
	return i;
}

/* A directory in scratch with one file. */
static inline char *make_output(struct fix *f, const char *name, const char *text)
{
	char *dir = path_join(store_scratch_dir(f->st), name);
	autofree char *file = path_join(dir, "file");

	assert_int_equal(mkdir(dir, 0755), 0);
	assert_done(dir_write(AT_FDCWD, file, text, strlen(text), 0644, false, &f->err),
		    &f->err);
	return dir;
}

static inline int add_root(struct store *st, const char *group, const char *name,
			   const char *path, struct error *err)
{
	const struct store_root root = {name, path};
	const struct store_group g = {
		.name = group, .place = "/nowhere", .roots = &root, .nroots = 1};

	return store_group_set(st, &g, err);
}

static inline ino_t inode(struct fix *f, const char *path)
{
	autofree char *physical = store_physical(f->st, path);
	struct stat st;

	assert_int_equal(lstat(physical, &st), 0);
	return st.st_ino;
}

/* How many paths are damaged. */
static inline size_t damaged(struct fix *f, bool contents, struct verify_report *out)
{
	const struct verify_options opt = {.contents = contents};

	assert_done(store_verify(f->st, &opt, &f->a, out, &f->err), &f->err);
	return verify_damaged(out);
}

static inline void assert_whole(struct fix *f)
{
	struct verify_report report;

	assert_int_equal(damaged(f, true, &report), 0);
}

#define STORE_TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
