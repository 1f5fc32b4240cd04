/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The few shapes in which we use json-c: objects of texts, numbers and lists. What a
 * getter returns lives as long as the object.
 */
#include <json-c/json.h>
#include <stdint.h>

/* NULL if there is no such member or it is no text. */
const char *json_text(struct json_object *o, const char *key);
/* 0 if there is none. */
uint64_t json_number(struct json_object *o, const char *key);
/* NULL if there is no such member or it is no array. */
struct json_object *json_list(struct json_object *o, const char *key);

/* Nothing is added for a NULL. */
void json_add(struct json_object *o, const char *key, const char *text);
void json_add_number(struct json_object *o, const char *key, uint64_t number);
/* The new list or object, owned by `o`. */
struct json_object *json_add_list(struct json_object *o, const char *key);
struct json_object *json_add_object(struct json_object *o, const char *key);
void json_push(struct json_object *list, const char *text);
