/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * kbuild-fetch, the program that touches network, git and archives: one request a
 * process, a JSON object on standard input, JSON lines on standard output
 * (fetchers/request.h). This is the edge where JSON becomes structs; the work is in
 * fetchers/.
 */
#include <json-c/json.h>

#include "base/arena.h"
#include "base/error.h"
#include "fetchers/fetch.h"

struct request {
	struct json_object *in;
	struct json_object *result; /* fill it */
	struct host *host;
	struct arena arena;
};

/* A text field; NULL when absent. Numbers pass, and lists of texts, one a line. */
const char *request_text(struct request *r, const char *key);
/* The same, absence is an error; an absolute path when `path`. */
const char *request_need(struct request *r, const char *key, struct error *err);
const char *request_path(struct request *r, const char *key, struct error *err);
void result_text(struct request *r, const char *key, const char *value);
void result_number(struct request *r, const char *key, uint64_t value);

typedef int request_fn(struct request *r, struct error *err);

request_fn do_resolve, do_fetch, do_resolve_debs, do_fetch_debs, do_unpack_debs,
	do_unpack, do_tree_hash, do_cache_info, do_cache_log, do_cache_narinfos,
	do_cache_nars, do_cache_put_files, do_cache_put_nars;
