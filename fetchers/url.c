// SPDX-License-Identifier: MIT
#include "fetchers/url.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"

static void add_escaped(struct strbuf *b, const char *path, const char *plain)
{
	for (const unsigned char *p = (const unsigned char *)path; *p; p++) {
		if (isalnum(*p) || strchr(plain, *p))
			strbuf_addc(b, (char)*p);
		else
			strbuf_printf(b, "%%%02X", *p);
	}
}

char *url_escape(const char *path)
{
	struct strbuf b = STRBUF_INIT;

	add_escaped(&b, path, "/-._~");
	return strbuf_take(&b);
}

char *url_join(const char *base, const char *path)
{
	autobuf struct strbuf b = STRBUF_INIT;

	strbuf_adds(&b, base);
	while (b.len && b.ptr[b.len - 1] == '/')
		b.len--;
	strbuf_addc(&b, '/');
	while (*path == '/')
		path++;
	add_escaped(&b, path, "/-._~+:@!$&'()*,;=");
	return strbuf_take(&b);
}

char *url_masked(const char *url)
{
	const char *host = strstr(url, "://");
	size_t n = host ? strcspn(host + 3, "/?#") : 0;
	const char *at = host ? memrchr(host + 3, '@', n) : NULL;
	autobuf struct strbuf b = STRBUF_INIT;

	if (at) {
		strbuf_add(&b, url, (size_t)(host + 3 - url));
		strbuf_adds(&b, "***");
		url = at;
	}
	strbuf_add_masked(&b, url, strlen(url));
	return strbuf_take(&b);
}

static int hex(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

char *url_basename(const char *url)
{
	const char *path = strstr(url, "://");
	autobuf struct strbuf b = STRBUF_INIT;

	path = path ? path + 3 : url;
	size_t n = strcspn(path, "?#");
	while (n && path[n - 1] == '/')
		n--;
	const char *slash = memrchr(path, '/', n);
	const char *p = slash ? slash + 1 : path;
	for (; p < path + n; p++) {
		if (*p == '%' && isxdigit((unsigned char)p[1]) &&
		    isxdigit((unsigned char)p[2])) {
			strbuf_addc(&b, (char)(hex(p[1]) << 4 | hex(p[2])));
			p += 2;
		} else {
			strbuf_addc(&b, *p);
		}
	}
	return strbuf_take(&b);
}

const char *url_certificates(void)
{
	const char *file = getenv("CURL_CA_BUNDLE");

	if (!file || !*file)
		file = getenv("SSL_CERT_FILE");
	return file && *file ? file : NULL;
}
