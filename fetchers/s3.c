// SPDX-License-Identifier: MIT
#include "fetchers/s3.h"

#include <stdlib.h>

#include "base/alloc.h"

const char s3_nothing[] =
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const char s3_unsigned[] = "UNSIGNED-PAYLOAD";

static const char *env(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

static void add_header(struct curl_slist **headers, const char *name, const char *value)
{
	autofree char *line = xasprintf("%s: %s", name, value);
	struct curl_slist *longer = curl_slist_append(*headers, line);

	if (!longer)
		BUG("libcurl takes no header");
	*headers = longer;
}

void s3_sign(CURL *c, const struct cache_url *u, const char *body,
	     struct curl_slist **headers)
{
	const char *id = env("AWS_ACCESS_KEY_ID"), *key = env("AWS_SECRET_ACCESS_KEY");
	const char *token = env("AWS_SESSION_TOKEN");

	if (!id || !key)
		return;
	autofree char *provider = xasprintf("aws:amz:%s:s3", u->region);
	curl_easy_setopt(c, CURLOPT_AWS_SIGV4, provider);
	curl_easy_setopt(c, CURLOPT_USERNAME, id);
	curl_easy_setopt(c, CURLOPT_PASSWORD, key);
	add_header(headers, "x-amz-content-sha256", body);
	if (token)
		add_header(headers, "x-amz-security-token", token);
}
