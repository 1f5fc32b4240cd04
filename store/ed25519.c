// SPDX-License-Identifier: MIT
#include "store/ed25519.h"

#include <dlfcn.h>
#include <openssl/evp.h>
#include <openssl/opensslv.h>
#include <string.h>

#include "base/alloc.h"

#define TEXT_OF(x) #x
#define NAME_OF(x) "libcrypto.so." TEXT_OF(x)

static const char library[] = NAME_OF(OPENSSL_SHLIB_VERSION);

#define FUNCTIONS(f)                                                                     \
	f(EVP_PKEY_new_raw_private_key);                                                 \
	f(EVP_PKEY_new_raw_public_key);                                                  \
	f(EVP_PKEY_get_raw_public_key);                                                  \
	f(EVP_PKEY_free);                                                                \
	f(EVP_MD_CTX_new);                                                               \
	f(EVP_MD_CTX_free);                                                              \
	f(EVP_DigestSignInit);                                                           \
	f(EVP_DigestSign);                                                               \
	f(EVP_DigestVerifyInit);                                                         \
	f(EVP_DigestVerify)

#define DECLARE(name) __typeof__(name) *name##_
static struct {
	FUNCTIONS(DECLARE);
} crypto;

int ed25519_load(struct error *err)
{
	if (crypto.EVP_DigestVerify_)
		return 0;
	void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
	if (!handle) {
		error_class(err, ERROR_INFRA, "signatures need %s: %s", library,
			    dlerror());
		return error_hint(err, "apt-get install libssl%s",
				  library + strlen("libcrypto.so."));
	}
#define FIND(name)                                                                       \
	if (!(crypto.name##_ = (__typeof__(name) *)dlsym(handle, #name)))                \
	return error_class(err, ERROR_INFRA, "%s has no %s", library, #name)
	FUNCTIONS(FIND);
	return 0;
}

static void free_key(EVP_PKEY **key)
{
	crypto.EVP_PKEY_free_(*key);
}
#define autopkey __attribute__((cleanup(free_key)))

static void free_md(EVP_MD_CTX **md)
{
	crypto.EVP_MD_CTX_free_(*md);
}
#define automd __attribute__((cleanup(free_md)))

static EVP_PKEY *secret_key(const uint8_t *seed)
{
	EVP_PKEY *key = crypto.EVP_PKEY_new_raw_private_key_(EVP_PKEY_ED25519, NULL, seed,
							     ED25519_KEY_SIZE);

	if (!key)
		BUG("%s does not know ed25519", library);
	return key;
}

void ed25519_public(const uint8_t *seed, uint8_t *out)
{
	autopkey EVP_PKEY *key = secret_key(seed);
	size_t n = ED25519_KEY_SIZE;

	if (crypto.EVP_PKEY_get_raw_public_key_(key, out, &n) != 1)
		BUG("%s gives no public half", library);
}

void ed25519_sign(const uint8_t *seed, const void *bytes, size_t n, uint8_t *sig)
{
	autopkey EVP_PKEY *key = secret_key(seed);
	automd EVP_MD_CTX *md = crypto.EVP_MD_CTX_new_();
	size_t len = ED25519_SIG_SIZE;

	if (crypto.EVP_DigestSignInit_(md, NULL, NULL, NULL, key) != 1 ||
	    crypto.EVP_DigestSign_(md, sig, &len, bytes, n) != 1)
		BUG("%s does not sign", library);
}

bool ed25519_fits(const uint8_t *key, const void *bytes, size_t n, const uint8_t *sig)
{
	autopkey EVP_PKEY *pkey = crypto.EVP_PKEY_new_raw_public_key_(
		EVP_PKEY_ED25519, NULL, key, ED25519_KEY_SIZE);
	automd EVP_MD_CTX *md = crypto.EVP_MD_CTX_new_();

	return pkey && crypto.EVP_DigestVerifyInit_(md, NULL, NULL, NULL, pkey) == 1 &&
	       crypto.EVP_DigestVerify_(md, sig, ED25519_SIG_SIZE, bytes, n) == 1;
}
