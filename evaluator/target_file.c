// SPDX-License-Identifier: MIT
#include "evaluator/target_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/dir.h"
#include "evaluator/checks.h"
#include "evaluator/findings.h"
#include "evaluator/schema.h"
#include "evaluator/yaml.h"
#include "module/vermagic.h"

/* --- what it looks like ---------------------------------------------------------------
 */

static int check_format(const struct node *n, struct error *err)
{
	if (strcmp(n->text, "1") == 0)
		return 0;
	error_at(err, n->at, "expected version 1 of target files, found '%s'", n->text);
	return error_hint(err, "a newer kbuild may know it");
}

static int check_release(const struct node *n, struct error *err)
{
	struct release r;

	if (check_line(n, err) < 0)
		return -1;
	if (release_split(n->text, &r))
		return 0;
	error_at(err, n->at, "expected a release such as 5.4.20-sunxi, found '%s'",
		 n->text);
	return error_hint(err, "it is what `uname -r` prints there");
}

static int check_machine(const struct node *n, struct error *err)
{
	size_t nwords;
	const char *const *words = arch_words(&nwords);

	if (arch_find(n->text))
		return 0;
	error_at(err, n->at, "unknown architecture '%s'", n->text);
	return findings_suggest(err, n->text, words, nwords);
}

static const struct schema_key keys[] = {
	{"target", true, {.type = TYPE_TEXT, .check = check_format}},
	{"release", true, {.type = TYPE_TEXT, .check = check_release}},
	{"arch", true, {.type = TYPE_TEXT, .check = check_machine}},
	{"vermagic", false, {.type = TYPE_TEXT, .check = check_line}},
	{"uname", false, {.type = TYPE_TEXT, .check = check_line}},
	{"compiler", false, {.type = TYPE_TEXT, .check = check_line}},
	{"config", false, {.type = TYPE_TEXT, .check = check_line}},
	{"symvers", false, {.type = TYPE_TEXT, .check = check_line}},
	{"exports", false, {.type = TYPE_TEXT, .check = check_line}},
	{"btf", false, {.type = TYPE_TEXT, .check = check_line}},
	{"sig_enforce", false, {.type = TYPE_BOOL}},
};
static const struct schema schema = SECTION(keys);

/* --- reading it -----------------------------------------------------------------------
 */

struct span target_file_at(const struct target_file *t, const char *key)
{
	const struct node *n = node_get(t->checked, key);

	return n ? n->at : (struct span){t->src, 0, 0};
}

/* The absolute path of a file that is named; NULL when none is, or after a finding. */
static const char *file_of(const struct target_file *t, const char *key, struct arena *a,
			   struct error *err)
{
	const struct node *n = node_get(t->checked, key);
	struct stat st;

	if (!n)
		return NULL;
	const char *name = str_starts(n->text, "./") ? n->text + 2 : n->text;
	const char *path = *name == '/' ? name : arena_printf(a, "%s/%s", t->dir, name);
	if (stat(path, &st) < 0)
		error_at(err, n->at, "%s: cannot open '%s': %s", key, n->text,
			 strerror(errno));
	else if (!S_ISREG(st.st_mode))
		error_at(err, n->at, "%s: '%s' is not a file", key, n->text);
	else
		return path;
	return NULL;
}

/* Both are of one kernel: whoever wrote the one by hand forgot the other. */
static int check_vermagic(const struct target_file *t, struct error *err)
{
	struct str release;

	if (!t->vermagic)
		return 0;
	release = vermagic_split(str_of(t->vermagic)).part[VERMAGIC_RELEASE];
	if (str_is(release, t->release))
		return 0;
	error_at(err, target_file_at(t, "vermagic"), "vermagic is of %.*s, release is %s",
		 (int)release.len, release.ptr, t->release);
	return error_hint(err, "both are of one kernel; kbuild probe writes both");
}

static int take(struct target_file *t, struct arena *a, struct error *err)
{
	t->release = node_text(t->checked, "release");
	release_split(t->release, &t->parts); /* the schema has seen that it is one */
	t->arch = arch_find(node_text(t->checked, "arch"));
	t->vermagic = node_text(t->checked, "vermagic");
	t->uname = node_text(t->checked, "uname");
	t->compiler = node_text(t->checked, "compiler");
	t->sig_enforce = node_text(t->checked, "sig_enforce");
	check_vermagic(t, err);
	t->config = file_of(t, "config", a, err);
	t->symvers = file_of(t, "symvers", a, err);
	t->exports = file_of(t, "exports", a, err);
	t->btf = file_of(t, "btf", a, err);
	return findings_close(err);
}

static const char *dir_of(const char *path, struct arena *a)
{
	autofree char *real = path_absolute(path);

	if (!real)
		return ".";
	char *slash = strrchr(real, '/');
	return slash == real ? "/" : arena_strndup(a, real, (size_t)(slash - real));
}

struct target_file *target_file_read(const char *path, const char *shown, struct arena *a,
				     struct error *err)
{
	struct target_file *t = arena_new(a, struct target_file);

	t->src = yaml_load(AT_FDCWD, path, shown, a, err);
	struct node *root = t->src ? yaml_read(t->src, a, err) : NULL;
	if (!root)
		return NULL;
	t->dir = dir_of(path, a);
	if (root->kind != NODE_MAP) {
		error_at(err, root->at, "expected a map with the key 'target', found %s",
			 node_kind_words(root));
		return NULL;
	}
	t->checked = schema_apply(&schema, root, "target", a, err);
	if (findings_close(err) < 0 || !t->checked || take(t, a, err) < 0)
		return NULL;
	return t;
}
