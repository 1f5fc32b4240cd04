// SPDX-License-Identifier: MIT
#include "evaluator/sections.h"

#include <string.h>

#include "evaluator/checks.h"
#include "evaluator/findings.h"
#include "evaluator/prebuilt.h"

/* --- tables --------------------------------------------------------------------- */

static const struct schema text = {.type = TYPE_TEXT};
static const struct schema line = {.type = TYPE_TEXT, .check = check_line};

static const struct schema_key source_keys[] = {
	{"from", true, {.type = TYPE_TEXT, .check = check_source}},
	{"sha256", false, {.type = TYPE_TEXT, .check = check_sha256}},
	{"strip", false, {.type = TYPE_INT}},
	{"mirrors", false, {.type = TYPE_LIST, .of = &line}},
	{"include", false, {.type = TYPE_LIST, .of = &line}},
	{"exclude", false, {.type = TYPE_LIST, .of = &line}},
};
#define SOURCE_SCHEMA                                                                    \
	.type = TYPE_SECTION, KEYS(source_keys), .shorthand = "from",                    \
	.check = check_local_tree_keys
static const struct schema source = {SOURCE_SCHEMA};

/* An input of a step may also be an output of another one: see interp.h. */
static const struct schema_key input_keys[] = {
	{"from", true, {.type = TYPE_TEXT, .check = check_input}},
	{"sha256", false, {.type = TYPE_TEXT, .check = check_sha256}},
	{"strip", false, {.type = TYPE_INT}},
	{"mirrors", false, {.type = TYPE_LIST, .of = &line}},
	{"include", false, {.type = TYPE_LIST, .of = &line}},
	{"exclude", false, {.type = TYPE_LIST, .of = &line}},
};
static const struct schema input = {.type = TYPE_SECTION,
				    KEYS(input_keys),
				    .shorthand = "from",
				    .check = check_local_tree_keys};

static const struct schema_key file_keys[] = {
	{"file", false, {.type = TYPE_TEXT}},
	{"text", false, {.type = TYPE_TEXT}},
	{"link", false, {.type = TYPE_TEXT, .check = check_line}},
	{"from", false, {.type = TYPE_TEXT, .check = check_source}},
	{"path", false, {.type = TYPE_TEXT, .check = check_line}},
	{"mode", false, {.type = TYPE_TEXT, .check = check_mode}},
	{"owner", false, {.type = TYPE_TEXT, .def = "0:0", .check = check_owner}},
};
static const struct schema file = {
	.type = TYPE_SECTION, KEYS(file_keys), .shorthand = "file", .check = check_file};

static const struct schema_key value_keys[] = {
	{"is", true, {.type = TYPE_TEXT, .check = check_value}},
	{"why", false, {.type = TYPE_TEXT}},
};
static const struct schema value = {
	.type = TYPE_SECTION, KEYS(value_keys), .shorthand = "is"};
#define VALUES .type = TYPE_MAP, .of = &value, .check_key = check_symbol

static const char *const prefer_words[] = {"builtin"};
static const struct schema use_item = {.type = TYPE_TEXT, .check = check_use};
static const struct schema_key config_keys[] = {
	{"base", false, {.type = TYPE_TEXT, .check = check_base}},
	{"use", false, {.type = TYPE_LIST, .of = &use_item}},
	{"set", false, {VALUES}},
	{"wish", false, {VALUES}},
	{"prefer", false, {.type = TYPE_ENUM, WORDS(prefer_words)}},
};

static const char *const build_words[] = {"auto", "full", "prepare"};
static const struct schema_key prebuilt_keys[] = {
	{"from", true, {.type = TYPE_TEXT, .check = check_prebuilt}},
	{"sha256", false, {.type = TYPE_TEXT, .check = check_sha256}},
	{"strip", false, {.type = TYPE_INT}},
	{"mirrors", false, {.type = TYPE_LIST, .of = &line}},
	{"include", false, {.type = TYPE_LIST, .of = &line}},
	{"exclude", false, {.type = TYPE_LIST, .of = &line}},
};
static const struct schema_key kernel_keys[] = {
	{"source", false, {SOURCE_SCHEMA}},
	{"prebuilt",
	 false,
	 {.type = TYPE_SECTION,
	  KEYS(prebuilt_keys),
	  .shorthand = "from",
	  .check = check_local_tree_keys}},
	{"target", false, {.type = TYPE_TEXT, .check = check_target}},
	{"build", false, {.type = TYPE_ENUM, WORDS(build_words)}},
	{"symvers", false, {.type = TYPE_TEXT, .check = check_local}},
	{"patches", false, {.type = TYPE_LIST, .of = &source}},
	{"localversion",
	 false,
	 {.type = TYPE_TEXT, .def = "", .check = check_localversion}},
	{"image", false, {.type = TYPE_TEXT, .def = "auto", .check = check_image}},
	{"config", false, {.type = TYPE_SECTION, KEYS(config_keys), .always = true}},
};

static const struct schema_key need_config_keys[] = {
	{"config", false, {VALUES}},
	{"modules", false, {.type = TYPE_LIST, .of = &line}},
};
static const struct schema_key module_keys[] = {
	{"source", true, {SOURCE_SCHEMA}},
	{"make", false, {.type = TYPE_MAP, .of = &line}},
	{"install", false, {.type = TYPE_TEXT, .def = "updates", .check = check_install}},
	{"load", false, {.type = TYPE_BOOL, .def = "n"}},
	{"params", false, {.type = TYPE_TEXT, .def = "", .check = check_line}},
	{"needs", false, {.type = TYPE_SECTION, KEYS(need_config_keys)}},
};
static const struct schema module = {
	.type = TYPE_SECTION, KEYS(module_keys), .shorthand = "source"};

static const char *const compress_words[] = {"gzip", "lz4", "none", "xz", "zstd"};
static const struct schema_key initramfs_keys[] = {
	{"busybox", false, {.type = TYPE_TEXT, .def = "static", .check = check_busybox}},
	{"files", false, {.type = TYPE_MAP, .of = &file, .check_key = check_guest_place}},
	{"bins", false, {.type = TYPE_LIST, .of = &source}},
	{"modules", false, {.type = TYPE_LIST, .of = &line}},
	{"init", false, {.type = TYPE_SECTION, KEYS(file_keys), .shorthand = "file"}},
	{"compress", false, {.type = TYPE_ENUM, .def = "gzip", WORDS(compress_words)}},
};

static const struct schema_key rootfs_keys[] = {
	{"base",
	 true,
	 {.type = TYPE_SECTION,
	  KEYS(input_keys),
	  .shorthand = "from",
	  .check = check_local_tree_keys}},
	{"add", false, {.type = TYPE_MAP, .of = &file, .check_key = check_guest_place}},
	{"modules", false, {.type = TYPE_LIST, .of = &line}},
	{"depmod", false, {.type = TYPE_BOOL, .def = "y"}},
	{"compress", false, {.type = TYPE_ENUM, .def = "gzip", WORDS(compress_words)}},
};

static const char *const accel_words[] = {"auto", "kvm", "tcg"};
static const char *const share_words[] = {"overlay", "ro", "rw"};
static const struct schema_key share_keys[] = {
	{"path", true, {.type = TYPE_TEXT, .check = check_line}},
	{"mode", false, {.type = TYPE_ENUM, .def = "rw", WORDS(share_words)}},
};
static const struct schema share = {
	.type = TYPE_SECTION, KEYS(share_keys), .shorthand = "path"};
static const struct schema_key timeout_keys[] = {
	{"boot", false, {.type = TYPE_DURATION, .def = "60s"}},
	{"idle", false, {.type = TYPE_DURATION, .def = "120s"}},
	{"total", false, {.type = TYPE_DURATION, .def = "10m"}},
};
static const struct schema regex = {.type = TYPE_TEXT, .check = check_regex};
static const struct schema port = {.type = TYPE_TEXT, .check = check_port};
static const struct schema_key run_keys[] = {
	{"machine", false, {.type = TYPE_TEXT, .def = "auto", .check = check_line}},
	{"cpu", false, {.type = TYPE_TEXT, .def = "max", .check = check_line}},
	{"smp", false, {.type = TYPE_INT, .def = "2", .check = check_smp}},
	{"memory", false, {.type = TYPE_SIZE, .def = "1G"}},
	{"append", false, {.type = TYPE_TEXT, .def = "", .check = check_line}},
	{"accel", false, {.type = TYPE_ENUM, .def = "auto", WORDS(accel_words)}},
	{"share", false, {.type = TYPE_MAP, .of = &share, .check_key = check_guest_path}},
	{"net", false, {.type = TYPE_TEXT, .def = "none", .check = check_net}},
	{"ports", false, {.type = TYPE_MAP, .of = &port, .check_key = check_port_key}},
	{"args", false, {.type = TYPE_LIST, .of = &line}},
	{"test", false, {.type = TYPE_TEXT}},
	{"expect", false, {.type = TYPE_TEXT, .check = check_regex}},
	{"forbid", false, {.type = TYPE_LIST, .of = &regex}},
	{"timeout", false, {.type = TYPE_SECTION, KEYS(timeout_keys), .always = true}},
};

static const struct schema_key gdb_keys[] = {
	{"wait", false, {.type = TYPE_BOOL, .def = "n"}},
	{"breaks", false, {.type = TYPE_LIST, .of = &line}},
	{"commands", false, {.type = TYPE_LIST, .of = &line}},
};

static const struct schema_key step_keys[] = {
	{"builder", true, {.type = TYPE_TEXT, .check = check_line}},
	{"inputs",
	 false,
	 {.type = TYPE_MAP, .of = &input, .check_key = check_plain_name}},
	{"options", false, {.type = TYPE_ANY}},
};
static const struct schema step = SECTION(step_keys);

static const struct schema export_value = {.type = TYPE_TEXT, .check = check_export};
static const struct schema_key exports_keys[] = {
	{"to", true, {.type = TYPE_TEXT, .check = check_export_dir}},
	{"files",
	 false,
	 {.type = TYPE_MAP, .of = &export_value, .check_key = check_export_key}},
	{"cmake", false, {.type = TYPE_TEXT, .check = check_export_path}},
	{"make", false, {.type = TYPE_TEXT, .check = check_export_path}},
	{"json", false, {.type = TYPE_TEXT, .check = check_export_path}},
	{"env", false, {.type = TYPE_TEXT, .check = check_export_path}},
};

static const struct schema_key store_keys[] = {
	{"keep", false, {.type = TYPE_SIZE}},
};

static const struct schema cache_address = {.type = TYPE_TEXT, .check = check_cache};
static const struct schema cache_key = {.type = TYPE_TEXT, .check = check_public_key};
static const struct schema_key cache_keys[] = {
	{"pull", false, {.type = TYPE_LIST, .of = &cache_address}},
	{"push", false, {.type = TYPE_TEXT, .check = check_cache}},
	{"trust", false, {.type = TYPE_LIST, .of = &cache_key}},
};

static const struct schema_key recipe_keys[] = {
	{"kbuild", true, {.type = TYPE_TEXT, .check = check_version}},
	{"name", false, {.type = TYPE_TEXT, .check = check_name}},
	{"extends", false, {.type = TYPE_LIST, .of = &text}},
	{"arch", false, {.type = TYPE_TEXT, .check = check_arch}},
	{"toolchain",
	 false,
	 {.type = TYPE_TEXT, .def = "debian/13", .check = check_toolchain}},
	{"kernel",
	 false,
	 {.type = TYPE_SECTION,
	  KEYS(kernel_keys),
	  .shorthand = "source",
	  .check = check_kernel}},
	{"modules",
	 false,
	 {.type = TYPE_MAP, .of = &module, .check_key = check_plain_name}},
	{"initramfs",
	 false,
	 {.type = TYPE_SECTION, KEYS(initramfs_keys), .always = true}},
	{"rootfs", false, {.type = TYPE_SECTION, KEYS(rootfs_keys), .shorthand = "base"}},
	{"run",
	 false,
	 {.type = TYPE_SECTION, KEYS(run_keys), .check = check_run, .always = true}},
	{"gdb", false, {.type = TYPE_SECTION, KEYS(gdb_keys), .always = true}},
	{"steps", false, {.type = TYPE_MAP, .of = &step, .check_key = check_step_name}},
	{"exports", false, {.type = TYPE_SECTION, KEYS(exports_keys)}},
	{"cache", false, {.type = TYPE_SECTION, KEYS(cache_keys)}},
	{"store", false, {.type = TYPE_SECTION, KEYS(store_keys)}},
};
const struct schema recipe_schema = SECTION(recipe_keys);

/* A secret key is a person's: no recipe names one. */
static const struct schema_key user_cache_keys[] = {
	{"pull", false, {.type = TYPE_LIST, .of = &cache_address}},
	{"push", false, {.type = TYPE_TEXT, .check = check_cache}},
	{"trust", false, {.type = TYPE_LIST, .of = &cache_key}},
	{"key", false, {.type = TYPE_TEXT, .check = check_line}},
};
static const struct schema_key config_file_keys[] = {
	{"cache", false, {.type = TYPE_SECTION, KEYS(user_cache_keys)}},
	{"store", false, {.type = TYPE_SECTION, KEYS(store_keys)}},
	/* read by kbuild-fetch */
	{"debian-mirrors", false, {.type = TYPE_ANY}},
	{"debian-snapshot", false, {.type = TYPE_ANY}},
	{"kernel-mirrors", false, {.type = TYPE_ANY}},
};
const struct schema config_schema = SECTION(config_file_keys);

/* --- checks across sections ----------------------------------------------------- */

static int check_module_list(const struct node *list, const struct node *modules,
			     const char *self, struct error *err)
{
	int ret = 0;

	for (size_t i = 0; list && i < list->n; i++) {
		const struct node *n = list->members[i].value;
		const char *words[64];
		size_t nwords = 0;

		if (self && strcmp(n->text, self) == 0) {
			ret = error_at(err, n->at, "module '%s' cannot need itself",
				       self);
			continue;
		}
		if (node_member(modules, n->text))
			continue;
		ret = error_at(err, n->at, "there is no module '%s'", n->text);
		for (size_t k = 0; modules && k < modules->n && nwords < ARRAY_LEN(words);
		     k++)
			words[nwords++] = modules->members[k].key;
		findings_suggest(err, n->text, words, nwords);
	}
	return ret;
}

/* '-' and '.' become '_' in a builder's variables: two names must not meet there. */
int sections_twins(const struct node *map, struct error *err)
{
	for (size_t i = 0; map && map->n <= 64 && i < map->n; i++) {
		for (size_t k = 0; k < i; k++) {
			const char *a = map->members[i].key, *b = map->members[k].key;

			while (*a && (*a == *b ||
				      (strchr("-_.", *a) && *b && strchr("-_.", *b))))
				a++, b++;
			if (!*a && !*b)
				return error_at(err, map->members[i].key_at,
						"'%s' and '%s' differ only in - and _",
						map->members[k].key, map->members[i].key);
		}
	}
	return 0;
}

/* What our init does, the init of a root file system does not. */
static void check_load(const struct node *r, struct error *err)
{
	const struct node *modules = node_get(r, "modules");

	if (!node_get(r, "rootfs") || !node_get(r, "initramfs")->is_default)
		return;
	for (size_t i = 0; modules && i < modules->n; i++) {
		const struct node *load = node_get(modules->members[i].value, "load");

		if (strcmp(load->text, "y") != 0)
			continue;
		error_at(err, load->at,
			 "'load' is for the init of an initramfs; a rootfs has its own");
		error_hint(err,
			   "add a script that loads it: rootfs: {add: "
			   "{/etc/init.d/S50%s: ./S50%s}}",
			   modules->members[i].key, modules->members[i].key);
	}
}

int sections_check(const struct node *r, struct error *err)
{
	static const char *const of_kernel[] = {"modules", "initramfs", "rootfs", "run",
						"gdb"};
	const struct node *modules = node_get(r, "modules");

	if (!node_get(r, "kernel")) {
		for (size_t i = 0; i < ARRAY_LEN(of_kernel); i++) {
			const struct member *m = node_member(r, of_kernel[i]);

			if (!m || m->value->is_default)
				continue;
			error_at(err, m->key_at, "'%s' needs a kernel", m->key);
			error_hint(err,
				   "add for example `kernel: debian/linux-source-6.12`");
		}
	}
	check_prebuilt_arch(r, err);
	check_load(r, err);
	sections_twins(modules, err);
	for (size_t i = 0; modules && i < modules->n; i++)
		check_module_list(
			node_get(node_get(modules->members[i].value, "needs"), "modules"),
			modules, modules->members[i].key, err);
	check_module_list(node_get(node_get(r, "initramfs"), "modules"), modules, NULL,
			  err);
	check_module_list(node_get(node_get(r, "rootfs"), "modules"), modules, NULL, err);
	const struct node *init = node_get(node_get(r, "initramfs"), "init");
	if (init &&
	    (!node_text(init, "file") || strcmp(node_text(init, "file"), "default") != 0))
		check_file(init, err);
	return findings_close(err);
}
