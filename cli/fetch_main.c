// SPDX-License-Identifier: MIT
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "base/log.h"
#include "cli/fetch_request.h"

enum { REQUEST_LIMIT = 64 << 20 };

static const struct {
	const char *name;
	request_fn *run;
	bool needs_host;
} requests[] = {
	{"cache-info", do_cache_info, false},
	{"cache-log", do_cache_log, true},
	{"cache-narinfos", do_cache_narinfos, false},
	{"cache-nars", do_cache_nars, true},
	{"cache-put-files", do_cache_put_files, false},
	{"cache-put-nars", do_cache_put_nars, false},
	{"fetch", do_fetch, true},
	{"fetch-debs", do_fetch_debs, true},
	{"resolve", do_resolve, true},
	{"resolve-debs", do_resolve_debs, true},
	{"tree-hash", do_tree_hash, false},
	{"unpack", do_unpack, false},
	{"unpack-debs", do_unpack_debs, false},
};

/* One line {"KEY": value}; takes over value. */
static void say(const char *key, struct json_object *value)
{
	struct json_object *line = json_object_new_object();

	json_object_object_add(line, key, value);
	puts(json_object_to_json_string_ext(
		line, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	fflush(stdout);
	json_object_put(line);
}

static void tell_progress(void *ctx, const char *what, uint64_t done, uint64_t total)
{
	struct json_object *o = json_object_new_object();

	(void)ctx;
	json_object_object_add(o, "what", json_object_new_string(what ? what : ""));
	json_object_object_add(o, "done", json_object_new_uint64(done));
	json_object_object_add(o, "total", json_object_new_uint64(total));
	say("progress", o);
}

static void tell_note(void *ctx, enum log_level level, const char *text)
{
	(void)ctx;
	if (level != LOG_DEBUG)
		say("note", json_object_new_string(text));
}

static const char *class_name(enum error_class class)
{
	switch (class) {
	case ERROR_INFRA:
		return "infra";
	case ERROR_LOCK:
		return "lock";
	case ERROR_RECIPE:
		return "recipe";
	default:
		return "";
	}
}

/* The first finding with everything underneath it, one cause a line. */
static void tell_error(const struct error *err)
{
	struct json_object *o = json_object_new_object();
	autobuf struct strbuf msg = STRBUF_INIT;
	const char *hint = NULL;

	for (const struct error *e = err; e; e = e->cause) {
		strbuf_printf(&msg, "%s%s", msg.len ? "\n" : "", e->msg);
		if (!hint)
			hint = e->hint;
	}
	json_object_object_add(o, "msg", json_object_new_string(msg.ptr));
	if (hint)
		json_object_object_add(o, "hint", json_object_new_string(hint));
	json_object_object_add(o, "class",
			       json_object_new_string(class_name(err->class)));
	say("error", o);
}

static int run(struct request *r, struct error *err)
{
	const char *what = request_need(r, "do", err);

	if (!what)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		if (strcmp(requests[i].name, what) != 0)
			continue;
		if (requests[i].needs_host && host_init(r->host, err) < 0)
			return -1;
		r->host->progress = (struct progress){.tell = tell_progress};
		return requests[i].run(r, err);
	}
	return error_make(err, "no request '%s'", what);
}

static struct json_object *read_request(struct error *err)
{
	autobuf struct strbuf text = STRBUF_INIT;
	struct json_object *in = NULL;

	if (read_all(0, REQUEST_LIMIT, &text, err) < 0)
		return NULL;
	if (text.len)
		in = json_tokener_parse(text.ptr);
	if (in && json_object_is_type(in, json_type_object))
		return in;
	json_object_put(in);
	error_make(err, "expected one JSON object on standard input");
	return NULL;
}

static int usage(void)
{
	fputs("kbuild-fetch is started by kbuild. It reads one request, a JSON object, "
	      "from "
	      "standard\ninput and answers in JSON lines. Requests:",
	      stdout);
	for (size_t i = 0; i < ARRAY_LEN(requests); i++)
		printf(" %s", requests[i].name);
	puts("");
	return 0;
}

int main(int argc, char **argv)
{
	autohost struct host host = {0};
	autoerror struct error err = {0};
	struct request r = {.host = &host};

	if (argc > 1)
		return strcmp(argv[1], "--help") == 0 ? usage() : (usage(), 2);
	umask(022);
	/* names in archives are UTF-8, whatever the user's terminal speaks */
	setlocale(LC_CTYPE, "C.UTF-8");
	log_install(tell_note, NULL);
	r.in = read_request(&err);
	r.result = json_object_new_object();
	int failed = r.in ? run(&r, &err) : -1;
	if (failed)
		tell_error(&err);
	else
		say("result", json_object_get(r.result));
	json_object_put(r.in);
	json_object_put(r.result);
	arena_finish(&r.arena);
	return failed ? 1 : 0;
}
