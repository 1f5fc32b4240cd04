// SPDX-License-Identifier: MIT
#include "realise/message.h"

#include "base/dir.h"
#include "base/json.h"
#include "base/str.h"

/* Takes the object. A parent that is gone is noticed elsewhere: nothing to do here. */
void message_send(int fd, struct json_object *o)
{
	autobuf struct strbuf line = STRBUF_INIT;

	strbuf_adds(&line, json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
	strbuf_addc(&line, '\n');
	json_object_put(o);
	if (write_all(fd, line.ptr, line.len) < 0)
		return;
}

struct json_object *message_make(const char *kind)
{
	struct json_object *o = json_object_new_object();

	json_add(o, "kind", kind);
	return o;
}

void message_phase(int fd, const char *phase)
{
	struct json_object *o = message_make("phase");

	json_add(o, "text", phase);
	message_send(fd, o);
}

void message_count(int fd, const char *what, uint64_t done, uint64_t total)
{
	struct json_object *o = message_make("count");

	json_add(o, "text", what);
	json_add_number(o, "done", done);
	json_add_number(o, "total", total);
	message_send(fd, o);
}

void message_text(int fd, const char *kind, const char *text)
{
	struct json_object *o = message_make(kind);

	json_add(o, "text", text);
	message_send(fd, o);
}

void message_done(int fd, enum realise_state state, const struct realise_result *r)
{
	struct json_object *o = message_make("done");
	struct json_object *paths = json_add_list(o, "paths");

	for (size_t i = 0; i < r->noutputs; i++)
		json_push(paths, r->outputs[i].path);
	json_add_number(o, "state", state);
	message_send(fd, o);
}

void message_failed(int fd, const struct realise_failure *f)
{
	struct json_object *o = message_make("failed");
	struct json_object *refusals = json_add_list(o, "refusals");

	json_add_number(o, "class", f->class);
	json_add(o, "fault", f->kind);
	json_add_number(o, "retry", f->retry);
	json_add(o, "what", f->what);
	json_add(o, "hint", f->hint);
	json_add(o, "first_error", f->first_error);
	json_add(o, "tail", f->tail);
	json_add(o, "log", f->log);
	json_add(o, "kept", f->kept);
	for (size_t i = 0; i < f->nrefusals; i++) {
		struct json_object *r = json_object_new_object();

		json_add(r, "symbol", f->refusals[i].symbol);
		json_add(r, "asked", f->refusals[i].asked);
		json_add(r, "got", f->refusals[i].got);
		json_object_array_add(refusals, r);
	}
	struct json_object *verdicts = json_add_list(o, "verdicts");
	for (size_t i = 0; i < f->nverdicts; i++)
		json_push(verdicts, f->verdicts[i]);
	message_send(fd, o);
}

const char *message_kind(struct json_object *msg)
{
	const char *kind = json_text(msg, "kind");

	return kind ? kind : "";
}

static const char *keep(struct arena *a, struct json_object *msg, const char *key)
{
	const char *s = json_text(msg, key);

	return s ? arena_strdup(a, s) : NULL;
}

static void take_verdicts(struct json_object *msg, struct arena *a,
			  struct realise_failure *f)
{
	struct json_object *list = json_list(msg, "verdicts");
	size_t n = list ? json_object_array_length(list) : 0;

	f->verdicts = arena_array(a, n + 1, const char *);
	for (size_t i = 0; i < n; i++)
		f->verdicts[f->nverdicts++] = arena_strdup(
			a, json_object_get_string(json_object_array_get_idx(list, i)));
}

static void take_failure(struct json_object *msg, struct arena *a,
			 struct realise_failure *f)
{
	struct json_object *list = json_list(msg, "refusals");

	*f = (struct realise_failure){
		.class = (enum error_class)json_number(msg, "class"),
		.kind = keep(a, msg, "fault"),
		.retry = json_number(msg, "retry"),
		.what = keep(a, msg, "what"),
		.hint = keep(a, msg, "hint"),
		.first_error = keep(a, msg, "first_error"),
		.tail = keep(a, msg, "tail"),
		.log = keep(a, msg, "log"),
		.kept = keep(a, msg, "kept"),
	};
	take_verdicts(msg, a, f);
	if (!list)
		return;
	f->nrefusals = json_object_array_length(list);
	f->refusals = arena_array(a, f->nrefusals, struct realise_refusal);
	for (size_t i = 0; i < f->nrefusals; i++) {
		struct json_object *r = json_object_array_get_idx(list, i);

		f->refusals[i] = (struct realise_refusal){
			.symbol = keep(a, r, "symbol"),
			.asked = keep(a, r, "asked"),
			.got = keep(a, r, "got"),
		};
	}
}

void message_outcome(struct json_object *msg, struct arena *a, struct realise_result *r)
{
	struct json_object *paths = json_list(msg, "paths");

	if (strcmp(message_kind(msg), "failed") == 0) {
		r->state = STEP_FAILED;
		take_failure(msg, a, &r->failure);
		return;
	}
	r->state = (enum realise_state)json_number(msg, "state");
	for (size_t i = 0;
	     paths && i < r->noutputs && i < json_object_array_length(paths); i++)
		r->outputs[i].path = arena_strdup(
			a, json_object_get_string(json_object_array_get_idx(paths, i)));
}
