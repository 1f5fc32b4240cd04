// SPDX-License-Identifier: MIT
#include "fetchers/request.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/child.h"
#include "base/dir.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"

/* What the lines said so far. */
struct answer {
	struct json_object *result;
	bool failed;
};

static enum error_class class_of(const char *name)
{
	static const struct {
		const char *name;
		enum error_class class;
	} classes[] = {
		{"infra", ERROR_INFRA}, {"lock", ERROR_LOCK}, {"recipe", ERROR_RECIPE}};

	for (size_t i = 0; i < ARRAY_LEN(classes); i++)
		if (name && strcmp(name, classes[i].name) == 0)
			return classes[i].class;
	return ERROR_OTHER;
}

static void take_error(struct json_object *o, struct error *err)
{
	const char *msg = json_text(o, "msg"), *hint = json_text(o, "hint");

	error_class(err, class_of(json_text(o, "class")), "%s",
		    msg ? msg : "failed without a reason");
	if (hint)
		error_hint(err, "%s", hint);
}

static void take_progress(const struct fetch_client *client, struct json_object *o)
{
	const char *what = json_text(o, "what");

	if (client->progress && what)
		client->progress(client->ctx, what, json_number(o, "done"),
				 json_number(o, "total"));
}

static int take_line(const struct fetch_client *client, const char *line,
		     struct answer *a, struct error *err)
{
	struct json_object *o = json_tokener_parse(line), *value;

	if (!o || !json_object_is_type(o, json_type_object)) {
		json_object_put(o);
		return error_make(err, "kbuild-fetch said '%.100s'", line);
	}
	if (json_object_object_get_ex(o, "progress", &value)) {
		take_progress(client, value);
	} else if (json_object_object_get_ex(o, "note", &value)) {
		log_say(LOG_INFO, "%s", json_object_get_string(value));
	} else if (json_object_object_get_ex(o, "error", &value)) {
		take_error(value, err);
		a->failed = true;
	} else if (json_object_object_get_ex(o, "result", &value)) {
		json_object_put(a->result);
		a->result = json_object_get(value);
	}
	json_object_put(o);
	return 0;
}

static int take_lines(const struct fetch_client *client, FILE *f, struct answer *a,
		      struct error *err)
{
	autofree char *line = NULL;
	size_t cap = 0;
	int failed = 0;

	/* to the end in any case: the other side must not be left hanging */
	while (getline(&line, &cap, f) >= 0)
		if (!failed && *line != '\n')
			failed = take_line(client, line, a, err);
	return failed;
}

/* The request as a file: it may be longer than a pipe holds. */
static int request_file(struct json_object *request, struct error *err)
{
	const char *bytes = json_object_to_json_string_ext(
		request, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	autoclose int fd = memfd_create("request", MFD_CLOEXEC);

	if (fd < 0 || write_all(fd, bytes, strlen(bytes)) < 0 ||
	    lseek(fd, 0, SEEK_SET) < 0)
		return error_errno(err, "cannot write a request");
	return take_fd(&fd);
}

/* No answer came: say how it ended. */
static int no_answer(int code, struct error *err)
{
	autobuf struct strbuf words = STRBUF_INIT;

	child_status_words(code, &words);
	if (code == 128 + 2 || code == 128 + 15)
		return error_class(err, ERROR_INTERRUPTED, "kbuild-fetch was %s",
				   words.ptr);
	return error_class(err, ERROR_INFRA, "kbuild-fetch gave no answer: %s",
			   words.ptr);
}

int fetch_call(const struct fetch_client *client, struct json_object *request,
	       struct json_object **result, struct error *err)
{
	autoargv struct argv argv = {0};
	struct answer a = {0};
	int pipefd[2];

	autoclose int in = request_file(request, err);
	if (in < 0)
		return -1;
	if (pipe2(pipefd, O_CLOEXEC) < 0)
		return error_errno(err, "cannot make a pipe");
	argv_push(&argv, client->program);
	struct child c = {.argv = &argv, .in = in, .out = pipefd[1], .same_group = true};
	pid_t pid = child_start(&c, err);
	close(pipefd[1]);
	autofile FILE *f = fdopen(pipefd[0], "r");
	if (pid < 0)
		return -1;
	int failed = take_lines(client, f, &a, err);
	int code = child_wait(pid, err);
	if (!failed && !a.failed && code >= 0 && !(code == 0 && a.result))
		failed = no_answer(code, err);
	if (failed || a.failed || code < 0) {
		json_object_put(a.result);
		return -1;
	}
	*result = a.result;
	return 0;
}
