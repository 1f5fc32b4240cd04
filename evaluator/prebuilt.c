// SPDX-License-Identifier: MIT
#include "evaluator/prebuilt.h"

#include <string.h>

#include "base/alloc.h"
#include "evaluator/checks.h"
#include "evaluator/findings.h"
#include "evaluator/sections.h"

/* The last words of Debian's linux-image-* and the architecture they are for. */
static const struct {
	const char *flavour, *arch;
} flavours[] = {
	{"-amd64", "amd64"},     {"-arm64", "arm64"},      {"-arm64-16k", "arm64"},
	{"-armmp", "armhf"},     {"-armmp-lpae", "armhf"}, {"-686", "i386"},
	{"-686-pae", "i386"},    {"-rpi", "armel"},        {"-riscv64", "riscv64"},
	{"-loong64", "loong64"}, {"-s390x", "s390x"},      {"-powerpc64le", "ppc64el"},
};

/* The package's name of debian/[SUITE/]PACKAGE[:ARCH]; its length goes to *n. */
static const char *package_of(const char *from, size_t *n)
{
	const char *slash = strrchr(from, '/');
	const char *package = slash ? slash + 1 : from;

	*n = strcspn(package, ":");
	return package;
}

static bool is_image(const char *from)
{
	size_t n;

	return source_form_of(from) == SOURCE_DEBIAN &&
	       str_starts(package_of(from, &n), "linux-image-");
}

static const struct arch *arch_of(const char *from)
{
	static const char tail[] = "-unsigned";
	size_t n;
	const char *package = package_of(from, &n);

	if (!is_image(from))
		return NULL;
	if (package[n])
		return arch_find(package + n + 1);
	if (n > strlen(tail) && str_ends(package, tail))
		n -= strlen(tail);
	for (size_t i = 0; i < ARRAY_LEN(flavours); i++) {
		size_t len = strlen(flavours[i].flavour);

		if (n > len && strncmp(package + n - len, flavours[i].flavour, len) == 0)
			return arch_find(flavours[i].arch);
	}
	return NULL;
}

const struct arch *prebuilt_arch(const struct node *kernel)
{
	const struct node *n = node_get(kernel, "prebuilt");

	if (n && n->kind == NODE_MAP)
		n = node_get(n, "from");
	return n && n->kind == NODE_SCALAR ? arch_of(n->text) : NULL;
}

/* --- checks --------------------------------------------------------------------- */

int check_prebuilt(const struct node *n, struct error *err)
{
	enum source_form form = source_form_of(n->text);

	if (check_source(n, err) < 0)
		return -1;
	if (form == SOURCE_KERNEL || (form == SOURCE_DEBIAN && !is_image(n->text))) {
		error_at(err, n->at, "expected a kernel that is built, found '%s'",
			 n->text);
		return error_hint(
			err, "debian/linux-image-6.12-amd64, or a folder with an image");
	}
	const struct arch *arch = arch_of(n->text);
	if (arch && !arch->supported)
		return error_at(err, n->at,
				"kernels of %s cannot be used by this version",
				arch->name);
	if (form != SOURCE_DEBIAN || arch)
		return 0;
	error_at(err, n->at,
		 "expected linux-image-...-FLAVOUR of a known architecture, found '%s'",
		 n->text);
	return error_hint(err,
			  "flavours: amd64, arm64, armmp, cloud-amd64, rt-amd64, ...");
}

static int two_origins(const struct member *m, const char *other, struct error *err)
{
	error_at(err, m->key_at, "'%s' and '%s' exclude each other", other, m->key);
	return error_hint(err, "`kernel!:` replaces all of a kernel that is extended");
}

/* What a kernel has only when it is built here. */
static int check_unbuilt(const struct node *n, struct error *err)
{
	static const char *const of_builds[] = {"patches", "localversion", "image",
						"config",  "build",        "symvers"};
	int ret = 0;

	for (size_t i = 0; i < ARRAY_LEN(of_builds); i++) {
		const struct member *m = node_member(n, of_builds[i]);

		if (!m || m->value->is_default)
			continue;
		ret = error_at(err, m->key_at, "a prebuilt kernel has no '%s'", m->key);
		error_hint(err, "it is as it was built; `source:` in the place of "
				"`prebuilt:` builds one");
	}
	return ret;
}

int check_kernel(const struct node *n, struct error *err)
{
	const struct node *source = node_get(n, "source");
	const struct member *prebuilt = node_member(n, "prebuilt");

	const struct node *target = node_get(n, "target");

	if (!source && !prebuilt) {
		error_at(err, n->at,
			 "kernel: needs the key 'source', 'prebuilt' or 'target'");
		return -1;
	}
	if (prebuilt && (source || target))
		return two_origins(prebuilt, source ? "source" : "target", err);
	if (prebuilt)
		return check_unbuilt(n, err);
	const struct node *from = node_get(source, "from");
	if (!is_image(from->text))
		return 0;
	error_at(err, from->at, "expected a source, found '%s', which is built",
		 from->text);
	return error_hint(err, "write `kernel: {prebuilt: %s}`", from->text);
}

int check_prebuilt_arch(const struct node *recipe, struct error *err)
{
	const struct node *kernel = node_get(recipe, "kernel");
	const struct arch *have = prebuilt_arch(kernel);
	const struct node *asked = node_get(recipe, "arch");

	if (!have || !have->supported || arch_find(asked->text) == have)
		return 0;
	error_at(err, asked->at, "arch is %s, but the kernel is built for %s",
		 asked->text, have->name);
	return error_hint(err, "without `arch` it is the kernel's");
}
