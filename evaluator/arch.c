// SPDX-License-Identifier: MIT
#include "evaluator/arch.h"

#include <string.h>
#include <sys/utsname.h>

#include "base/cleanup.h"

static const struct arch archs[] = {
	{"x86_64", "x86_64", "amd64", "x86_64-linux", true, "64", "bzImage"},
	{"i386", "i386", "i386", "i686-linux", false, "32", NULL},
	{"arm64", "arm64", "arm64", "aarch64-linux", true, "64", "Image, Image.gz"},
	{"armhf", "arm", "armhf", "armv7l-linux", true, "32", "Image, zImage"},
	{"armel", "arm", "armel", "armv5tel-linux", false, "32", NULL},
	{"riscv64", "riscv", "riscv64", "riscv64-linux", false, "64", NULL},
	{"ppc64le", "powerpc", "ppc64el", "powerpc64le-linux", false, "64", NULL},
	{"ppc64", "powerpc", "ppc64", "powerpc64-linux", false, "64", NULL},
	{"ppc32", "powerpc", "powerpc", "powerpc-linux", false, "32", NULL},
	{"s390x", "s390", "s390x", "s390x-linux", false, "64", NULL},
	{"mips64el", "mips", "mips64el", "mips64el-linux", false, "64", NULL},
	{"loong64", "loongarch", "loong64", "loongarch64-linux", false, "64", NULL},
};

/* Sorted by alias; the second is one of ours. */
static const char *const aliases[][2] = {
	{"aarch64", "arm64"}, {"amd64", "x86_64"},    {"arm", "armhf"},
	{"armv7", "armhf"},   {"armv7l", "armhf"},    {"i486", "i386"},
	{"i586", "i386"},     {"i686", "i386"},       {"loongarch64", "loong64"},
	{"powerpc", "ppc32"}, {"powerpc64", "ppc64"}, {"powerpc64le", "ppc64le"},
	{"ppc", "ppc32"},     {"ppc64el", "ppc64le"}, {"riscv", "riscv64"},
	{"s390", "s390x"},    {"x64", "x86_64"},      {"x86", "i386"},
	{"x86-64", "x86_64"},
};

const struct arch *arch_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(aliases); i++)
		if (strcmp(name, aliases[i][0]) == 0)
			name = aliases[i][1];
	for (size_t i = 0; i < ARRAY_LEN(archs); i++)
		if (strcmp(name, archs[i].name) == 0)
			return &archs[i];
	return NULL;
}

bool arch_has_image(const struct arch *arch, const char *image)
{
	const char *list = arch->images;
	size_t len = strlen(image);

	if (!list || strcmp(image, "auto") == 0 || strcmp(image, "vmlinux") == 0)
		return true;
	for (; *list; list += strcspn(list, ", "), list += strspn(list, ", "))
		if (strcspn(list, ", ") == len && memcmp(list, image, len) == 0)
			return true;
	return false;
}

const struct arch *arch_host(void)
{
	struct utsname u;
	const struct arch *a = uname(&u) == 0 ? arch_find(u.machine) : NULL;

	return a ? a : &archs[0];
}

const char *arch_fact(const struct arch *arch, const char *word)
{
	const struct {
		const char *word, *text;
	} facts[] = {
		{"bits", arch->bits}, {"kernel", arch->kernel}, {"debian", arch->debian}};

	for (size_t i = 0; i < ARRAY_LEN(facts); i++)
		if (strcmp(word, facts[i].word) == 0)
			return facts[i].text;
	return NULL;
}

const char *const *arch_words(size_t *n)
{
	static const char *const words[] = {
		"aarch64", "amd64",   "arm",     "arm64",    "armel", "armhf",  "armv7l",
		"i386",    "i686",    "loong64", "mips64el", "ppc32", "ppc64",  "ppc64el",
		"ppc64le", "powerpc", "riscv64", "s390",     "s390x", "x86_64", "x86-64",
	};

	*n = ARRAY_LEN(words);
	return words;
}
