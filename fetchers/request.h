/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Everything that touches the network, git or an archive runs in a second program,
 * kbuild-fetch, so that neither its libraries nor its bugs live in the evaluator. This is
 * the caller's side: one process a request; JSON in, JSON lines out.
 *
 * in (stdin, one object):
 *	{"do": "fetch", "dest": "/abs/dir/tree", ...pin...}
 * out (stdout, lines):
 *	{"progress": {"what": "linux.tar.xz", "done": 1234, "total": 5678}}
 *	{"note": "text for the user"}
 *	{"error": {"msg": "...", "hint": "...", "class": "infra"|"lock"|"recipe"}}
 *	{"result": {...}}
 * The last line is a result or an error. The table of requests is in cli/fetch_main.c.
 */
#include <json-c/json.h>
#include <stdint.h>

#include "base/error.h"

struct fetch_client {
	const char *program; /* path of kbuild-fetch */
	/* Told what happens; may be NULL. total 0: not known. */
	void (*progress)(void *ctx, const char *what, uint64_t done, uint64_t total);
	void *ctx;
};

/*
 * Runs one request and waits. Takes no ownership of `request`; *result is the caller's to
 * json_object_put. Interrupting us interrupts it.
 */
int fetch_call(const struct fetch_client *client, struct json_object *request,
	       struct json_object **result, struct error *err);
