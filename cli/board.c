// SPDX-License-Identifier: MIT
#include "cli/board.h"

#include "base/alloc.h"

/* --- the address ----------------------------------------------------------------------
 */

bool board_is_address(const char *word)
{
	const char *colon = strstr(word, "://");

	return colon && colon > word && !memchr(word, '/', (size_t)(colon - word));
}

static bool is_name(const char *s)
{
	const char *more = "._-:%";

	if (!*s || *s == '-')
		return false;
	for (; *s; s++)
		if (!(*s >= '0' && *s <= '9') && !(*s >= 'a' && *s <= 'z') &&
		    !(*s >= 'A' && *s <= 'Z') && !strchr(more, *s))
			return false;
	return true;
}

static bool is_port(const char *s)
{
	char *end;
	long n = strtol(s, &end, 10);

	return *s >= '0' && *s <= '9' && !*end && n > 0 && n < 65536;
}

static int bad_address(const char *address, struct error *err)
{
	error_class(err, ERROR_RECIPE, "expected ssh://[USER@]HOST[:PORT], found '%s'",
		    address);
	return error_hint(err, "ssh://root@board.example, ssh://pi@192.0.2.7:2222");
}

int board_parse(const char *address, struct arena *a, struct board *out,
		struct error *err)
{
	if (!str_starts(address, "ssh://"))
		return bad_address(address, err);
	char *rest = arena_strdup(a, address + strlen("ssh://"));
	size_t n = strlen(rest);
	if (n && rest[n - 1] == '/')
		rest[n - 1] = '\0';
	char *at = strrchr(rest, '@');
	if (at)
		*at = '\0';
	char *host = at ? at + 1 : rest, *close = *host == '[' ? strchr(host, ']') : NULL;
	char *colon = strrchr(close ? close : host, ':');

	*out = (struct board){.shown = address, .user = at ? rest : NULL};
	if (colon) {
		*colon = '\0';
		out->port = colon + 1;
	}
	if (close) {
		if (close[1])
			return bad_address(address, err);
		*close = '\0';
		host++;
	}
	out->host = host;
	if (!is_name(host) || (!close && strchr(host, ':')) ||
	    (out->user && !is_name(out->user)) || (out->port && !is_port(out->port)))
		return bad_address(address, err);
	return 0;
}

void board_quote(struct strbuf *out, const char *text)
{
	strbuf_addc(out, '\'');
	for (; *text; text++) {
		if (*text == '\'')
			strbuf_adds(out, "'\\''");
		else
			strbuf_addc(out, *text);
	}
	strbuf_addc(out, '\'');
}
