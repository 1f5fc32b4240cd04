// SPDX-License-Identifier: MIT
#include "cli/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"

enum { HEARTBEAT_S = 30 };

struct running {
	bool active;
	double start;
	char phase[64];
	char what[96]; /* of a download */
	uint64_t done, total;
	uint64_t first; /* where counting began, and when: the pace */
	double counting;
};

struct progress {
	const struct cli *cli;
	const struct realise_step *steps;
	struct running *v;
	size_t n;
	bool live;
	size_t drawn; /* live lines on the screen */
	double drew, spoke;
};

struct progress *progress_new(const struct cli *cli, const struct realise_step *steps,
			      size_t n)
{
	struct progress *p = xcalloc(1, sizeof(*p));

	p->cli = cli;
	p->steps = steps;
	p->n = n;
	p->v = xcalloc(n, sizeof(*p->v));
	p->live = cli->live && !cli->quiet;
	p->spoke = clock_s();
	return p;
}

static void erase(struct progress *p)
{
	if (p->drawn)
		fprintf(stderr, "\033[%zuA\033[J", p->drawn);
	p->drawn = 0;
}

static void add_time(struct strbuf *b, double seconds)
{
	long s = (long)seconds;

	if (s >= 3600)
		strbuf_printf(b, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
	else
		strbuf_printf(b, "%ld:%02ld", s / 60, s % 60);
}

/* How long as many objects as the last build had will take at the pace of this one. */
static void add_left(struct strbuf *b, const struct running *r)
{
	uint64_t made = r->done - r->first;

	if (r->what[0] || !made || r->total <= r->done || r->done * 20 < r->total)
		return;
	strbuf_adds(b, ", ");
	add_time(b,
		 (clock_s() - r->counting) / (double)made * (double)(r->total - r->done));
	strbuf_adds(b, " left");
}

static void describe(const struct progress *p, size_t i, struct strbuf *b)
{
	const struct running *r = &p->v[i];

	strbuf_printf(b, "%-18s %s", p->steps[i].name, r->phase);
	if (r->what[0]) {
		strbuf_printf(b, "  %s %" PRIu64, r->what, r->done >> 20);
		if (r->total)
			strbuf_printf(b, " of %" PRIu64, r->total >> 20);
		strbuf_adds(b, " MiB");
	} else if (r->done) {
		strbuf_printf(b, "  %" PRIu64, r->done);
		/* A step that outgrew its last build has no honest total any more. */
		if (r->total >= r->done)
			strbuf_printf(b, "/%" PRIu64, r->total);
		strbuf_adds(b, " objects");
	}
	strbuf_adds(b, "  ");
	add_time(b, clock_s() - r->start);
	add_left(b, r);
}

static size_t columns(void)
{
	struct winsize w;

	return ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 10 ? w.ws_col : 80;
}

static void draw(struct progress *p)
{
	autobuf struct strbuf b = STRBUF_INIT;
	size_t width = columns() - 1;

	erase(p);
	for (size_t i = 0; i < p->n; i++) {
		if (!p->v[i].active)
			continue;
		autobuf struct strbuf line = STRBUF_INIT;
		describe(p, i, &line);
		strbuf_add_masked(&b, line.ptr, line.len < width ? line.len : width);
		strbuf_addc(&b, '\n');
		p->drawn++;
	}
	fputs(b.ptr ? b.ptr : "", stderr);
	fflush(stderr);
	p->drew = clock_s();
}

PRINTF(2, 3) static void say(struct progress *p, const char *fmt, ...)
{
	autobuf struct strbuf text = STRBUF_INIT, masked = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vprintf(&text, fmt, ap);
	va_end(ap);
	strbuf_add_masked(&masked, text.ptr, text.len);
	erase(p);
	fprintf(stderr, "%s\n", masked.ptr);
	p->spoke = clock_s();
}

static void heartbeat(struct progress *p)
{
	if (p->live && clock_s() - p->drew > 0.2)
		draw(p);
	if (p->live || p->cli->quiet || clock_s() - p->spoke < HEARTBEAT_S)
		return;
	for (size_t i = 0; i < p->n; i++) {
		autobuf struct strbuf line = STRBUF_INIT;

		if (!p->v[i].active)
			continue;
		describe(p, i, &line);
		say(p, "%s", line.ptr);
	}
	p->spoke = clock_s();
}

static void finished(struct progress *p, const struct realise_event *e)
{
	const char *name = p->steps[e->step].name;

	p->v[e->step].active = false;
	if (p->cli->quiet)
		return;
	if (e->state == STEP_BUILT)
		say(p, "%s: built in %.1f s", name, e->seconds);
	else if (e->state == STEP_PULLED)
		say(p, "%s: pulled in %.1f s", name, e->seconds);
	else if (e->state == STEP_FAILED)
		say(p, "%s: failed after %.1f s", name, e->seconds);
	if (p->live)
		draw(p);
}

void progress_event(void *ctx, const struct realise_event *e)
{
	struct progress *p = ctx;
	struct running *r = &p->v[e->step];

	switch (e->kind) {
	case EVENT_START:
		*r = (struct running){.active = true, .start = clock_s()};
		if (!p->live && !p->cli->quiet)
			say(p, "%s: started", p->steps[e->step].name);
		break;
	case EVENT_PHASE:
		if (r->what[0]) { /* bytes of a download are no objects of a build */
			r->what[0] = '\0';
			r->done = r->total = 0;
			r->counting = 0;
		}
		snprintf(r->phase, sizeof(r->phase), "%s", e->text ? e->text : "");
		if (!p->live && p->cli->verbose)
			say(p, "%s: %s", p->steps[e->step].name, r->phase);
		break;
	case EVENT_COUNT:
		snprintf(r->what, sizeof(r->what), "%s", e->text ? e->text : "");
		r->done = e->done;
		r->total = e->total;
		if (!r->counting || r->done < r->first) {
			r->first = r->done;
			r->counting = clock_s();
		}
		break;
	case EVENT_LINE:
		say(p, "%s> %s", p->steps[e->step].name, e->text);
		break;
	case EVENT_WARN:
		if (!p->cli->quiet)
			say(p, "warning: %s: %s", p->steps[e->step].name, e->text);
		break;
	case EVENT_FINISH:
		finished(p, e);
		break;
	case EVENT_TICK:
		break;
	}
	heartbeat(p);
}

void progress_free(struct progress *p)
{
	if (!p)
		return;
	erase(p);
	free(p->v);
	free(p);
}
