// SPDX-License-Identifier: MIT
/* `init`: a working recipe and the module beside it, copied from DATA/examples. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "base/map.h"
#include "base/str.h"
#include "cli/cmd.h"

struct copy {
	int from, to;        /* directories */
	struct argv folders; /* relative paths, parents first */
	struct argv files;
};

/* What using a recipe leaves beside it is no part of a template. */
static bool is_part(int dir, const char *name)
{
	autofree char *clone = path_join(name, ".git");

	return strcmp(name, "result") != 0 && name[0] != '.' &&
	       !str_ends(name, ".lock") &&
	       faccessat(dir, clone, F_OK, AT_SYMLINK_NOFOLLOW) < 0;
}

static int list_tree(struct copy *c, const char *path, struct error *err)
{
	autoclose int dir = openat(c->from, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoargv struct argv names = {0};

	if (dir < 0)
		return error_errno(err, "cannot open the template's %s", path);
	if (dir_names(dir, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		bool top = strcmp(path, ".") == 0;
		autofree char *below =
			top ? xstrdup(names.v[i]) : path_join(path, names.v[i]);
		struct stat st;

		if (!is_part(dir, names.v[i]))
			continue;
		if (fstatat(c->from, below, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return error_errno(err, "cannot read the template's %s", below);
		if (S_ISREG(st.st_mode))
			argv_push(&c->files, below);
		if (!S_ISDIR(st.st_mode))
			continue;
		argv_push(&c->folders, below);
		if (list_tree(c, below, err) < 0)
			return -1;
	}
	return 0;
}

/* All or nothing: every file that is in the way is named before anything is written. */
static int refuse_existing(const struct copy *c, const char *template, const char *where,
			   struct error *err)
{
	struct stat st;

	for (size_t i = 0; i < c->files.n; i++) {
		if (fstatat(c->to, c->files.v[i], &st, AT_SYMLINK_NOFOLLOW) < 0 &&
		    errno == ENOENT)
			continue;
		error_class(err, ERROR_RECIPE, "%s/%s exists already", where,
			    c->files.v[i]);
	}
	if (!error_is_set(err))
		return 0;
	return error_hint(err,
			  "nothing was written; name another folder: kbuild init %s DIR",
			  template);
}

static int copy_files(const struct copy *c, struct error *err)
{
	for (size_t i = 0; i < c->folders.n; i++)
		if (dir_make(c->to, c->folders.v[i], 0777, err) < 0)
			return -1;
	for (size_t i = 0; i < c->files.n; i++) {
		autobuf struct strbuf text = STRBUF_INIT;
		struct stat st;

		if (dir_read(c->from, c->files.v[i], &text, err) < 0)
			return -1;
		if (fstatat(c->from, c->files.v[i], &st, 0) < 0)
			return error_errno(err, "cannot read the template's %s",
					   c->files.v[i]);
		if (dir_write(c->to, c->files.v[i], text.ptr, text.len,
			      st.st_mode & 0100 ? 0777 : 0666, false, err) < 0)
			return -1;
	}
	return 0;
}

static int unknown_template(int examples, const char *word, struct error *err)
{
	autoargv struct argv all = {0};
	autobuf struct strbuf known = STRBUF_INIT;
	const char *words[32];
	size_t n = 0;

	if (dir_names(examples, &all, err) < 0)
		return -1;
	for (size_t i = 0; i < all.n && n < ARRAY_LEN(words); i++) {
		autofree char *recipe = path_join(all.v[i], "recipe.yaml");

		if (faccessat(examples, recipe, R_OK, 0) < 0)
			continue;
		strbuf_printf(&known, "%s%s", n ? ", " : "", all.v[i]);
		words[n++] = all.v[i];
	}
	error_class(err, ERROR_RECIPE, "there is no template '%s'", word);
	const char *near = word_nearest(word, words, n);
	if (near)
		return error_hint(err, "did you mean '%s'?", near);
	return error_hint(err, "templates: %s", known.ptr ? known.ptr : "none");
}

static int init_from(struct copy *c, const char *template, const char *where,
		     struct error *err)
{
	if (list_tree(c, ".", err) < 0)
		return -1;
	if (dir_make(AT_FDCWD, where, 0777, err) < 0)
		return -1;
	c->to = open(where, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (c->to < 0)
		return error_errno(err, "cannot open %s", where);
	if (refuse_existing(c, template, where, err) < 0 || copy_files(c, err) < 0)
		return -1;
	for (size_t i = 0; i < c->files.n; i++)
		printf("%s/%s\n", where, c->files.v[i]);
	fprintf(stderr, "wrote template %s; next: kbuild realize %s/recipe.yaml\n",
		template, where);
	return EXIT_DONE;
}

int cmd_init(struct cli *cli, int argc, char **argv, struct error *err)
{
	const struct cli_opt opts[] = {{0}};
	struct copy c = {.from = -1, .to = -1};

	if (cli_parse(cli, opts, &argc, argv, err) < 0)
		return -1;
	if (argc > 2)
		return cli_usage(cli, err, "expected a template and a folder");
	if (cli_find_data(cli, err) < 0)
		return -1;
	const char *template = argc > 0 ? argv[0] : "hello",
		   *where = argc > 1 ? argv[1] : ".";
	autofree char *path = path_join(cli->data_dir, "examples");
	autoclose int examples = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (examples < 0)
		return error_errno(err, "cannot open the templates in %s", path);
	autofree char *recipe = xasprintf("%s/recipe.yaml", template);
	if (strchr(template, '/') || faccessat(examples, recipe, R_OK, 0) < 0)
		return unknown_template(examples, template, err);
	c.from = openat(examples, template, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = c.from < 0 ? error_errno(err, "cannot open the template %s", template)
			    : init_from(&c, template, where, err);
	if (c.from >= 0)
		close(c.from);
	if (c.to >= 0)
		close(c.to);
	argv_finish(&c.folders);
	argv_finish(&c.files);
	return rc;
}
