// SPDX-License-Identifier: MIT
#include "store/key.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/random.h>

#include "base/alloc.h"
#include "base/base64.h"
#include "base/dir.h"
#include "base/log.h"
#include "store/ed25519.h"
#include "store/path.h"

enum {
	SIG_BASE64_LEN = (ED25519_SIG_SIZE + 2) / 3 * 4,
	KEY_FILE_MAX = 4096,
};

/* --- texts ------------------------------------------------------------------------ */

/* Signatures are listed between blanks in the database, and a name ends at the colon. */
static bool name_ok(struct str name)
{
	if (!name.len || name.len > KEY_NAME_MAX)
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (name.ptr[i] <= ' ' || name.ptr[i] > '~' || name.ptr[i] == ':')
			return false;
	return true;
}

static int bad_name(struct str name, struct error *err)
{
	error_class(err, ERROR_RECIPE, "'%.*s' cannot be the name of a key",
		    name.len > KEY_NAME_MAX ? KEY_NAME_MAX : (int)name.len, name.ptr);
	return error_hint(err,
			  "use letters, digits, dots and dashes, such as host.example-1");
}

/* NAME:BASE64 of n bytes; what is wrong is said without the text, it may be secret. */
static int parse(struct str text, const char *what, char *name, uint8_t *bytes, size_t n,
		 struct error *err)
{
	uint8_t raw[ED25519_SIG_SIZE + 2];

	while (text.len && strchr(" \t\r\n", text.ptr[text.len - 1]))
		text.len--;
	struct str value = text;
	struct str head = str_cut(&value, ':');
	if (!value.ptr || value.len != base64_len(n) ||
	    base64_decode(value, raw) != (long)n)
		return error_class(err, ERROR_RECIPE,
				   "expected a %s key NAME:BASE64 of %zu bytes", what, n);
	if (!name_ok(head))
		return bad_name(head, err);
	memcpy(name, head.ptr, head.len);
	name[head.len] = '\0';
	memcpy(bytes, raw, n);
	explicit_bzero(raw, sizeof(raw));
	return 0;
}

static char *text_of(struct arena *a, const char *name, const uint8_t *bytes, size_t n)
{
	char value[SIG_BASE64_LEN + 1];
	char *text = arena_printf(a, "%s:%s", name, base64_encode(bytes, n, value));

	explicit_bzero(value, sizeof(value));
	return text;
}

int key_public_parse(const char *text, struct key_public *out, struct error *err)
{
	return parse(str_of(text), "public", out->name, out->bytes, sizeof(out->bytes),
		     err);
}

char *key_public_text(struct arena *a, const struct key_public *key)
{
	return text_of(a, key->name, key->bytes, sizeof(key->bytes));
}

char *key_secret_text(struct arena *a, const struct key_secret *key)
{
	return text_of(a, key->name, key->bytes, sizeof(key->bytes));
}

struct key_public key_public_of(const struct key_secret *key)
{
	struct key_public out;

	memcpy(out.name, key->name, sizeof(out.name));
	memcpy(out.bytes, key->bytes + ED25519_KEY_SIZE, sizeof(out.bytes));
	return out;
}

void key_wipe(struct key_secret *key)
{
	explicit_bzero(key, sizeof(*key));
}

/* --- secret keys ------------------------------------------------------------------ */

int key_secret_parse(const char *text, struct key_secret *out, struct error *err)
{
	uint8_t half[ED25519_KEY_SIZE];

	if (ed25519_load(err) < 0 || parse(str_of(text), "secret", out->name, out->bytes,
					   sizeof(out->bytes), err) < 0)
		return -1;
	ed25519_public(out->bytes, half);
	if (memcmp(half, out->bytes + ED25519_KEY_SIZE, sizeof(half)) == 0)
		return 0;
	error_class(err, ERROR_RECIPE, "the two halves of the secret key %s do not fit",
		    out->name);
	key_wipe(out);
	return -1;
}

int key_secret_read(const char *file, struct key_secret *out, struct error *err)
{
	autoclose int fd = open(file, O_RDONLY | O_CLOEXEC);
	autobuf struct strbuf text = STRBUF_INIT;

	if (fd < 0)
		return error_errno(err, "cannot open the key %s", file);
	int failed = read_all(fd, KEY_FILE_MAX, &text, err) < 0 ||
		     key_secret_parse(text.ptr ? text.ptr : "", out, err) < 0;
	if (text.ptr)
		explicit_bzero(text.ptr, text.len);
	return failed ? error_wrap(err, "cannot use the key %s", file) : 0;
}

int key_generate(const char *name, struct key_secret *out, struct error *err)
{
	if (!name_ok(str_of(name)))
		return bad_name(str_of(name), err);
	if (ed25519_load(err) < 0)
		return -1;
	memcpy(out->name, name, strlen(name) + 1);
	if (getrandom(out->bytes, ED25519_KEY_SIZE, 0) != ED25519_KEY_SIZE)
		return error_errno(err, "cannot get random bytes");
	ed25519_public(out->bytes, out->bytes + ED25519_KEY_SIZE);
	return 0;
}

/* --- signatures ------------------------------------------------------------------- */

void path_fingerprint(const struct path_info *info, struct strbuf *out)
{
	char nar[NIX32_SHA256_SIZE];

	strbuf_printf(out, "1;%s;sha256:%s;%" PRIu64 ";", info->path,
		      nix32_encode(info->nar.bytes, sizeof(info->nar.bytes), nar),
		      info->nar_size);
	for (size_t i = 0; i < info->nrefs; i++)
		strbuf_printf(out, "%s%s", i ? "," : "", info->refs[i]);
}

char *key_sign(const struct key_secret *key, const struct path_info *info,
	       struct arena *a)
{
	autobuf struct strbuf text = STRBUF_INIT;
	uint8_t sig[ED25519_SIG_SIZE];

	path_fingerprint(info, &text);
	ed25519_sign(key->bytes, text.ptr, text.len, sig);
	return text_of(a, key->name, sig, sizeof(sig));
}

/* The bytes of a signature that says it is of this key; false if it is not. */
static bool claimed_by(const char *sig, const struct key_public *key, uint8_t *bytes)
{
	struct str value = str_of(sig);
	struct str name = str_cut(&value, ':');

	return str_is(name, key->name) && value.ptr &&
	       value.len == base64_len(ED25519_SIG_SIZE) &&
	       base64_decode(value, bytes) == ED25519_SIG_SIZE;
}

static bool signed_by(const struct path_info *info, const struct key_public *key,
		      const struct strbuf *text)
{
	uint8_t sig[ED25519_SIG_SIZE + 2];

	for (size_t i = 0; i < info->nsigs; i++)
		if (claimed_by(info->sigs[i], key, sig) &&
		    ed25519_fits(key->bytes, text->ptr, text->len, sig))
			return true;
	return false;
}

/* A key that is named twice counts once. */
static bool listed_before(const struct key_public *keys, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (memcmp(keys[k].bytes, keys[i].bytes, sizeof(keys[i].bytes)) == 0 &&
		    strcmp(keys[k].name, keys[i].name) == 0)
			return true;
	return false;
}

size_t key_count_signed(const struct path_info *info, const struct key_public *keys,
			size_t n)
{
	autobuf struct strbuf text = STRBUF_INIT;
	autoerror struct error err = {0};
	size_t count = 0;

	if (!n || !info->nsigs)
		return 0;
	if (ed25519_load(&err) < 0) {
		log_say(LOG_WARN, "%s", err.msg);
		return 0;
	}
	path_fingerprint(info, &text);
	for (size_t i = 0; i < n; i++)
		count += !listed_before(keys, i) && signed_by(info, &keys[i], &text);
	return count;
}
