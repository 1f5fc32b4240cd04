// SPDX-License-Identifier: MIT
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/alloc.h"

static struct error *newest(struct error *err)
{
	while (err->next)
		err = err->next;
	return err;
}

/* An empty finding at the end of the list. */
static struct error *fresh(struct error *err)
{
	if (!err->msg)
		return err;
	err = newest(err);
	err->next = xcalloc(1, sizeof(*err));
	return err->next;
}

static char *vformat(const char *fmt, va_list ap)
{
	char *s;

	if (vasprintf(&s, fmt, ap) < 0)
		BUG("bad format '%s'", fmt);
	return s;
}

int error_make(struct error *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fresh(err)->msg = vformat(fmt, ap);
	va_end(ap);
	return -1;
}

int error_class(struct error *err, enum error_class class, const char *fmt, ...)
{
	struct error *e = fresh(err);
	va_list ap;

	va_start(ap, fmt);
	e->msg = vformat(fmt, ap);
	va_end(ap);
	e->class = class;
	return -1;
}

int error_at(struct error *err, struct span at, const char *fmt, ...)
{
	struct error *e = fresh(err);
	va_list ap;

	va_start(ap, fmt);
	e->msg = vformat(fmt, ap);
	va_end(ap);
	e->at = at;
	e->class = ERROR_RECIPE;
	return -1;
}

int error_errno(struct error *err, const char *fmt, ...)
{
	int saved = errno;
	struct error *e = fresh(err);
	va_list ap;

	va_start(ap, fmt);
	autofree char *what = vformat(fmt, ap);
	va_end(ap);
	e->msg = xasprintf("%s: %s", what, strerror(saved));
	e->class = ERROR_INFRA;
	return -1;
}

int error_wrap(struct error *err, const char *fmt, ...)
{
	struct error *e = newest(err);
	struct error *cause = xcalloc(1, sizeof(*cause));
	va_list ap;

	*cause = *e;
	va_start(ap, fmt);
	*e = (struct error){
		.msg = vformat(fmt, ap),
		.class = cause->class,
		.cause = cause,
	};
	va_end(ap);
	return -1;
}

int error_place(struct error *err, struct span at)
{
	struct error *e = newest(err);

	if (!e->at.src)
		e->at = at;
	return -1;
}

int error_hint(struct error *err, const char *fmt, ...)
{
	struct error *e = newest(err);
	va_list ap;

	if (e->hint)
		return -1;
	va_start(ap, fmt);
	e->hint = vformat(fmt, ap);
	va_end(ap);
	return -1;
}

int error_join(struct error *err, struct error *more)
{
	if (more->msg) {
		*fresh(err) = *more;
		*more = (struct error){0};
	}
	return -1;
}

char *error_words(const struct error *err)
{
	char *all = xstrdup(err->msg ? err->msg : "");

	for (const struct error *e = err->cause; e; e = e->cause) {
		char *longer = xasprintf("%s: %s", all, e->msg);

		free(all);
		all = longer;
	}
	return all;
}

size_t error_count(const struct error *err)
{
	size_t n = 0;

	for (; err && err->msg; err = err->next)
		n++;
	return n;
}

static void free_all(struct error *err)
{
	while (err) {
		struct error *next = err->next;

		free(err->msg);
		free(err->hint);
		free_all(err->cause);
		free(err);
		err = next;
	}
}

void error_finish(struct error *err)
{
	free(err->msg);
	free(err->hint);
	free_all(err->cause);
	free_all(err->next);
	*err = (struct error){0};
}
