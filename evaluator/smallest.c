// SPDX-License-Identifier: MIT
#include "evaluator/smallest.h"

#include <fcntl.h>
#include <string.h>

#include "base/dir.h"
#include "evaluator/findings.h"
#include "module/kconfig.h"
#include "module/unpack.h"
#include "module/vermagic.h"

enum { CONFIG_MAX = 16 << 20 };

/* The machine compares CRCs of symbols. It says so itself, or its configuration does. */
static int has_modversions(const struct target_file *t, bool *out, struct arena *a,
			   struct error *err)
{
	autobuf struct strbuf file = STRBUF_INIT, text = STRBUF_INIT;
	struct kconfig config = {0};

	if (t->vermagic) {
		struct vermagic v = vermagic_split(str_of(t->vermagic));

		*out = v.part[VERMAGIC_MODVERSIONS].len > 0;
		return 0;
	}
	if (dir_read(AT_FDCWD, t->config, &file, err) < 0)
		return error_place(err, target_file_at(t, "config"));
	if (unpack((struct str){file.ptr, file.len}, CONFIG_MAX, &text, err) < 0)
		return error_place(err, target_file_at(t, "config"));
	kconfig_read(&config, (struct str){text.ptr, text.len}, a);
	*out = kconfig_is(&config, "MODVERSIONS");
	kconfig_finish(&config);
	return 0;
}

static void warn(struct recipe *r, struct arena *a, const char *text)
{
	ARENA_PUSH(a, r->warnings, r->nwarnings, r->warnings_cap) = text;
}

static int unknown_crcs(const struct recipe *r, const struct node *target,
			struct error *err)
{
	error_class(err, ERROR_VERDICT,
		    "%s compares symbol versions (CONFIG_MODVERSIONS), and nothing here "
		    "knows them",
		    r->target->release);
	error_place(err, target->at);
	return error_hint(err, "give its own, `symvers: ./Module.symvers`, or let "
			       "`build: full` compute them, right only with the same "
			       "source and compiler");
}

/* A vendor patches structs; without versions of symbols, nobody would notice. */
static void warn_of_vanilla(struct recipe *r, const struct node *kernel, struct arena *a)
{
	const struct release *release = &r->target->parts;
	const char *from = node_text(node_get(kernel, "source"), "from");

	if (!release->local.len || !str_starts(from, "kernel.org/"))
		return;
	warn(r, a,
	     arena_printf(a,
			  "%s stands in for the source of %s: should the vendor have "
			  "changed structs, a module loads and goes wrong; name the "
			  "vendor's with `source` if there is one",
			  from, r->target->release));
}

static const char *why(const struct recipe *r, const struct node *kernel, bool crcs,
		       bool prepare, struct arena *a)
{
	const struct node *own = node_get(kernel, "symvers");
	const char *asked = node_text(kernel, "build");

	if (asked && strcmp(asked, "auto") == 0)
		asked = NULL;
	if (!prepare)
		return "kernel: built whole: build: full asks for it";
	if (crcs)
		return arena_printf(a,
				    "kernel: prepared only, no vmlinux: the target's "
				    "symbol versions are in %s",
				    own ? own->text
					: node_text(r->target->checked, "symvers"));
	if (r->target)
		return "kernel: prepared only, no vmlinux: the target has no modversions";
	return asked ? "kernel: prepared only, no vmlinux: build: prepare asks for it"
		     : NULL;
}

static int refuse_image(const struct node *checked, struct error *err)
{
	static const char *const of_image[] = {"initramfs", "rootfs", "run", "gdb"};
	const struct member *image = node_member(node_get(checked, "kernel"), "image");

	if (image && !image->value->is_default) {
		error_at(err, image->key_at,
			 "a kernel that is only prepared has no image");
		error_hint(err, "add `build: full` to have one");
	}
	for (size_t i = 0; i < ARRAY_LEN(of_image); i++) {
		const struct member *m = node_member(checked, of_image[i]);

		if (!m || m->value->is_default)
			continue;
		error_at(err, m->key_at,
			 "'%s' needs an image, and this kernel is only prepared", m->key);
		error_hint(err, "add `build: full` to the kernel to have one");
	}
	return findings_close(err);
}

/* The kernel is to be like one that runs. */
static int choose(struct recipe *r, struct node *kernel, bool *prepare, struct arena *a,
		  struct error *err)
{
	const char *asked = node_text(kernel, "build");
	bool crcs, known = r->target->symvers || node_get(kernel, "symvers");

	if (has_modversions(r->target, &crcs, a, err) < 0)
		return -1;
	*prepare = !asked || strcmp(asked, "full") != 0;
	if (*prepare && crcs && !known)
		return unknown_crcs(r, node_get(kernel, "target"), err);
	r->kernel_why = why(r, kernel, crcs, *prepare, a);
	if (r->target->parts.dirty)
		warn(r, a,
		     arena_printf(a,
				  "%s was built of a tree with changes in no commit: "
				  "nobody can have its exact source",
				  r->target->release));
	if (!*prepare && crcs)
		warn(r, a,
		     "symbol versions come from this build's compiler and source; "
		     "the target refuses modules where its own differ");
	if (!crcs)
		warn_of_vanilla(r, kernel, a);
	return 0;
}

int smallest_choose(struct recipe *r, struct node *checked, struct arena *a,
		    struct error *err)
{
	struct node *kernel = node_get(checked, "kernel");
	const struct node *build = node_get(kernel, "build");
	bool prepare = build && strcmp(build->text, "prepare") == 0;

	if (!kernel || (!build && !r->target))
		return 0;
	if (r->target && choose(r, kernel, &prepare, a, err) < 0)
		return -1;
	if (!r->target && prepare)
		r->kernel_why = why(r, kernel, false, true, a);
	struct span at = build ? build->at : node_get(kernel, "target")->at;
	struct node *settled = node_scalar(a, prepare ? "prepare" : "full", at);
	settled->is_default = !build;
	node_set(a, kernel, "build", at, settled);
	return prepare ? refuse_image(checked, err) : 0;
}

bool smallest_is_prepared(const struct node *checked)
{
	const char *build = node_text(node_get(checked, "kernel"), "build");

	return build && strcmp(build, "prepare") == 0;
}
