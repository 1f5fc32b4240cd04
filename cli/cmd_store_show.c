// SPDX-License-Identifier: MIT
/* kbuild store path-info, ls, cat: looking at what is there. */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "cli/cmd_store.h"
#include "store/path.h"

/* --- path-info -------------------------------------------------------------------- */

static void add_text(struct json_object *o, const char *key, const char *text)
{
	json_object_object_add(o, key, text ? json_object_new_string(text) : NULL);
}

static void add_list(struct json_object *o, const char *key, const char **v, size_t n)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < n; i++)
		json_object_array_add(list, json_object_new_string(v[i]));
	json_object_object_add(o, key, list);
}

static void print_json(struct store *st, const struct path_info *info, struct arena *a)
{
	struct json_object *o = json_object_new_object();
	autofree char *physical = store_physical(st, info->path);

	add_text(o, "path", info->path);
	add_text(o, "physical", physical);
	add_text(o, "narHash", hash_sri(a, &info->nar));
	json_object_object_add(o, "narSize", json_object_new_uint64(info->nar_size));
	add_list(o, "references", info->refs, info->nrefs);
	add_text(o, "deriver", info->deriver);
	add_text(o, "ca", info->ca);
	add_list(o, "signatures", info->sigs, info->nsigs);
	json_object_object_add(o, "registrationTime",
			       json_object_new_int64(info->registered));
	json_object_object_add(o, "ultimate", json_object_new_boolean(info->ultimate));
	printf("%s\n",
	       json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
							 JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
}

static void print_text(struct store *st, const struct path_info *info, struct arena *a)
{
	autofree char *physical = store_physical(st, info->path);

	printf("path        %s\n", info->path);
	printf("physical    %s\n", physical);
	printf("hash        %s\n", hash_sri(a, &info->nar));
	printf("size        %ju\n", (uintmax_t)info->nar_size);
	if (info->ca)
		printf("ca          %s\n", info->ca);
	if (info->deriver)
		printf("deriver     %s\n", info->deriver);
	for (size_t i = 0; i < info->nsigs; i++)
		printf("signature   %s\n", info->sigs[i]);
	for (size_t i = 0; i < info->nrefs; i++)
		printf("reference   %s\n", info->refs[i]);
}

int store_cmd_path_info(struct store_cmd *c, struct error *err)
{
	struct arena *a = &c->cli->arena;
	autostore struct store *st = NULL;
	struct store_ref ref;
	struct path_info info;

	if (cli_open_store(c->cli, STORE_READ, &st, err) < 0 ||
	    store_ref_parse(c, st, c->argv[0], &ref, err) < 0 ||
	    store_info(st, ref.path, a, &info, err) < 0)
		return -1;
	(c->cli->json ? print_json : print_text)(st, &info, a);
	return EXIT_DONE;
}

/* --- ls -------------------------------------------------------------------------- */

static void print_node(int dir, const char *name, const char *shown,
		       const struct stat *st)
{
	char target[PATH_MAX];
	ssize_t n;

	if (S_ISDIR(st->st_mode)) {
		printf("dr-xr-xr-x %12s %s\n", "-", shown);
	} else if (S_ISLNK(st->st_mode)) {
		n = readlinkat(dir, name, target, sizeof(target));
		printf("lrwxrwxrwx %12s %s -> %.*s\n", "-", shown, n < 0 ? 0 : (int)n,
		       target);
	} else {
		printf("%s %12ju %s\n",
		       st->st_mode & S_IXUSR ? "-r-xr-xr-x" : "-r--r--r--",
		       (uintmax_t)st->st_size, shown);
	}
}

static int list(int dir, const char *prefix, bool recursive, struct error *err)
{
	autoargv struct argv names = {0};

	if (dir_names(dir, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		autofree char *shown = xasprintf("%s%s", prefix, names.v[i]);
		struct stat st;

		if (fstatat(dir, names.v[i], &st, AT_SYMLINK_NOFOLLOW) < 0)
			return error_errno(err, "cannot examine %s", shown);
		print_node(dir, names.v[i], shown, &st);
		if (!recursive || !S_ISDIR(st.st_mode))
			continue;
		autoclose int sub = openat(
			dir, names.v[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (sub < 0)
			return error_errno(err, "cannot open %s", shown);
		autofree char *deeper = xasprintf("%s/", shown);
		if (list(sub, deeper, recursive, err) < 0)
			return -1;
	}
	return 0;
}

int store_cmd_ls(struct store_cmd *c, struct error *err)
{
	autostore struct store *st = NULL;
	struct store_ref ref;
	struct stat s;

	if (cli_open_store(c->cli, STORE_READ, &st, err) < 0 ||
	    store_ref_parse(c, st, c->argv[0], &ref, err) < 0)
		return -1;
	autoclose int fd = store_ref_open(st, &ref, O_RDONLY, err);
	if (fd < 0)
		return -1;
	if (fstat(fd, &s) < 0)
		return error_errno(err, "cannot examine %s", c->argv[0]);
	if (S_ISDIR(s.st_mode))
		return list(fd, "", c->recursive, err) < 0 ? -1 : EXIT_DONE;
	print_node(fd, "", *ref.sub ? ref.sub : path_name(ref.path), &s);
	return EXIT_DONE;
}

/* --- cat ------------------------------------------------------------------------- */

int store_cmd_cat(struct store_cmd *c, struct error *err)
{
	autostore struct store *st = NULL;
	struct store_ref ref;
	char buf[64 * 1024];
	ssize_t n;

	if (cli_open_store(c->cli, STORE_READ, &st, err) < 0 ||
	    store_ref_parse(c, st, c->argv[0], &ref, err) < 0)
		return -1;
	autoclose int fd = store_ref_open(st, &ref, O_RDONLY, err);
	if (fd < 0)
		return -1;
	while ((n = read(fd, buf, sizeof(buf))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(err, "cannot read %s", c->argv[0]);
		if (write_all(STDOUT_FILENO, buf, (size_t)n) < 0)
			return error_errno(err, "cannot write to standard output");
	}
	return EXIT_DONE;
}
