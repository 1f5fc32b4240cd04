// SPDX-License-Identifier: MIT
#include "evaluator/basis.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "evaluator/checks.h"
#include "evaluator/findings.h"
#include "evaluator/sections.h"

/* --- what follows from a machine ------------------------------------------------------
 */

/* A value that nobody wrote here; it stands where it was read. */
static void follow(struct arena *a, struct node *map, const char *key, const char *text,
		   struct span at)
{
	node_set(a, map, key, at, node_scalar(a, text, at));
}

/* As people would call it: seen from where they are, like the recipe. */
static const char *shown(const struct node *target, struct arena *a)
{
	const char *text = target->text, *of = target->at.src->name;
	const char *slash = strrchr(of, '/');

	if (*text == '/' || !slash)
		return str_starts(text, "./") ? text + 2 : text;
	return arena_printf(a, "%.*s/%s", (int)(slash - of), of,
			    str_starts(text, "./") ? text + 2 : text);
}

static int read_target(struct recipe *r, const struct node *target, struct arena *a,
		       struct error *err)
{
	const char *path = recipe_path(r, target, a);

	if (strstr(target->text, "${")) {
		error_at(err, target->at, "kernel.target cannot refer to other values");
		return error_hint(err, "much follows from it, so it is read first");
	}
	if (check_target(target, err) < 0)
		return -1;
	if (access(path, R_OK) < 0) {
		error_at(err, target->at, "cannot open '%s': %s", target->text,
			 strerror(errno));
		return error_hint(err, "`kbuild probe` writes one");
	}
	struct target_file *t = target_file_read(path, shown(target, a), a, err);
	if (!t)
		return -1;
	ARENA_PUSH(a, r->files, r->nfiles, r->files_cap) =
		(struct recipe_file){t->src, t->dir};
	r->target = t;
	if (t->config)
		return 0;
	error_at(err, target->at, "%s names no configuration", t->src->name);
	return error_hint(err,
			  "copy /proc/config.gz or /boot/config-%s from the machine "
			  "and add `config: FILE`",
			  t->release);
}

/* A distribution's own version is not to be had from kernel.org. */
static int no_upstream(const struct target_file *t, const struct node *target,
		       struct error *err)
{
	bool debian = t->parts.maker == RELEASE_DEBIAN;

	error_at(err, target->at, "release %s is %s's: kernel.org has no source of it",
		 t->release, debian ? "Debian" : "Ubuntu");
	if (debian)
		return error_hint(err,
				  "name its package, `prebuilt: debian/linux-image-%s` "
				  "in place of `target`, or a source",
				  t->release);
	return error_hint(err, "name one with `source`, such as a git repository");
}

int basis_bind(struct recipe *r, struct node *root, struct arena *a, struct error *err)
{
	struct node *kernel = node_get(root, "kernel"), *arch = node_get(root, "arch");
	const struct node *target = node_get(kernel, "target");

	if (!target || target->kind != NODE_SCALAR || node_is_null(target))
		return 0;
	if (read_target(r, target, a, err) < 0)
		return findings_close(err);
	const struct target_file *t = r->target;
	const struct arch *said =
		arch && arch->kind == NODE_SCALAR ? arch_find(arch->text) : NULL;
	if (!arch) {
		follow(a, root, "arch", t->arch->name, target_file_at(t, "arch"));
	} else if (said && said != t->arch) {
		error_at(err, arch->at, "expected arch %s, as %s says, found %s",
			 t->arch->name, t->src->name, said->name);
		error_hint(err, "leave it out: it follows from the target");
	}
	if (node_get(kernel, "source") || node_get(kernel, "prebuilt"))
		return findings_close(err);
	if (t->parts.maker != RELEASE_ANY)
		no_upstream(t, target, err);
	else
		follow(a, kernel, "source",
		       arena_printf(a, "kernel.org/%s", release_upstream(&t->parts, a)),
		       target_file_at(t, "release"));
	return findings_close(err);
}

/* --- contradictions -------------------------------------------------------------------
 */

static void check_release_keys(const struct recipe *r, const struct node *kernel,
			       struct error *err)
{
	const struct member *local = node_member(kernel, "localversion");
	const struct node *base = node_get(node_get(kernel, "config"), "base");

	if (r->target && local && !local->value->is_default) {
		error_at(err, local->key_at,
			 "'localversion' follows from the target, whose release is %s",
			 r->target->release);
		error_hint(err, "leave it out");
	}
	if (!r->target && base && strcmp(base->text, "target") == 0) {
		error_at(err, base->at, "the base 'target' needs a kernel.target");
		error_hint(err, "add `target: ./board.yaml`, or take a file ./NAME");
	}
}

int basis_check(const struct recipe *r, struct node *checked, struct arena *a,
		struct error *err)
{
	struct node *k = node_get(checked, "kernel");
	const struct member *symvers = node_member(k, "symvers");
	const char *build = node_text(k, "build");

	if (!k)
		return 0;
	check_release_keys(r, k, err);
	if (symvers && (build ? strcmp(build, "full") == 0 : !r->target)) {
		error_at(err, symvers->key_at,
			 "'symvers' is for a kernel that is not built whole");
		error_hint(err, "add `build: prepare`");
	}
	if (findings_close(err) < 0)
		return -1;
	if (r->target)
		follow(a, k, "localversion",
		       arena_strndup(a, r->target->parts.local.ptr,
				     r->target->parts.local.len),
		       target_file_at(r->target, "release"));
	return 0;
}
