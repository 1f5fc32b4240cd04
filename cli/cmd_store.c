// SPDX-License-Identifier: MIT
#include "cli/cmd_store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "base/map.h"
#include "store/path.h"

static const struct {
	const char *name, *usage;
	int least, most; /* words after the verb */
	store_verb *run;
} verbs[] = {
	{"add", "add PATH [--name NAME]", 1, 1, store_cmd_add},
	{"add-root", "add-root PATH LINK", 2, 2, store_cmd_add_root},
	{"cat", "cat PATH/FILE", 1, 1, store_cmd_cat},
	{"delete", "delete PATH ...", 1, INT_MAX, store_cmd_delete},
	{"dump", "dump PATH", 1, 1, store_cmd_dump},
	{"export", "export [--closure] PATH ... >FILE", 1, INT_MAX, store_cmd_export},
	{"gc", "gc [--dry-run] [--keep SIZE] [--older-than TIME] [--json]", 0, 0,
	 store_cmd_gc},
	{"hash", "hash PATH [--type sri|nix32|hex]", 1, 1, store_cmd_hash},
	{"import", "import [--unproven] <FILE", 0, 0, store_cmd_import},
	{"ls", "ls PATH [-R]", 1, 1, store_cmd_ls},
	{"optimise", "optimise", 0, 0, store_cmd_optimise},
	{"path-info", "path-info PATH [--json]", 1, 1, store_cmd_path_info},
	{"pull", "pull PATH ... [--from CACHE ...] [--trust KEY ...]", 1, INT_MAX,
	 store_cmd_pull},
	{"recover", "recover [--unproven] [--json]", 0, 0, store_cmd_recover},
	{"restore", "restore DIR", 1, 1, store_cmd_restore},
	{"roots", "roots [--json]", 0, 0, store_cmd_roots},
	{"sign", "sign [--key FILE] [--closure] PATH ...", 1, INT_MAX, store_cmd_sign},
	{"verify",
	 "verify [--contents] [--repair [--from CACHE ...]] [--sigs N --trust KEY ...] "
	 "[--json] [PATH ...]",
	 0, INT_MAX, store_cmd_verify},
};

static int unknown_verb(struct cli *cli, const char *word, struct error *err)
{
	const char *names[ARRAY_LEN(verbs)];
	autobuf struct strbuf all = STRBUF_INIT;

	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		names[i] = verbs[i].name;
		strbuf_printf(&all, "%s%s", i ? ", " : "", names[i]);
	}
	if (!word)
		return cli_usage(cli, err, "expected one of: %s", all.ptr);
	const char *near = word_nearest(word, names, ARRAY_LEN(names));
	if (!near)
		return cli_usage(cli, err, "unknown verb '%s', expected one of: %s", word,
				 all.ptr);
	error_class(err, ERROR_RECIPE, "unknown verb '%s'", word);
	return error_hint(err, "did you mean 'kbuild store %s'?", near);
}

static int run_verb(struct store_cmd *c, const char *word, struct error *err)
{
	for (size_t i = 0; word && i < ARRAY_LEN(verbs); i++) {
		if (strcmp(verbs[i].name, word) != 0)
			continue;
		if (c->argc < verbs[i].least || c->argc > verbs[i].most)
			return cli_usage(c->cli, err, "usage: kbuild store %s",
					 verbs[i].usage);
		return verbs[i].run(c, err);
	}
	return unknown_verb(c->cli, word, err);
}

int cmd_store(struct cli *cli, int argc, char **argv, struct error *err)
{
	struct store_cmd c = {.cli = cli, .argv = argv + 1};
	const struct cli_opt opts[] = {
		{"closure", .flag = &c.closure,
		 .help = "export, sign: with all it refers to"},
		{"contents", .flag = &c.contents, .help = "verify: read every byte too"},
		{"dry-run", 'n', .flag = &c.dry_run,
		 .help = "gc: only say what would be deleted"},
		{"from", .list = &c.from, .arg = "CACHE",
		 .help = "pull, verify: a cache: https://..., s3://... or a directory"},
		{"keep", .size = &c.keep, .arg = "SIZE",
		 .help = "gc: delete only until the store is that small"},
		{"key", .list = &c.keys, .arg = "FILE",
		 .help = "sign: a secret key; default ~/.config/kbuild/key.secret"},
		{"name", .text = &c.name, .arg = "NAME",
		 .help = "add: name of the store path"},
		{"older-than", .seconds = &c.older_s, .arg = "TIME",
		 .help = "gc: only what is older, e.g. 30d"},
		{"recursive", 'R', .flag = &c.recursive,
		 .help = "ls: everything below, too"},
		{"repair", .flag = &c.repair, .help = "verify: mend what is damaged"},
		{"sigs", .number = &c.sigs, .arg = "N",
		 .help = "verify: each path needs N signatures of trusted keys"},
		{"timeout", .seconds = &c.timeout_s, .arg = "TIME",
		 .help = "pull: how long a cache may take to answer"},
		{"trust", .list = &c.trust, .arg = "KEY",
		 .help = "pull, verify: a public key that is trusted"},
		{"type", .text = &c.type, .arg = "TYPE",
		 .help = "hash: sri, nix32 or hex"},
		{"unproven", .flag = &c.unproven,
		 .help = "import, recover: also what proves nothing by itself"},
		{0},
	};

	int rc = cli_parse(cli, opts, &argc, argv, err);

	c.argc = argc - 1;
	if (rc == 0)
		rc = run_verb(&c, argc ? argv[0] : NULL, err);
	argv_finish(&c.from);
	argv_finish(&c.keys);
	argv_finish(&c.trust);
	return rc;
}

/* --- what a user wrote ------------------------------------------------------------ */

/* What follows a directory and its slash, NULL if text does not begin so. */
static const char *below(const char *text, const char *dir)
{
	size_t n = strlen(dir);

	return strncmp(text, dir, n) == 0 && text[n] == '/' ? text + n + 1 : NULL;
}

/* `<digest>-<name>...` of anything that is a path of this machine or of the store. */
const char *store_ref_base(struct store_cmd *c, struct store *st, const char *text)
{
	const char *base = below(text, STORE_DIR);

	if (!base)
		base = below(text, store_physical_dir(st));
	if (!base && strchr("/.", *text) == NULL && access(text, F_OK) < 0)
		return text;
	if (!base) {
		autofree char *real = path_absolute(text);

		base = real ? below(real, store_physical_dir(st)) : NULL;
		base = base ? arena_strdup(&c->cli->arena, base) : NULL;
	}
	return base ? base : text;
}

int store_ref_parse(struct store_cmd *c, struct store *st, const char *text,
		    struct store_ref *out, struct error *err)
{
	struct arena *a = &c->cli->arena;
	const char *base = store_ref_base(c, st, text);
	size_t len = strcspn(base, "/");
	char *head = arena_strndup(a, base, len);
	int found = 0;

	out->sub = base + len + strspn(base + len, "/");
	out->path = arena_printf(a, STORE_DIR "/%s", head);
	if (path_ok(out->path))
		found = store_find(st, out->path, err);
	else if (len <= PATH_DIGEST_LEN)
		found = store_find_digest(st, head, a, &out->path, err);
	if (found < 0)
		return -1;
	if (found)
		return 0;
	return error_class(err, ERROR_RECIPE,
			   "'%s' is not a valid path of the store at %s", text,
			   store_root(st));
}

const char **store_named_paths(struct store_cmd *c, struct store *st, struct error *err)
{
	const char **paths = arena_array(&c->cli->arena, c->argc + 1, const char *);

	for (int i = 0; i < c->argc; i++) {
		struct store_ref ref;

		if (store_ref_parse(c, st, c->argv[i], &ref, err) == 0)
			paths[i] = ref.path;
	}
	return error_is_set(err) ? NULL : paths;
}

int store_ref_open(struct store *st, const struct store_ref *ref, int flags,
		   struct error *err)
{
	autoclose int root = open(store_root(st), O_PATH | O_DIRECTORY | O_CLOEXEC);
	autofree char *path =
		xasprintf("%s%s%s", ref->path, *ref->sub ? "/" : "", ref->sub);

	if (root < 0)
		return error_errno(err, "cannot open %s", store_root(st));
	int fd = dir_open_inside(root, path, flags);
	return fd < 0 ? error_errno(err, "cannot open %s", path) : fd;
}
