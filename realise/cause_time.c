// SPDX-License-Identifier: MIT
/*
 * Dates of the second build, whose time is known to the second. It is known twice: as its
 * builder's clock told it, and as the true clock did, which gives files their times.
 */
#include <ctype.h>
#include <time.h>

#include "realise/causes.h"

enum { SLACK_S = 2, MINUTES_MAX = 1000, DAY_S = 24 * 60 * 60 };

/* Days as people and programs write them. */
static const char *const day_formats[] = {
	"%Y-%m-%d", "%Y%m%d",   "%Y/%m/%d", "%Y.%m.%d", "%b %e",    "%b %d",  "%e %b",
	"%d %b",    "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%m/%d/%y", "%y%m%d", "%B %e",
};

static bool in_window(const struct run_facts *r, int64_t t)
{
	int64_t shown = t - r->ahead;

	return (t >= r->begin - SLACK_S && t <= r->end + SLACK_S) ||
	       (shown >= r->begin - SLACK_S && shown <= r->end + SLACK_S);
}

static bool overlaps(struct str s, const char *from, size_t len)
{
	return from < s.ptr + s.len && s.ptr < from + len;
}

/* A date's parts stand side by side: 2029-12-27T03:04:05Z, Thu Dec 27 03:04:05 UTC 2029.
 */
static bool is_date_char(char c)
{
	return isdigit((unsigned char)c) || (c && strchr(":-/.+ TZ,", c));
}

static bool is_date_word(const char *p, size_t n)
{
	static const char *const words[] = {
		"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "UTC",
		"GMT", "AM",  "PM",  "Jan", "Feb", "Mar", "Apr", "May",
		"Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strncmp(p, words[i], n) == 0 && strlen(words[i]) == n)
			return true;
	return false;
}

static size_t letters_before(struct str s, size_t at)
{
	size_t n = 0;

	while (n < at && isalpha((unsigned char)s.ptr[at - 1 - n]))
		n++;
	return n;
}

static size_t letters_at(struct str s, size_t at)
{
	size_t n = 0;

	while (at + n < s.len && isalpha((unsigned char)s.ptr[at + n]))
		n++;
	return n;
}

/* The whole date that a part of it belongs to. */
static struct str whole_date(struct str s, const char *part, size_t len)
{
	size_t from = (size_t)(part - s.ptr), to = from + len;

	for (;;) {
		size_t n = letters_before(s, from);

		if (n && is_date_word(s.ptr + from - n, n))
			from -= n;
		else if (from && is_date_char(s.ptr[from - 1]))
			from--;
		else
			break;
	}
	for (;;) {
		size_t n = letters_at(s, to);

		if (n && is_date_word(s.ptr + to, n))
			to += n;
		else if (to < s.len && is_date_char(s.ptr[to]))
			to++;
		else
			break;
	}
	return (struct str){s.ptr + from, to - from};
}

static bool has_part(const struct spot *s, const char *format, const struct tm *tm)
{
	char text[64];
	size_t n = strftime(text, sizeof(text), format, tm);
	struct str near = s->near_b;

	for (const char *p = near.ptr;
	     (p = memmem(p, (size_t)(near.ptr + near.len - p), text, n)); p++) {
		struct str date = whole_date(near, p, n);

		if (overlaps(s->b, date.ptr, date.len))
			return true;
	}
	return false;
}

static bool has_day(const struct spot *s, int64_t t)
{
	struct tm tm;
	time_t time = t;

	gmtime_r(&time, &tm);
	for (size_t i = 0; i < ARRAY_LEN(day_formats); i++)
		if (has_part(s, day_formats[i], &tm))
			return true;
	char year[16];
	snprintf(year, sizeof(year), "%d", tm.tm_year + 1900);
	return str_is(s->b, year);
}

static bool has_minute(const struct spot *s, int64_t t)
{
	struct tm tm;
	time_t time = t;

	gmtime_r(&time, &tm);
	return has_part(s, "%H:%M", &tm);
}

/* A time between two of the window's, shifted by `ahead`. */
static bool has_time_of_day(const struct spot *s, const struct run_facts *r,
			    int64_t ahead)
{
	int64_t from = r->begin + ahead, to = r->end + ahead;

	for (int64_t t = from; t <= to + DAY_S - 1; t += DAY_S)
		if (has_day(s, t < to ? t : to))
			return true;
	int64_t minutes = 0;
	for (int64_t t = from - from % 60; t <= to && minutes < MINUTES_MAX;
	     t += 60, minutes++)
		if (has_minute(s, t))
			return true;
	return false;
}

static bool all_digits(struct str s, int (*is_digit)(int))
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_digit((unsigned char)s.ptr[i]))
			return false;
	return s.len > 0;
}

/* Seconds, or finer, in decimal; 8 hex digits as in cpio; 11 octal ones as in tar. */
static bool is_epoch(const struct run_facts *r, struct str word)
{
	char digits[24];

	if (word.len < 8 || word.len >= sizeof(digits))
		return false;
	memcpy(digits, word.ptr, word.len);
	digits[word.len] = '\0';
	if (word.len == 8 && all_digits(word, isxdigit))
		return in_window(r, strtoll(digits, NULL, 16));
	if (!all_digits(word, isdigit) || word.len < 10)
		return false;
	if (word.len == 11 && in_window(r, strtoll(digits, NULL, 8)))
		return true;
	digits[10] = '\0';
	return in_window(r, strtoll(digits, NULL, 10));
}

bool cause_date(const struct evidence *e, const struct spot *s)
{
	const struct run_facts *r = e->again;

	if (!s->b.len)
		return false;
	return is_epoch(r, s->b) || has_time_of_day(s, r, r->ahead) ||
	       (r->ahead && has_time_of_day(s, r, 0));
}

static bool is_plausible(const struct run_facts *first, int64_t t)
{
	const int64_t year_2000 = 946684800;

	return t >= year_2000 && t <= first->end + DAY_S;
}

/* A 32-bit number around the spot that is a time in both. */
bool cause_binary_date(const struct evidence *e, const struct spot *s)
{
	struct str a = e->a, b = e->b;

	if (s->a.ptr < a.ptr || s->a.ptr >= a.ptr + a.len || s->b.ptr < b.ptr ||
	    s->b.ptr >= b.ptr + b.len)
		return false;
	for (size_t back = 0; back < 4; back++) {
		const unsigned char *x = (const unsigned char *)s->a.ptr - back;
		const unsigned char *y = (const unsigned char *)s->b.ptr - back;
		int64_t t[4] = {0};

		if ((const char *)x < a.ptr || (const char *)y < b.ptr ||
		    (const char *)x + 4 > a.ptr + a.len ||
		    (const char *)y + 4 > b.ptr + b.len)
			continue;
		for (int i = 0; i < 4; i++) {
			t[0] = t[0] << 8 | x[i];
			t[1] = t[1] << 8 | y[i];
			t[2] = t[2] << 8 | x[3 - i];
			t[3] = t[3] << 8 | y[3 - i];
		}
		if ((is_plausible(e->first, t[0]) && in_window(e->again, t[1])) ||
		    (is_plausible(e->first, t[2]) && in_window(e->again, t[3])))
			return true;
	}
	return false;
}
