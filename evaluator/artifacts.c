// SPDX-License-Identifier: MIT
#include "evaluator/artifacts.h"

#include <string.h>

#include "base/cleanup.h"

static const struct {
	const char *path;
	struct output_ref ref;
} artifacts[] = {
	{"toolchain.out", {"toolchain", "out", "", NULL, TEXT_NONE}},
	{"kernel", {"kernel", "out", "", NULL, TEXT_NONE}},
	{"kernel.source", {"kernel.source", "out", "", NULL, TEXT_NONE}},
	{"kernel.patched", {"kernel.patched", "out", "", NULL, TEXT_NONE}},
	{"kernel.config", {"kernel.config", "out", "", "/config", TEXT_NONE}},
	{"kernel.config.report",
	 {"kernel.config", "report", "", "/report.tsv", TEXT_NONE}},
	{"kernel.image", {"kernel", "out", "/image", NULL, TEXT_NONE}},
	{"kernel.release", {"kernel", "out", "/release", NULL, TEXT_LINE}},
	{"kernel.version", {"kernel", "out", "/release", NULL, TEXT_VERSION}},
	{"kernel.map", {"kernel", "out", "/System.map", NULL, TEXT_NONE}},
	{"kernel.out", {"kernel", "out", "", NULL, TEXT_NONE}},
	{"kernel.modules", {"kernel", "modules", "", NULL, TEXT_NONE}},
	{"kernel.dev", {"kernel", "dev", "", NULL, TEXT_NONE}},
	{"kernel.symvers", {"kernel", "dev", "/Module.symvers", NULL, TEXT_NONE}},
	{"kernel.debug", {"kernel", "debug", "", NULL, TEXT_NONE}},
	{"initramfs", {"initramfs", "out", "", NULL, TEXT_NONE}},
	{"initramfs.image", {"initramfs", "out", "/image", NULL, TEXT_NONE}},
	{"rootfs", {"rootfs", "out", "", NULL, TEXT_NONE}},
	{"rootfs.image", {"rootfs", "out", "/image", NULL, TEXT_NONE}},
	{"run", {"run", "out", "", NULL, TEXT_NONE}},
	{"gdb", {"gdb", "out", "", NULL, TEXT_NONE}},
	{"guest", {"guest", "out", "", NULL, TEXT_NONE}},
};

/* Those below a name that the user chose; any output of a step of theirs is one. */
static const struct {
	const char *section, *output, *file;
} named[] = {
	{"modules", "out", "/*.ko"},
	{"modules", "debug", NULL},
	{"steps", NULL, NULL},
};

/* A kernel that was not configured here brings its configuration along. */
static const struct {
	const char *step, *output;
	struct output_ref ref;
} instead[] = {
	{"kernel.config", "out", {"kernel", "out", "/config", NULL, TEXT_NONE}},
};

/* The row for `section`.NAME.`output`; -1: none. */
static long named_row(const char *section, const char *output)
{
	for (size_t i = 0; i < ARRAY_LEN(named); i++)
		if (strcmp(named[i].section, section) == 0 &&
		    (!named[i].output || strcmp(named[i].output, output) == 0))
			return (long)i;
	return -1;
}

/* modules.NAME[.OUTPUT], steps.NAME[.OUTPUT] */
static int find_named(const struct node *root, const char *section, const char *rest,
		      struct arena *a, struct output_ref *out)
{
	const struct node *names = node_get(root, section);
	const char *dot = strrchr(rest, '.');
	const char *name = rest, *output = NULL;

	if (!node_member(names, rest)) {
		if (!dot)
			return 0;
		name = arena_strndup(a, rest, (size_t)(dot - rest));
		output = dot + 1;
		/* A key that is written there is a value, not an output. */
		if (!node_member(names, name) ||
		    node_member(node_get(names, name), output))
			return 0;
	}
	long row = named_row(section, output ? output : "out");
	if (row < 0)
		return 0;
	*out = (struct output_ref){
		.step = strcmp(section, "steps") == 0
				? name
				: arena_printf(a, "%s.%s", section, name),
		.output = output ? output : "out",
		.subpath = "",
		/* Whoever names the output means the tree. */
		.file = output ? NULL : named[row].file,
	};
	return 1;
}

int artifact_find(const struct node *root, const char *path, struct arena *a,
		  struct output_ref *out)
{
	if (str_starts(path, "modules."))
		return find_named(root, "modules", path + 8, a, out);
	if (str_starts(path, "steps."))
		return find_named(root, "steps", path + 6, a, out);
	for (size_t i = 0; i < ARRAY_LEN(artifacts); i++) {
		if (strcmp(path, artifacts[i].path) != 0)
			continue;
		*out = artifacts[i].ref;
		return 1;
	}
	return 0;
}

int artifact_instead(struct output_ref *ref)
{
	for (size_t i = 0; i < ARRAY_LEN(instead); i++) {
		if (strcmp(ref->step, instead[i].step) != 0 ||
		    strcmp(ref->output, instead[i].output) != 0)
			continue;
		*ref = instead[i].ref;
		return 1;
	}
	return 0;
}
