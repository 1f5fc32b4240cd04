// SPDX-License-Identifier: MIT
#include "cli/fetch_request.h"

#include "base/str.h"

const char *request_text(struct request *r, const char *key)
{
	struct json_object *value;
	autobuf struct strbuf lines = STRBUF_INIT;

	if (!json_object_object_get_ex(r->in, key, &value) || !value)
		return NULL;
	if (!json_object_is_type(value, json_type_array))
		return json_object_get_string(value);
	for (size_t i = 0; i < json_object_array_length(value); i++)
		strbuf_printf(
			&lines, "%s%s", i ? "\n" : "",
			json_object_get_string(json_object_array_get_idx(value, i)));
	return arena_strdup(&r->arena, lines.ptr ? lines.ptr : "");
}

const char *request_need(struct request *r, const char *key, struct error *err)
{
	const char *value = request_text(r, key);

	if (!value || !*value) {
		error_make(err, "the request has no '%s'", key);
		return NULL;
	}
	return value;
}

const char *request_path(struct request *r, const char *key, struct error *err)
{
	const char *value = request_need(r, key, err);

	if (value && *value != '/') {
		error_make(err, "'%s' of the request is no absolute path: %s", key,
			   value);
		return NULL;
	}
	return value;
}

void result_text(struct request *r, const char *key, const char *value)
{
	json_object_object_add(r->result, key, json_object_new_string(value));
}

void result_number(struct request *r, const char *key, uint64_t value)
{
	json_object_object_add(r->result, key, json_object_new_uint64(value));
}
