// SPDX-License-Identifier: MIT
#include "fetchers/gitexport.h"

#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "base/str.h"
#include "fetchers/git.h"
#include "fetchers/tree.h"

struct export
{
	git_repository *repo;
	git_odb *odb;
	struct tree *out;
	struct strbuf path;
	unsigned depth;
};

enum { DEPTH_LIMIT = 128 };

static int put_blob(struct export *x, const git_tree_entry *e, struct error *err)
{
	git_filemode_t mode = git_tree_entry_filemode_raw(e);
	git_odb_object *blob = NULL;

	if (git_odb_read(&blob, x->odb, git_tree_entry_id(e)) < 0)
		return git_error_make(err, ERROR_INFRA,
				      "cannot read an object of the cache");
	const char *bytes = git_odb_object_data(blob);
	size_t n = git_odb_object_size(blob);
	int failed;
	if (mode == GIT_FILEMODE_LINK) {
		failed = memchr(bytes, '\0', n)
				 ? error_make(err, "link '%s' has a bad target",
					      x->path.ptr)
				 : tree_symlink(x->out, x->path.ptr, bytes, err);
	} else {
		autoclose int fd = tree_file(x->out, x->path.ptr, mode & 0100, err);

		failed = fd < 0 ? -1 : 0;
		if (!failed && write_all(fd, bytes, n) < 0)
			failed = error_errno(err, "cannot write '%s'", x->path.ptr);
	}
	git_odb_object_free(blob);
	return failed;
}

static int put_tree(struct export *x, const git_oid *id, struct error *err);

static int put_entry(struct export *x, const git_tree_entry *e, struct error *err)
{
	const char *name = git_tree_entry_name(e);

	if (!*name || strchr(name, '/') || strcmp(name, ".") == 0 ||
	    strcmp(name, "..") == 0 || strcasecmp(name, ".git") == 0)
		return error_make(err, "the tree holds an entry named '%s'", name);
	switch (git_tree_entry_type(e)) {
	case GIT_OBJECT_TREE:
		if (tree_dir(x->out, x->path.ptr, err) < 0)
			return -1;
		return put_tree(x, git_tree_entry_id(e), err);
	case GIT_OBJECT_BLOB:
		return put_blob(x, e, err);
	case GIT_OBJECT_COMMIT:
		error_class(err, ERROR_RECIPE,
			    "'%s' is a submodule, which kbuild does not follow",
			    x->path.ptr);
		return error_hint(err, "make it an input of its own");
	default:
		return error_make(err, "'%s' is of an unknown kind", x->path.ptr);
	}
}

static int put_tree(struct export *x, const git_oid *id, struct error *err)
{
	git_tree *tree = NULL;
	size_t len = x->path.len;
	int failed = 0;

	if (x->depth++ > DEPTH_LIMIT)
		return error_make(err, "the tree is too deep at '%s'", x->path.ptr);
	if (git_tree_lookup(&tree, x->repo, id) < 0)
		return git_error_make(err, ERROR_INFRA,
				      "cannot read a tree of the cache");
	for (size_t i = 0; i < git_tree_entrycount(tree) && !failed; i++) {
		const git_tree_entry *e = git_tree_entry_byindex(tree, i);

		if (len)
			strbuf_addc(&x->path, '/');
		strbuf_adds(&x->path, git_tree_entry_name(e));
		failed = put_entry(x, e, err);
		x->path.len = len;
		if (x->path.ptr)
			x->path.ptr[len] = '\0';
	}
	git_tree_free(tree);
	x->depth--;
	return failed;
}

int git_export(git_repository *repo, const git_oid *tree, const char *dest,
	       struct error *err)
{
	autotree struct tree *out = NULL;
	struct export x = {.repo = repo};

	if (tree_create(dest, 0, &out, err) < 0)
		return -1;
	if (git_repository_odb(&x.odb, repo) < 0)
		return git_error_make(err, ERROR_INFRA, "cannot read the cache");
	x.out = out;
	strbuf_adds(&x.path, "");
	int failed = put_tree(&x, tree, err);
	git_odb_free(x.odb);
	strbuf_finish(&x.path);
	return failed;
}
