// SPDX-License-Identifier: MIT
/* The files that tell CMake, make, a shell and anybody else what was exported. */
#include "base/alloc.h"
#include "base/json.h"
#include "base/str.h"
#include "cli/exports.h"

/* Back from a file below the folder to it: "../.." of "a/b/f", "." of "f". */
static void add_way_up(struct strbuf *out, const char *path)
{
	const char *slash = strchr(path, '/');

	strbuf_adds(out, slash ? ".." : ".");
	while (slash && (slash = strchr(slash + 1, '/')))
		strbuf_adds(out, "/..");
}

static void add_cmake(struct strbuf *out, const char *s)
{
	for (; *s; s++) {
		if (strchr("\\\"$@", *s))
			strbuf_addc(out, '\\');
		strbuf_addc(out, *s);
	}
}

static void cmake(const char *dir, const char *path, const struct export_variable *v,
		  size_t n, struct strbuf *out)
{
	(void)dir; /* found from where the file is */
	strbuf_adds(out, "# Written by kbuild; changes are lost.\n"
			 "get_filename_component(KBUILD_EXPORTS_DIR "
			 "\"${CMAKE_CURRENT_LIST_DIR}/");
	add_way_up(out, path);
	strbuf_adds(out, "\" ABSOLUTE)\n");
	for (size_t i = 0; i < n; i++) {
		strbuf_printf(out, "set(KBUILD_%s \"%s", v[i].name,
			      v[i].is_path ? "${KBUILD_EXPORTS_DIR}/" : "");
		add_cmake(out, v[i].value);
		strbuf_adds(out, "\")\n");
	}
}

/* A value in a makefile: $ is doubled, # and the backslashes before it are escaped. */
static void add_make(struct strbuf *out, const char *s)
{
	for (; *s; s++) {
		size_t slashes = strspn(s, "\\");

		for (size_t i = 0; i < slashes; i++)
			strbuf_adds(out, s[slashes] == '#' ? "\\\\" : "\\");
		s += slashes;
		if (!*s)
			break;
		strbuf_adds(out, *s == '#' ? "\\#" : *s == '$' ? "$$" : "");
		if (!strchr("#$", *s))
			strbuf_addc(out, *s);
	}
	/* A backslash at the end would take the next line in. */
	if (out->len && out->ptr[out->len - 1] == '\\')
		strbuf_adds(out, "$()");
}

static void make(const char *dir, const char *path, const struct export_variable *v,
		 size_t n, struct strbuf *out)
{
	(void)path;
	strbuf_adds(out, "# Written by kbuild; changes are lost.\n"
			 "KBUILD_EXPORTS_DIR ?= ");
	add_make(out, dir);
	for (size_t i = 0; i < n; i++) {
		strbuf_printf(out, "\nKBUILD_%s := %s", v[i].name,
			      v[i].is_path ? "$(KBUILD_EXPORTS_DIR)/" : "");
		add_make(out, v[i].value);
	}
	strbuf_addc(out, '\n');
}

static void add_shell(struct strbuf *out, const char *s)
{
	for (; *s; s++) {
		if (*s == '\'')
			strbuf_adds(out, "'\\''");
		else
			strbuf_addc(out, *s);
	}
}

static void env(const char *dir, const char *path, const struct export_variable *v,
		size_t n, struct strbuf *out)
{
	(void)path;
	strbuf_adds(out, "# Written by kbuild; changes are lost.\nKBUILD_EXPORTS_DIR='");
	add_shell(out, dir);
	for (size_t i = 0; i < n; i++) {
		strbuf_printf(out, "'\nKBUILD_%s='", v[i].name);
		if (v[i].is_path) {
			add_shell(out, dir);
			strbuf_addc(out, '/');
		}
		add_shell(out, v[i].value);
	}
	strbuf_adds(out, "'\n");
}

static char *lower(const char *s)
{
	char *out = xstrdup(s);

	for (char *c = out; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	return out;
}

/* Paths are relative to the file. */
static void json(const char *dir, const char *path, const struct export_variable *v,
		 size_t n, struct strbuf *out)
{
	struct json_object *all = json_object_new_object(), *files;
	autobuf struct strbuf up = STRBUF_INIT;

	(void)dir;
	if (strchr(path, '/')) {
		add_way_up(&up, path);
		strbuf_addc(&up, '/');
	}
	for (size_t i = 0; i < n; i++) {
		autofree char *name = lower(v[i].name);

		if (!v[i].is_path)
			json_add(all, name, v[i].value);
	}
	files = json_add_object(all, "files");
	for (size_t i = 0; i < n; i++) {
		autofree char *name = lower(v[i].name);
		autofree char *value =
			xasprintf("%s%s", up.ptr ? up.ptr : "", v[i].value);

		if (v[i].is_path)
			json_add(files, name, value);
	}
	strbuf_adds(out, json_object_to_json_string_ext(
				 all, JSON_C_TO_STRING_PRETTY |
					      JSON_C_TO_STRING_NOSLASHESCAPE));
	strbuf_addc(out, '\n');
	json_object_put(all);
}

void export_list(enum export_format format, const char *dir, const char *path,
		 const struct export_variable *v, size_t n, struct strbuf *out)
{
	static void (*const write[EXPORT_FORMATS])(
		const char *, const char *, const struct export_variable *, size_t,
		struct strbuf *) = {cmake, make, json, env};

	write[format](dir, path, v, n, out);
}
