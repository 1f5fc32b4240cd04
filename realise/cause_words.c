// SPDX-License-Identifier: MIT
/* Causes that a few words tell: what one build knew and the other did not. */
#include <ctype.h>
#include <stdlib.h>

#include "realise/causes.h"
#include "realise/vary.h"

/* The spot is part of this text, where that stands in the second build's. */
static bool is_in(const struct spot *s, const char *text)
{
	struct str near = s->near_b;
	size_t n = strlen(text);

	for (const char *p = near.ptr;
	     (p = memmem(p, (size_t)(near.ptr + near.len - p), text, n)); p++)
		if (p < s->b.ptr + s->b.len && s->b.ptr < p + n)
			return true;
	return false;
}

static bool has(struct str s, const char *text)
{
	return memmem(s.ptr, s.len, text, strlen(text)) != NULL;
}

/* A whole decimal number, or -1. */
static long number(struct str s)
{
	long n = 0;

	if (!s.len || s.len > 9)
		return -1;
	for (size_t i = 0; i < s.len; i++) {
		if (!isdigit((unsigned char)s.ptr[i]))
			return -1;
		n = n * 10 + s.ptr[i] - '0';
	}
	return n;
}

/* --- what the sandbox was ----------------------------------------------------------- */

bool cause_place(const struct evidence *e, const struct spot *s)
{
	static const char scratch[] = "/nix/var/kbuild/tmp/";

	(void)e;
	return is_in(s, "moved/down/build") ||
	       (has(s->near_a, scratch) && has(s->near_b, scratch));
}

bool cause_host(const struct evidence *e, const struct spot *s)
{
	return is_in(s, e->again->host);
}

bool cause_user(const struct evidence *e, const struct spot *s)
{
	return is_in(s, e->again->user) ||
	       (number(s->a) == e->first->uid && number(s->b) == e->again->uid);
}

bool cause_kernel(const struct evidence *e, const struct spot *s)
{
	(void)e;
	return is_in(s, "-another") || is_in(s, "#999 SMP another");
}

bool cause_environment(const struct evidence *e, const struct spot *s)
{
	const char *const *env;
	size_t n = variation_environment(&env);

	(void)e;
	if (is_in(s, "/vary/shim.so"))
		return true;
	for (size_t i = 0; i < n; i++)
		if (is_in(s, env[i]) || str_is(s->near_b, strchr(env[i], '=') + 1))
			return true;
	return false;
}

bool cause_locale(const struct evidence *e, const struct spot *s)
{
	static const char *const quotes[] = {"\u2018", "\u2019", "\u201c", "\u201d"};

	(void)e;
	for (size_t i = 0; i < ARRAY_LEN(quotes); i++)
		if (is_in(s, quotes[i]) && !has(s->near_a, quotes[i]))
			return true;
	return false;
}

/* --- modes -------------------------------------------------------------------------- */

static long octal(struct str s)
{
	long n = 0;

	if (s.len < 3 || s.len > 6)
		return -1;
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] < '0' || s.ptr[i] > '7')
			return -1;
		n = n * 8 + s.ptr[i] - '0';
	}
	return n;
}

/* drwxr-xr-x, as ls writes it, at the spot */
static bool is_listed(const struct spot *s)
{
	static const char *const letters[] = {"-dlbcps", "r-",   "w-", "xsS-", "r-",
					      "w-",      "xsS-", "r-", "w-",   "xtT-"};
	struct str near = s->near_b;

	for (size_t at = 0; at + ARRAY_LEN(letters) <= near.len; at++) {
		const char *p = near.ptr + at;
		size_t n = 0;

		while (n < ARRAY_LEN(letters) && strchr(letters[n], p[n]) && p[n])
			n++;
		if (n == ARRAY_LEN(letters) && p < s->b.ptr + s->b.len &&
		    s->b.ptr < p + n)
			return true;
	}
	return false;
}

bool cause_mode(const struct evidence *e, const struct spot *s)
{
	long a = octal(s->a), b = octal(s->b);

	if (a >= 0 && b >= 0 && a != b && b == (a & ~(long)e->again->umask))
		return true;
	return is_listed(s);
}

/* --- chance ------------------------------------------------------------------------- */

static bool is_name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.';
}

/* The file name a spot is in, with the slash before it. */
static struct str name_around(struct str near, struct str word)
{
	const char *from = word.ptr, *to = word.ptr + word.len;

	while (from > near.ptr && is_name_char(from[-1]))
		from--;
	while (to < near.ptr + near.len && is_name_char(*to))
		to++;
	if (from > near.ptr && from[-1] == '/')
		from--;
	return (struct str){from, (size_t)(to - from)};
}

/* tmp.x8Vb2kQ1Zc, tmpab12cd_x, /ccA1b2C3.o, cc12Ab3D.s */
static bool is_temporary(struct str name)
{
	if (name.len && *name.ptr == '/')
		name = (struct str){name.ptr + 1, name.len - 1};
	if (name.len >= 9 && strncmp(name.ptr, "tmp", 3) == 0)
		return true;
	return name.len >= 10 && strncmp(name.ptr, "cc", 2) == 0 && name.ptr[8] == '.';
}

static bool in_tmp(struct str near, struct str word)
{
	static const char dir[] = "/tmp/";
	struct str name = name_around(near, word);
	size_t n = sizeof(dir) - 1;

	return name.len && name.ptr - near.ptr + 1 >= (long)n && *name.ptr == '/' &&
	       memcmp(name.ptr + 1 - n, dir, n) == 0;
}

bool cause_temporary(const struct evidence *e, const struct spot *s)
{
	(void)e;
	if (!s->a.len || !s->b.len)
		return false;
	return (is_temporary(name_around(s->near_a, s->a)) &&
		is_temporary(name_around(s->near_b, s->b))) ||
	       (in_tmp(s->near_a, s->a) && in_tmp(s->near_b, s->b));
}

static bool is_uuid(struct str s)
{
	enum { LEN = 36 };

	for (size_t i = 0; i < s.len && s.len == LEN; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? s.ptr[i] != '-' : !isxdigit((unsigned char)s.ptr[i]))
			return false;
	}
	return s.len == LEN;
}

bool cause_uuid(const struct evidence *e, const struct spot *s)
{
	(void)e;
	return is_uuid(name_around(s->near_a, s->a)) &&
	       is_uuid(name_around(s->near_b, s->b));
}

bool cause_pid(const struct evidence *e, const struct spot *s)
{
	enum { MORE = 64, PID_MAX = 4194304 };
	long a = number(s->a), b = number(s->b);

	return a > 0 && b > a && b < PID_MAX && e->again->pids &&
	       b - a >= (long)e->again->pids && b - a <= (long)e->again->pids + MORE;
}

bool cause_jobs(const struct evidence *e, const struct spot *s)
{
	enum { JOBS_MAX = 1024 };
	long a = number(s->a), b = number(s->b);

	if (has(s->near_b, "-jobserver-"))
		return true;
	/* "j3" is a word of "-j3" */
	if (a < 0 && b < 0 && s->a.len > 1 && s->b.len > 1 && *s->a.ptr == 'j' &&
	    *s->b.ptr == 'j') {
		a = number((struct str){s->a.ptr + 1, s->a.len - 1});
		b = number((struct str){s->b.ptr + 1, s->b.len - 1});
	}
	return a > 0 && b > 0 && a != b && a < JOBS_MAX &&
	       (b == e->again->jobs || b == e->again->processors);
}

static bool is_address(struct str s)
{
	return s.len == 14 &&
	       (strncmp(s.ptr, "0x7f", 4) == 0 || strncmp(s.ptr, "0x55", 4) == 0 ||
		strncmp(s.ptr, "0x56", 4) == 0);
}

bool cause_address(const struct evidence *e, const struct spot *s)
{
	(void)e;
	return is_address(s->a) && is_address(s->b);
}

/* Most of the bytes differ, and there are enough of them. */
static bool is_noise(struct str a, struct str b)
{
	enum { SHORTEST = 4 };
	size_t least = a.len < b.len ? a.len : b.len, differ = 0;

	for (size_t i = 0; i < least; i++)
		differ += a.ptr[i] != b.ptr[i];
	return least >= SHORTEST && differ * 2 > least;
}

bool cause_random(const struct evidence *e, const struct spot *s)
{
	(void)e;
	return is_noise(s->a, s->b);
}
