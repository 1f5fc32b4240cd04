// SPDX-License-Identifier: MIT
/* Requests about one source: resolve, fetch, unpack. */
#include <string.h>

#include "cli/fetch_request.h"
#include "fetchers/unpack.h"

/* Everything in the request that is text, but the words of the protocol itself. */
static void take_fields(struct request *r, struct fetch_job *job)
{
	json_object_object_foreach(r->in, key, value)
	{
		if (!value || strcmp(key, "do") == 0 || strcmp(key, "dest") == 0 ||
		    strcmp(key, "input") == 0)
			continue;
		map_set(&job->in, key, arena_strdup(&r->arena, request_text(r, key)));
	}
}

static int prepare(struct request *r, struct fetch_job *job, struct error *err)
{
	const char *input = request_text(r, "input");

	job->host = r->host;
	job->arena = &r->arena;
	job->input = input ? input : "";
	job->dest = request_path(r, "dest", err);
	take_fields(r, job);
	return job->dest ? 0 : -1;
}

static void add_release(struct json_object *to, const struct apt_release *release)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "key", json_object_new_string(release->key));
	json_object_object_add(o, "sha256", json_object_new_string(release->sha256));
	json_object_object_add(o, "date", json_object_new_string(release->date));
	json_object_object_add(to, "release", o);
}

int do_resolve(struct request *r, struct error *err)
{
	struct fetch_job job = {0};
	int failed = prepare(r, &job, err) < 0 ? -1 : fetch_resolve(&job, err);

	if (!failed) {
		struct json_object *pin = json_object_new_object();

		map_each (&job.facts, e)
			json_object_object_add(pin, e->key,
					       json_object_new_string(e->value));
		json_object_object_add(r->result, "pin", pin);
		result_text(r, "name", job.name);
		result_text(r, "path", job.dest);
		if (job.release.key)
			add_release(r->result, &job.release);
	}
	fetch_finish(&job);
	return failed;
}

int do_fetch(struct request *r, struct error *err)
{
	struct fetch_job job = {0};
	int failed = prepare(r, &job, err) < 0 ? -1 : fetch_obtain(&job, err);

	if (!failed) {
		result_text(r, "name", job.name);
		result_text(r, "path", job.dest);
	}
	fetch_finish(&job);
	return failed;
}

int do_unpack(struct request *r, struct error *err)
{
	const char *strip = request_text(r, "strip");
	struct unpack u = {
		.archive = request_path(r, "archive", err),
		.dest = u.archive ? request_path(r, "dest", err) : NULL,
		.strip = STRIP_AUTO,
	};
	char number[2] = "0";

	if (!u.dest)
		return -1;
	if (strip && *strip) {
		if (*strip < '0' || *strip > '9' || strip[1])
			return error_make(err, "strip is '%s', expected 0 to 9", strip);
		u.strip = *strip - '0';
	}
	if (unpack_run(&u, err) < 0)
		return -1;
	number[0] = (char)('0' + u.strip);
	result_text(r, "path", u.dest);
	result_text(r, "strip", number);
	return 0;
}
