/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What a worker tells its parent: one JSON object a line on a pipe. A line is written
 * with one write(2), so lines of different threads of control never mix.
 */
#include <json-c/json.h>

#include "realise/realise.h"

/* A message of any kind to add to, and sending it, which takes the object. */
struct json_object *message_make(const char *kind);
void message_send(int fd, struct json_object *o);

/* Events while it runs. */
void message_phase(int fd, const char *phase);
void message_count(int fd, const char *what, uint64_t done, uint64_t total);
/* "line", "warn", "publish" */
void message_text(int fd, const char *kind, const char *text);
/* The end: paths of the outputs in the order of result->outputs, or the failure. */
void message_done(int fd, enum realise_state state, const struct realise_result *r);
void message_failed(int fd, const struct realise_failure *f);

/* Takes the outcome out of a final message into r (state, paths or failure). */
void message_outcome(struct json_object *msg, struct arena *a, struct realise_result *r);
/* "phase", "count", "line", "warn", "publish", "done", "failed" */
const char *message_kind(struct json_object *msg);
