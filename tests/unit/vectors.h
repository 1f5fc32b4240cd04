/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Reading tests/vectors for the unit tests, which run in the top folder of the sources.
 *
 *	vectors_each ("trees", v)
 *		check(text_of(v, "store_path"));
 *
 * The document lives until the program ends; vectors_finish gives it back.
 */
#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/child.h"
#include "base/dir.h"

static struct json_object *vectors_doc;

static inline struct json_object *vectors_section(const char *name)
{
	struct json_object *section;

	if (!vectors_doc)
		vectors_doc = json_object_from_file("tests/vectors/store.json");
	if (!vectors_doc || !json_object_object_get_ex(vectors_doc, name, &section))
		fail_msg("no vectors for %s: run this in the top folder", name);
	return section;
}

static inline int vectors_finish(void **state)
{
	(void)state;
	json_object_put(vectors_doc);
	vectors_doc = NULL;
	return 0;
}

#define vectors_each(name, v)                                                            \
	for (struct json_object *v##_all = vectors_section(name), *v = NULL; v##_all;    \
	     v##_all = NULL)                                                             \
		for (size_t v##_i = 0; v##_i < json_object_array_length(v##_all) &&      \
				       (v = json_object_array_get_idx(v##_all, v##_i));  \
		     v##_i++)

static inline struct json_object *field(struct json_object *v, const char *name)
{
	struct json_object *value;

	if (!json_object_object_get_ex(v, name, &value))
		fail_msg("no field %s in %s", name, json_object_to_json_string(v));
	return value;
}

static inline const char *text_of(struct json_object *v, const char *name)
{
	return json_object_get_string(field(v, name));
}

static inline size_t texts_of(struct json_object *v, const char *name, const char **out,
			      size_t max)
{
	struct json_object *list = field(v, name);
	size_t n = json_object_array_length(list);

	assert_true(n <= max);
	for (size_t i = 0; i < n; i++)
		out[i] = json_object_get_string(json_object_array_get_idx(list, i));
	return n;
}

/* A fresh directory below TMPDIR; free the name. */
static inline char *fresh_dir(void)
{
	const char *tmp = getenv("TMPDIR");
	char *dir = xasprintf("%s/kbuild-unit.XXXXXX", tmp && *tmp ? tmp : "/tmp");

	assert_non_null(mkdtemp(dir));
	return dir;
}

static inline void drop_dir(char *dir)
{
	autoerror struct error err = {0};

	assert_int_equal(dir_remove(-100 /* AT_FDCWD */, dir, &err), 0);
	free(dir);
}

/* Unpacks the trees into a fresh directory. */
static inline char *vectors_trees(void)
{
	autoargv struct argv argv = {0};
	autoerror struct error err = {0};
	char *dir = fresh_dir();

	argv_pushl(&argv, "tar", "-xJf", "tests/vectors/store-trees.tar.xz", "-C", dir,
		   NULL);
	assert_int_equal(child_run(&(struct child){.argv = &argv}, &err), 0);
	return dir;
}

static inline size_t base64_of(struct json_object *v, const char *name,
			       unsigned char **out)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *text = text_of(v, name);
	size_t n = 0;
	uint32_t bits = 0;
	int have = 0;

	*out = xmalloc(strlen(text));
	for (; *text && *text != '='; text++) {
		bits = bits << 6 | (uint32_t)(strchr(letters, *text) - letters);
		have += 6;
		if (have >= 8)
			(*out)[n++] = (unsigned char)(bits >> (have -= 8));
	}
	return n;
}

/* Fails with the text of the error. */
static inline void assert_done(int ret, const struct error *err)
{
	if (ret < 0)
		fail_msg("%s%s%s", err->msg ? err->msg : "no error text",
			 err->cause ? ": " : "", err->cause ? err->cause->msg : "");
}
