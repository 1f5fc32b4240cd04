// SPDX-License-Identifier: MIT
#include "realise/message.h"

#include "base/dir.h"
#include "base/str.h"

/* Takes the object. A parent that is gone is noticed elsewhere: nothing to do here. */
static void send(int fd, struct json_object *o)
{
	autobuf struct strbuf line = STRBUF_INIT;

	strbuf_adds(&line, json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
	strbuf_addc(&line, '\n');
	json_object_put(o);
	if (write_all(fd, line.ptr, line.len) < 0)
		return;
}

static struct json_object *make(const char *kind)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "kind", json_object_new_string(kind));
	return o;
}

static void add_text(struct json_object *o, const char *key, const char *text)
{
	if (text)
		json_object_object_add(o, key, json_object_new_string(text));
}

void message_phase(int fd, const char *phase)
{
	struct json_object *o = make("phase");

	add_text(o, "text", phase);
	send(fd, o);
}

void message_count(int fd, const char *what, uint64_t done, uint64_t total)
{
	struct json_object *o = make("count");

	add_text(o, "text", what);
	json_object_object_add(o, "done", json_object_new_uint64(done));
	json_object_object_add(o, "total", json_object_new_uint64(total));
	send(fd, o);
}

void message_text(int fd, const char *kind, const char *text)
{
	struct json_object *o = make(kind);

	add_text(o, "text", text);
	send(fd, o);
}

void message_done(int fd, enum realise_state state, const struct realise_result *r)
{
	struct json_object *o = make("done"), *paths = json_object_new_array();

	for (size_t i = 0; i < r->noutputs; i++)
		json_object_array_add(paths, json_object_new_string(r->outputs[i].path));
	json_object_object_add(o, "paths", paths);
	json_object_object_add(o, "state", json_object_new_int(state));
	send(fd, o);
}

void message_failed(int fd, const struct realise_failure *f)
{
	struct json_object *o = make("failed"), *refusals = json_object_new_array();

	json_object_object_add(o, "class", json_object_new_int(f->class));
	add_text(o, "what", f->what);
	add_text(o, "hint", f->hint);
	add_text(o, "first_error", f->first_error);
	add_text(o, "tail", f->tail);
	add_text(o, "log", f->log);
	add_text(o, "kept", f->kept);
	for (size_t i = 0; i < f->nrefusals; i++) {
		struct json_object *r = json_object_new_object();

		add_text(r, "symbol", f->refusals[i].symbol);
		add_text(r, "asked", f->refusals[i].asked);
		add_text(r, "got", f->refusals[i].got);
		json_object_array_add(refusals, r);
	}
	json_object_object_add(o, "refusals", refusals);
	send(fd, o);
}

const char *message_string(struct json_object *msg, const char *key)
{
	struct json_object *v;

	return json_object_object_get_ex(msg, key, &v) ? json_object_get_string(v) : NULL;
}

uint64_t message_number(struct json_object *msg, const char *key)
{
	struct json_object *v;

	return json_object_object_get_ex(msg, key, &v) ? json_object_get_uint64(v) : 0;
}

const char *message_kind(struct json_object *msg)
{
	const char *kind = message_string(msg, "kind");

	return kind ? kind : "";
}

static const char *keep(struct arena *a, struct json_object *msg, const char *key)
{
	const char *s = message_string(msg, key);

	return s ? arena_strdup(a, s) : NULL;
}

static void take_failure(struct json_object *msg, struct arena *a,
			 struct realise_failure *f)
{
	struct json_object *list;

	*f = (struct realise_failure){
		.class = (enum error_class)message_number(msg, "class"),
		.what = keep(a, msg, "what"),
		.hint = keep(a, msg, "hint"),
		.first_error = keep(a, msg, "first_error"),
		.tail = keep(a, msg, "tail"),
		.log = keep(a, msg, "log"),
		.kept = keep(a, msg, "kept"),
	};
	if (!json_object_object_get_ex(msg, "refusals", &list))
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
	struct json_object *paths;

	if (strcmp(message_kind(msg), "failed") == 0) {
		r->state = STEP_FAILED;
		take_failure(msg, a, &r->failure);
		return;
	}
	r->state = (enum realise_state)message_number(msg, "state");
	if (!json_object_object_get_ex(msg, "paths", &paths))
		return;
	for (size_t i = 0; i < r->noutputs && i < json_object_array_length(paths); i++)
		r->outputs[i].path = arena_strdup(
			a, json_object_get_string(json_object_array_get_idx(paths, i)));
}
