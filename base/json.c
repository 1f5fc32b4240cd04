// SPDX-License-Identifier: MIT
#include "base/json.h"

#include <stddef.h>

static struct json_object *member(struct json_object *o, const char *key,
				  enum json_type type)
{
	struct json_object *v;

	return json_object_object_get_ex(o, key, &v) && json_object_is_type(v, type)
		       ? v
		       : NULL;
}

const char *json_text(struct json_object *o, const char *key)
{
	struct json_object *v = member(o, key, json_type_string);

	return v ? json_object_get_string(v) : NULL;
}

uint64_t json_number(struct json_object *o, const char *key)
{
	return json_object_get_uint64(member(o, key, json_type_int));
}

struct json_object *json_list(struct json_object *o, const char *key)
{
	return member(o, key, json_type_array);
}

void json_add(struct json_object *o, const char *key, const char *text)
{
	if (text)
		json_object_object_add(o, key, json_object_new_string(text));
}

void json_add_number(struct json_object *o, const char *key, uint64_t number)
{
	json_object_object_add(o, key, json_object_new_uint64(number));
}

struct json_object *json_add_list(struct json_object *o, const char *key)
{
	struct json_object *list = json_object_new_array();

	json_object_object_add(o, key, list);
	return list;
}

struct json_object *json_add_object(struct json_object *o, const char *key)
{
	struct json_object *child = json_object_new_object();

	json_object_object_add(o, key, child);
	return child;
}

void json_push(struct json_object *list, const char *text)
{
	json_object_array_add(list, json_object_new_string(text));
}
