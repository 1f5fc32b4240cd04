// SPDX-License-Identifier: MIT
#include "module/release.h"

#include "base/alloc.h"

static const char digits[] = "0123456789";

static const char *const debian_flavours[] = {
	"amd64",       "arm64",    "armmp",       "armmp-lpae", "cloud-amd64",
	"cloud-arm64", "686",      "686-pae",     "marvell",    "rpi",
	"rt-686-pae",  "rt-amd64", "rt-arm64",    "rt-armmp",   "arm64-16k",
	"riscv64",     "s390x",    "powerpc64le", "loong64",    "mips64r2el",
};

static const char *const ubuntu_flavours[] = {
	"generic", "generic-64k", "generic-hwe", "generic-lpae", "lowlatency",
	"aws",     "azure",       "gcp",         "ibm",          "kvm",
	"nvidia",  "oem",         "oracle",      "raspi",        "realtime",
};

static bool is_one_of(const char *word, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(word, words[i]) == 0)
			return true;
	return false;
}

/* How many bytes of ".20", "-rc7" stand here: 0, if no number follows the text. */
static size_t numbered(const char *s, const char *text)
{
	size_t n = strlen(text);

	if (strncmp(s, text, n) != 0)
		return 0;
	size_t number = strspn(s + n, digits);
	return number ? n + number : 0;
}

/* -ABI-FLAVOUR behind X.Y.0, as distributions number what they patched. */
static enum release_maker maker_of(const char *local)
{
	size_t abi = numbered(local, "-");

	if (str_starts(local, "+deb") || str_starts(local, "+bpo"))
		return RELEASE_DEBIAN;
	/* -0.deb11.13-amd64, -0.bpo.2-amd64 */
	while (abi && local[abi] == '.')
		abi += 1 + strspn(local + abi + 1, "debpo0123456789");
	if (!abi || local[abi] != '-')
		return RELEASE_ANY;
	const char *flavour = local + abi + 1;
	if (is_one_of(flavour, debian_flavours, ARRAY_LEN(debian_flavours)))
		return RELEASE_DEBIAN;
	if (is_one_of(flavour, ubuntu_flavours, ARRAY_LEN(ubuntu_flavours)))
		return RELEASE_UBUNTU;
	return RELEASE_ANY;
}

bool release_split(const char *text, struct release *out)
{
	size_t n = strspn(text, digits), dots = 0, part;
	/* Only 2.6 had a fourth number. */
	size_t max = str_starts(text, "2.6.") ? 3 : 2;

	*out = (struct release){0};
	if (!n)
		return false;
	for (; dots < max && (part = numbered(text + n, ".")); dots++)
		n += part;
	if (!dots)
		return false;
	n += numbered(text + n, "-rc");
	out->version = (struct str){text, n};
	out->local = str_of(text + n);
	out->maker = maker_of(text + n);
	out->dirty = strstr(text + n, "-dirty") != NULL;
	return true;
}

char *release_upstream(const struct release *r, struct arena *a)
{
	struct str rest = r->version;
	struct str major = str_cut(&rest, '.'), minor = str_cut(&rest, '.');

	if (rest.ptr && (str_is(rest, "0") ||
			 (rest.len > 1 && rest.ptr[0] == '0' && rest.ptr[1] == '-')))
		return arena_printf(a, "%.*s.%.*s%.*s", (int)major.len, major.ptr,
				    (int)minor.len, minor.ptr, (int)rest.len - 1,
				    rest.ptr + 1);
	return arena_strndup(a, r->version.ptr, r->version.len);
}
