// SPDX-License-Identifier: MIT
#include "fetchers/download.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "fetchers/transfer.h"

static void report(const struct download_set *set, const struct transfer *ts)
{
	uint64_t done = 0, total = 0;
	bool known = true;

	for (size_t i = 0; i < set->n; i++) {
		curl_off_t length = -1;

		done += transfer_have(&ts[i]);
		if (ts[i].item->size)
			total += ts[i].item->size;
		else if (ts[i].easy && ts[i].state == TRANSFER_RUNS &&
			 curl_easy_getinfo(ts[i].easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T,
					   &length) == CURLE_OK &&
			 length > 0)
			total += (uint64_t)length;
		else
			known = false;
	}
	progress_say(set->progress, set->what, done, known ? total : 0);
}

/* Starts what may start; returns how long nothing will change by itself. */
static int fill(CURLM *multi, struct transfer *ts, const struct download_set *set,
		size_t *unfinished)
{
	unsigned parallel = set->parallel ? set->parallel : 1;
	size_t n = set->n;
	uint64_t now = clock_ms();
	unsigned running = 0;
	int wait_ms = 1000;

	*unfinished = 0;
	for (size_t i = 0; i < n; i++)
		running += ts[i].state == TRANSFER_RUNS;
	for (size_t i = 0; i < n; i++) {
		*unfinished += ts[i].state != TRANSFER_DONE;
		if (ts[i].state != TRANSFER_WAITS || running >= parallel)
			continue;
		if (ts[i].not_before_ms <= now) {
			transfer_start(&ts[i], multi);
			running++;
		} else if (ts[i].not_before_ms - now < (uint64_t)wait_ms) {
			wait_ms = (int)(ts[i].not_before_ms - now) + 1;
		}
	}
	return wait_ms;
}

/* The server does not answer: whoever has not begun need not ask it. */
static void give_up(const struct download_set *set, struct transfer *ts,
		    const struct error *why)
{
	for (size_t i = 0; i < set->n; i++)
		if (ts[i].state == TRANSFER_WAITS)
			transfer_give_up(&ts[i], why);
}

static bool failed(const struct transfer *t)
{
	return t->state == TRANSFER_DONE && error_is_set(&t->error);
}

/* Looks after the attempts that ended. 1 if there were some, -1 if all are to end. */
static int collect(const struct download_set *set, struct transfer *ts, CURLM *multi)
{
	int left, some = 0;

	for (CURLMsg *m; (m = curl_multi_info_read(multi, &left));) {
		struct transfer *t;
		CURLcode code = m->data.result;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&t);
		curl_multi_remove_handle(multi, t->easy);
		transfer_ended(t, code);
		if (failed(t) && t->silent && set->one_server)
			give_up(set, ts, &t->error);
		some = 1;
	}
	for (size_t i = 0; !set->each && i < set->n; i++)
		if (failed(&ts[i]))
			return -1;
	return some;
}

static int run(const struct download_set *set, struct transfer *ts, CURLM *multi)
{
	for (;;) {
		int active;
		size_t unfinished;
		int wait_ms = fill(multi, ts, set, &unfinished);

		if (!unfinished)
			return 0;
		curl_multi_perform(multi, &active);
		int some = collect(set, ts, multi);
		if (some < 0)
			return -1;
		report(set, ts);
		wait_ms = some ? 0 : wait_ms;
		curl_multi_poll(multi, NULL, 0, wait_ms < 100 ? wait_ms : 100, NULL);
	}
}

static int prepare(struct download_set *set, struct transfer *ts, struct error *err)
{
	uint64_t end = set->patience_s ? clock_ms() + set->patience_s * 1000ull : 0;

	for (size_t i = 0; i < set->n; i++) {
		ts[i].set = set;
		ts[i].item = &set->items[i];
		ts[i].deadline_ms = end;
		set->items[i].gone = false;
		if (!set->items[i].urls.n)
			return error_class(err, ERROR_INFRA, "no address to get %s from",
					   set->items[i].what);
	}
	return 0;
}

static void finish(const struct download_set *set, struct transfer *t, CURLM *multi,
		   struct error *err)
{
	struct download *d = t->item;

	if (t->state == TRANSFER_RUNS)
		curl_multi_remove_handle(multi, t->easy);
	d->gone = t->state == TRANSFER_DONE && t->misses == d->urls.n;
	d->unanswered = failed(t) && t->silent;
	if (failed(t))
		error_join(set->each ? &d->error : err, &t->error);
	transfer_finish(t);
}

int download_all(struct download_set *set, struct error *err)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return error_class(err, ERROR_INFRA, "libcurl does not start");
	struct transfer *ts = xcalloc(set->n ? set->n : 1, sizeof(*ts));
	CURLM *multi = curl_multi_init();
	int broken = prepare(set, ts, err);

	if (!broken)
		broken = run(set, ts, multi);
	if (!broken)
		report(set, ts);
	for (size_t i = 0; i < set->n; i++)
		if (ts[i].item)
			finish(set, &ts[i], multi, err);
	curl_multi_cleanup(multi);
	free(ts);
	return broken;
}
