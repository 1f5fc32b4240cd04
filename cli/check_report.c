// SPDX-License-Identifier: MIT
#include "cli/check_report.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/json.h"
#include "base/map.h"
#include "base/str.h"

static bool is_true(struct json_object *o, const char *key)
{
	struct json_object *value = json_object_object_get(o, key);

	return value && json_object_get_boolean(value);
}

static size_t length(struct json_object *list)
{
	return list ? json_object_array_length(list) : 0;
}

bool report_is_same(struct json_object *report)
{
	struct json_object *outputs = json_list(report, "outputs");

	for (size_t i = 0; i < length(outputs); i++)
		if (!is_true(json_object_array_get_idx(outputs, i), "same"))
			return false;
	return true;
}

/* --- for people --------------------------------------------------------------------- */

static void add_masked(struct strbuf *b, const char *text)
{
	strbuf_add_masked(b, text, strlen(text));
}

static void add_labelled(struct strbuf *b, const char *label, const char *text)
{
	if (!text)
		return;
	strbuf_printf(b, "      %-7s", label);
	add_masked(b, *text ? text : "(nothing)");
	strbuf_addc(b, '\n');
}

static void add_place(struct strbuf *b, struct json_object *d)
{
	uint64_t line = json_number(d, "line");
	const char *section = json_text(d, "section"), *member = json_text(d, "member");
	const char *inside = json_text(d, "inside");

	strbuf_printf(b, " from byte %" PRIu64 " on", json_number(d, "offset"));
	if (line)
		strbuf_printf(b, ", line %" PRIu64, line);
	if (section) {
		strbuf_adds(b, ", in ");
		add_masked(b, section);
	}
	if (inside)
		strbuf_printf(b, ", unpacked by %s", inside);
	if (member) {
		strbuf_adds(b, ", member ");
		add_masked(b, member);
	}
}

static void add_causes(struct strbuf *b, struct json_object *causes)
{
	for (size_t i = 0; i < length(causes); i++) {
		struct json_object *c = json_object_array_get_idx(causes, i);
		const char *detail = json_text(c, "detail");

		strbuf_printf(b, "      cause: %s", json_text(c, "name"));
		if (detail) {
			strbuf_adds(b, ": ");
			add_masked(b, detail);
		}
		strbuf_addc(b, '\n');
	}
	if (!length(causes))
		strbuf_adds(b, "      cause: none that is known; --keep keeps both for a "
			       "closer look\n");
}

static void add_difference(struct strbuf *b, const char *output, struct json_object *d)
{
	const char *path = json_text(d, "path"), *kind = json_text(d, "kind");
	bool bytes = strcmp(kind, "bytes") == 0;

	strbuf_printf(b, "  %s%s", output, *path ? "/" : "");
	add_masked(b, path);
	strbuf_printf(b, ": %s", bytes ? "differs" : kind);
	if (bytes)
		add_place(b, d);
	strbuf_addc(b, '\n');
	add_labelled(b, "first:", json_text(d, "first"));
	add_labelled(b, "again:", json_text(d, "again"));
	add_causes(b, json_list(d, "causes"));
}

static void collect_mends(struct json_object *causes, struct map *told)
{
	for (size_t i = 0; i < length(causes); i++) {
		struct json_object *c = json_object_array_get_idx(causes, i);

		map_set(told, json_text(c, "name"), (void *)json_text(c, "hint"));
	}
}

/* Once each, however many files have it. */
static void add_mends(struct strbuf *b, struct json_object *outputs)
{
	struct map told = {0};

	for (size_t i = 0; i < length(outputs); i++) {
		struct json_object *list =
			json_list(json_object_array_get_idx(outputs, i), "differences");

		for (size_t k = 0; k < length(list); k++)
			collect_mends(
				json_list(json_object_array_get_idx(list, k), "causes"),
				&told);
	}
	map_each (&told, e)
		strbuf_printf(b, "  to mend %s: %s\n", e->key, (const char *)e->value);
	map_finish(&told);
}

static void add_closer(struct strbuf *b, const char *text)
{
	struct str rest = str_of(text);

	strbuf_adds(b, "  diffoscope says:\n");
	while (rest.ptr && rest.len) {
		struct str line = str_cut(&rest, '\n');

		strbuf_adds(b, "    ");
		strbuf_add_masked(b, line.ptr, line.len);
		strbuf_addc(b, '\n');
	}
}

static void add_output(struct strbuf *b, struct json_object *o)
{
	enum { SHOWN = 20 };
	struct json_object *list = json_list(o, "differences");
	uint64_t total = json_number(o, "total");
	const char *kept = json_text(o, "kept"), *closer = json_text(o, "diffoscope");

	for (size_t i = 0; i < length(list) && i < SHOWN; i++)
		add_difference(b, json_text(o, "name"),
			       json_object_array_get_idx(list, i));
	if (total > SHOWN)
		strbuf_printf(b, "  %s: %" PRIu64 " more differences\n",
			      json_text(o, "name"), total - SHOWN);
	if (kept)
		strbuf_printf(b, "  %s: kept as %s\n", json_text(o, "name"), kept);
	if (closer)
		add_closer(b, closer);
}

static void add_words(struct strbuf *b, struct json_object *list)
{
	for (size_t i = 0; i < length(list); i++)
		strbuf_printf(b, "%s%s", i ? ", " : "",
			      json_object_get_string(json_object_array_get_idx(list, i)));
}

static void add_step(struct strbuf *b, const struct checked *s)
{
	struct json_object *outputs = json_list(s->report, "outputs");
	struct json_object *not_varied = json_list(s->report, "not_varied");

	if (s->failed) {
		strbuf_printf(b, "%s: cannot be built under other conditions\n", s->name);
		return;
	}
	strbuf_printf(b, "%s: %s", s->name,
		      report_is_same(s->report) ? "the same" : "DIFFERENT");
	if (s->rounds > 1)
		strbuf_printf(b, " (round %u)", s->rounds);
	if (length(not_varied)) {
		strbuf_adds(b, ", not varied: ");
		add_words(b, not_varied);
	}
	strbuf_addc(b, '\n');
	for (size_t i = 0; i < length(outputs); i++)
		add_output(b, json_object_array_get_idx(outputs, i));
	add_mends(b, outputs);
}

/* --- for programs ------------------------------------------------------------------- */

static void move(struct json_object *from, const char *key, struct json_object *to)
{
	struct json_object *value = json_object_object_get(from, key);

	if (value)
		json_object_object_add(to, key, json_object_get(value));
}

static void add_step_json(struct json_object *all, const struct checked *s)
{
	struct json_object *step = json_add_object(all, s->name);
	struct json_object *list = json_list(s->report, "outputs");
	char seconds[32];

	json_add(step, "failed", s->failed);
	if (s->report && !s->failed) {
		json_object_object_add(
			step, "same", json_object_new_boolean(report_is_same(s->report)));
		move(s->report, "varied", step);
		move(s->report, "not_varied", step);
		struct json_object *outputs = json_add_object(step, "outputs");
		for (size_t i = 0; i < length(list); i++) {
			struct json_object *o = json_object_array_get_idx(list, i);
			const char *name = json_text(o, "name");

			json_object_object_add(outputs, name, json_object_get(o));
			json_object_object_del(o, "physical");
		}
	}
	json_add_number(step, "rounds", s->rounds);
	snprintf(seconds, sizeof(seconds), "%.3f", s->seconds);
	json_object_object_add(step, "seconds",
			       json_object_new_double_s(s->seconds, seconds));
}

void check_report(const struct cli *cli, const struct checked *steps, size_t n)
{
	struct json_object *all = cli->json ? json_object_new_object() : NULL;
	struct json_object *list = all ? json_add_object(all, "steps") : NULL;
	autobuf struct strbuf text = STRBUF_INIT;

	for (size_t i = 0; i < n; i++)
		if (all)
			add_step_json(list, &steps[i]);
		else
			add_step(&text, &steps[i]);
	if (all)
		cli_print_json(all);
	else if (text.len)
		fputs(text.ptr, stdout);
}
