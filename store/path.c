// SPDX-License-Identifier: MIT
#include "store/path.h"

#include "base/alloc.h"
#include "base/base64.h"

static const char alphabet[] = "0123456789abcdfghijklmnpqrsvwxyz";

enum { SRI_LEN = 51, SRI_BASE64_LEN = 44 };

static size_t nix32_len(size_t n)
{
	return (n * 8 + 4) / 5;
}

char *nix32_encode(const uint8_t *bytes, size_t n, char *out)
{
	size_t len = nix32_len(n);

	/* The bytes are one little-endian number; its highest digit comes first. */
	for (size_t i = 0; i < len; i++) {
		size_t bit = (len - 1 - i) * 5;
		unsigned int pair = bytes[bit / 8];

		if (bit / 8 + 1 < n)
			pair |= (unsigned int)bytes[bit / 8 + 1] << 8;
		out[i] = alphabet[pair >> bit % 8 & 31];
	}
	out[len] = '\0';
	return out;
}

static int nix32_digit(char c)
{
	const char *hit = c ? strchr(alphabet, c) : NULL;

	return hit ? (int)(hit - alphabet) : -1;
}

int nix32_decode(struct str text, uint8_t *out, size_t n)
{
	if (text.len != nix32_len(n))
		return -1;
	memset(out, 0, n);
	for (size_t i = 0; i < text.len; i++) {
		size_t bit = (text.len - 1 - i) * 5;
		int digit = nix32_digit(text.ptr[i]);

		if (digit < 0)
			return -1;
		unsigned int pair = (unsigned int)digit << bit % 8;
		out[bit / 8] |= (uint8_t)pair;
		if (bit / 8 + 1 < n)
			out[bit / 8 + 1] |= (uint8_t)(pair >> 8);
		else if (pair >> 8)
			return -1;
	}
	return 0;
}

static int base64_parse(const char *text, struct sha256 *out)
{
	uint8_t raw[SRI_BASE64_LEN / 4 * 3];

	if (base64_decode(str_of(text), raw) != sizeof(out->bytes))
		return -1;
	memcpy(out->bytes, raw, sizeof(out->bytes));
	return 0;
}

int hash_parse(const char *text, struct sha256 *out)
{
	if (str_starts(text, "sha256:") || str_starts(text, "sha256-"))
		text += strlen("sha256:");
	switch (strlen(text)) {
	case SHA256_HEX_SIZE - 1:
		return sha256_parse(text, out);
	case NIX32_SHA256_SIZE - 1:
		return nix32_decode(str_of(text), out->bytes, sizeof(out->bytes));
	case SRI_BASE64_LEN:
		return base64_parse(text, out);
	default:
		return -1;
	}
}

char *hash_sri(struct arena *a, const struct sha256 *h)
{
	static const char prefix[] = "sha256-";
	char *s = arena_alloc(a, SRI_LEN + 1, 1);

	memcpy(s, prefix, sizeof(prefix) - 1);
	base64_encode(h->bytes, sizeof(h->bytes), s + sizeof(prefix) - 1);
	return s;
}

char *hash_nix32(struct arena *a, const struct sha256 *h)
{
	char text[NIX32_SHA256_SIZE];

	return arena_printf(a, "sha256:%s",
			    nix32_encode(h->bytes, sizeof(h->bytes), text));
}

static bool name_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') || (c && strchr("+-._?=", c));
}

bool path_name_ok(const char *name)
{
	size_t n = strlen(name);

	if (n == 0 || n > PATH_NAME_MAX)
		return false;
	/* `.`, `..`, and the same before a dash: refused by newer versions of Nix. */
	size_t dots = strspn(name, ".");
	if ((dots == 1 || dots == 2) && (name[dots] == '\0' || name[dots] == '-'))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!name_char(name[i]))
			return false;
	return true;
}

char *path_name_clean(struct arena *a, const char *text)
{
	bool prefix = *text == '\0' || *text == '.';
	char *name = arena_printf(a, "%s%s", prefix ? "_" : "", text);

	for (char *p = name; *p; p++)
		if (!name_char(*p))
			*p = '_';
	if (strlen(name) > PATH_NAME_MAX)
		name[PATH_NAME_MAX] = '\0';
	return name;
}

bool path_ok(const char *path)
{
	if (!str_starts(path, STORE_DIR "/"))
		return false;
	const char *base = path + PATH_PREFIX_LEN;
	for (size_t i = 0; i < PATH_DIGEST_LEN; i++)
		if (nix32_digit(base[i]) < 0)
			return false;
	return base[PATH_DIGEST_LEN] == '-' && path_name_ok(base + PATH_DIGEST_LEN + 1);
}

const char *path_name(const char *path)
{
	return path + PATH_PREFIX_LEN + PATH_DIGEST_LEN + 1;
}

const char *path_base(const char *path)
{
	return path + PATH_PREFIX_LEN;
}

char *path_digest(const struct sha256 *h, char out[PATH_DIGEST_LEN + 1])
{
	uint8_t folded[20] = {0};

	for (size_t i = 0; i < sizeof(h->bytes); i++)
		folded[i % sizeof(folded)] ^= h->bytes[i];
	return nix32_encode(folded, sizeof(folded), out);
}

static char *make(struct arena *a, struct strbuf *finger, const struct sha256 *inner,
		  const char *name)
{
	char hex[SHA256_HEX_SIZE], digest[PATH_DIGEST_LEN + 1];

	strbuf_adds(finger, ":sha256:");
	strbuf_add(finger, sha256_hex(inner, hex), SHA256_HEX_SIZE - 1);
	strbuf_adds(finger, ":" STORE_DIR ":");
	strbuf_adds(finger, name);
	struct sha256 h = sha256_of(finger->ptr, finger->len);
	return arena_printf(a, STORE_DIR "/%s-%s", path_digest(&h, digest), name);
}

char *path_make(struct arena *a, const char *type, const struct sha256 *inner,
		const char *name)
{
	autobuf struct strbuf finger = STRBUF_INIT;

	strbuf_adds(&finger, type);
	return make(a, &finger, inner, name);
}

static char *make_with_refs(struct arena *a, const char *type, const struct sha256 *inner,
			    const char *const *refs, size_t nrefs, const char *name)
{
	autobuf struct strbuf finger = STRBUF_INIT;

	strbuf_adds(&finger, type);
	for (size_t i = 0; i < nrefs; i++) {
		if (i && strcmp(refs[i - 1], refs[i]) >= 0)
			BUG("references of '%s' are not sorted", name);
		strbuf_addc(&finger, ':');
		strbuf_adds(&finger, refs[i]);
	}
	return make(a, &finger, inner, name);
}

char *path_source(struct arena *a, const struct sha256 *nar, const char *const *refs,
		  size_t nrefs, const char *name)
{
	return make_with_refs(a, "source", nar, refs, nrefs, name);
}

char *path_text(struct arena *a, const struct sha256 *text, const char *const *refs,
		size_t nrefs, const char *name)
{
	return make_with_refs(a, "text", text, refs, nrefs, name);
}

char *path_flat(struct arena *a, const struct sha256 *bytes, const char *name)
{
	char hex[SHA256_HEX_SIZE];
	char *inner = arena_printf(a, "fixed:out:sha256:%s:", sha256_hex(bytes, hex));
	struct sha256 h = sha256_of(inner, strlen(inner));

	return path_make(a, "output:out", &h, name);
}
