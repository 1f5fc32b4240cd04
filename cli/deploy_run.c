// SPDX-License-Identifier: MIT
/* The talk with board/deploy.sh. */
#include <stdio.h>

#include "base/alloc.h"
#include "base/log.h"
#include "cli/deploy.h"
#include "cli/explain_report.h"
#include "module/vermagic.h"

/* What the machine said since the last outcome, and what of it is to be explained. */
struct running {
	struct deployment *d;
	struct talk *t;
	struct strbuf said, explained;
	struct json_object *log, *output, *explanations; /* NULL: words */
	int code;                                        /* of what failed; 0 */
	const char *failed;                              /* "insmod hello" */
};

static const char *copy(struct deployment *d, struct str s)
{
	return arena_strndup(d->a, s.ptr, s.len);
}

/* --- before ---------------------------------------------------------------------------
 */

static int read_facts(struct deployment *d, struct talk *t, struct error *err)
{
	struct str key, rest;
	bool root = false;

	for (;;) {
		if (talk_line(t, &key, &rest, err) < 0)
			return -1;
		if (str_is(key, "release")) {
			d->release = copy(d, rest);
		} else if (str_is(key, "machine")) {
			d->machine = copy(d, rest);
		} else if (str_is(key, "vermagic")) {
			d->vermagic = copy(d, rest);
		} else if (str_is(key, "loaded")) {
			map_set(&d->loaded, copy(d, rest), d);
		} else if (str_is(key, "root")) {
			root = str_is(rest, "yes");
		} else if (str_is(key, "ready")) {
			break;
		} else if (!str_is(key, "begin")) {
			return talk_refuse(t, err, "an unknown key");
		}
	}
	if (root)
		return 0;
	error_class(err, ERROR_INFRA, "only root may load modules on %s", d->board.shown);
	return error_hint(err, "ssh://root@%s, or let sudo work without a password",
			  d->board.host);
}

/*
 * The kernel that runs there: what the recipe says of it, with the release, and the
 * vermagic if a module of it says one, that are really there.
 */
static int judge_live(struct deployment *d, struct error *err)
{
	struct kernel_target live = d->target;
	struct str words = d->target.vermagic ? str_of(d->target.vermagic) : STR("");
	const struct machine *m =
		d->machine ? machine_of_uname(str_of(d->machine)) : NULL;

	if (d->release)
		live.release = d->release;
	if (d->vermagic) {
		live.vermagic = d->vermagic;
	} else if (d->release && words.len) {
		size_t skip = vermagic_split(words).part[VERMAGIC_RELEASE].len;

		live.vermagic = arena_printf(d->a, "%s%s", d->release, words.ptr + skip);
	}
	if (m)
		live.machine = m;
	return deploy_judge(d, &live, d->board.shown, err);
}

/* What others need may be there; what was asked for must be new. */
static int check_loaded(struct deployment *d, struct error *err)
{
	for (size_t i = 0; i < d->n && !d->unload; i++) {
		struct deploy_module *m = &d->modules[i];

		m->skipped = map_get(&d->loaded, m->name) != NULL;
		if (!m->skipped || !m->asked)
			continue;
		error_class(err, ERROR_RECIPE, "%s is loaded already on %s", m->name,
			    d->board.shown);
		return error_hint(err, "--unload");
	}
	return 0;
}

/* One line a module, then the files, each filled up to whole blocks. */
static void send_plan(struct deployment *d, struct talk *t)
{
	enum { BLOCK = 4096 };
	static const char zeros[BLOCK];
	autobuf struct strbuf all = STRBUF_INIT;

	for (size_t i = 0; i < d->n; i++) {
		const struct deploy_module *m = &d->modules[i];

		for (size_t k = 0; k < m->nneeds && !m->skipped; k++)
			strbuf_printf(&all, "needs %s\n", m->needs[k]);
		if (!m->skipped)
			strbuf_printf(&all, "module %s %s %zu %s\n", m->file, m->name,
				      m->bytes.len, m->params.ptr ? m->params.ptr : "");
	}
	strbuf_adds(&all, "data\n");
	for (size_t i = 0; i < d->n; i++) {
		const struct strbuf *bytes = &d->modules[i].bytes;

		if (d->modules[i].skipped)
			continue;
		strbuf_add(&all, bytes->ptr, bytes->len);
		strbuf_add(&all, zeros, (BLOCK - bytes->len % BLOCK) % BLOCK);
	}
	talk_send(t, (struct str){all.ptr, all.len}, true);
}

/* --- while it runs --------------------------------------------------------------------
 */

static void print_line(FILE *to, const char *before, struct str line)
{
	autobuf struct strbuf masked = STRBUF_INIT;

	strbuf_adds(&masked, before);
	strbuf_add_masked(&masked, line.ptr, line.len);
	strbuf_addc(&masked, '\n');
	fwrite(masked.ptr, 1, masked.len, to);
	fflush(to);
}

static void push_line(struct json_object *list, struct str line)
{
	autobuf struct strbuf masked = STRBUF_INIT;

	strbuf_add_masked(&masked, line.ptr, line.len);
	json_push(list, masked.ptr ? masked.ptr : "");
}

/* A remark that is always there when a module of one's own is loaded needs no words. */
static bool is_usual(const struct explanation *e)
{
	return !strcmp(e->message->code, "taint") ||
	       !strcmp(e->message->code, "signature");
}

static void explain(struct running *r, struct str line)
{
	struct explanation e;

	if (!explain_line(line, &e) || is_usual(&e))
		return;
	if (r->explanations)
		json_object_array_add(r->explanations, json_of_explanation(line, &e));
	else
		report_explanation(line, &e, &r->explained);
}

static void take_log(struct running *r, struct str line)
{
	bool command = r->d->command != NULL;

	if (r->log)
		push_line(r->log, line);
	else
		print_line(command ? stderr : stdout, command ? "log| " : "", line);
	explain(r, line);
}

static int read_code(struct running *r, struct str text, int *code, struct error *err)
{
	*code = 0;
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9' || i > 2)
			return talk_refuse(r->t, err, "an exit code that is none");
		*code = *code * 10 + text.ptr[i] - '0';
	}
	return text.len && *code < 256
		       ? 0
		       : talk_refuse(r->t, err, "an exit code that is none");
}

/* What modprobe could not do may not matter; insmod will tell. */
static void tell_failure(struct running *r, const char *what, int code, bool counts)
{
	struct str said = {r->said.ptr ? r->said.ptr : "", r->said.len};
	autobuf struct strbuf out = STRBUF_INIT;

	strbuf_printf(&out, "%s: %s on %s: exit code %d\n", counts ? "error" : "warning",
		      what, r->d->board.shown, code);
	while (said.len) {
		struct str line = str_cut(&said, '\n');

		strbuf_adds(&out, "  ");
		strbuf_add_masked(&out, line.ptr, line.len);
		strbuf_addc(&out, '\n');
		explain(r, line);
	}
	fwrite(out.ptr, 1, out.len, stderr);
	if (!counts)
		return;
	r->code = code;
	r->failed = arena_strdup(r->d->a, what);
}

/* "insmod hello 0": a program is done. */
static int take_outcome(struct running *r, struct str what, struct str rest,
			struct error *err)
{
	struct str name = str_cut(&rest, ' ');
	autobuf struct strbuf words = STRBUF_INIT;
	int code;

	strbuf_printf(&words, "%.*s ", (int)what.len, what.ptr);
	strbuf_add_masked(&words, name.ptr, name.len);
	if (read_code(r, rest.ptr ? rest : STR(""), &code, err) < 0)
		return -1;
	if (code)
		tell_failure(r, words.ptr, code, !str_is(what, "modprobe"));
	else
		log_say(LOG_INFO, "%s on %s: done", words.ptr, r->d->board.shown);
	strbuf_reset(&r->said);
	return 1;
}

static int take_exit(struct running *r, struct str rest, struct error *err)
{
	int code;

	if (read_code(r, rest, &code, err) < 0)
		return -1;
	if (code)
		tell_failure(r, "the command", code, true);
	return 1;
}

/* 1 more follows, 0 that was all, -1. */
static int take_line(struct running *r, struct str key, struct str rest,
		     struct error *err)
{
	if (str_is(key, "end"))
		return 0;
	if (str_is(key, "log")) {
		take_log(r, rest);
	} else if (str_is(key, "out") && r->output) {
		push_line(r->output, rest);
	} else if (str_is(key, "out")) {
		print_line(stdout, "", rest);
	} else if (str_is(key, "said")) {
		if (r->said.len)
			strbuf_addc(&r->said, '\n');
		strbuf_add(&r->said, rest.ptr, rest.len);
	} else if (str_is(key, "insmod") || str_is(key, "rmmod") ||
		   str_is(key, "modprobe")) {
		return take_outcome(r, key, rest, err);
	} else if (str_is(key, "exit")) {
		return take_exit(r, rest, err);
	} else if (str_is(key, "failed")) {
		return error_class(err, ERROR_INFRA, "%s: %.*s", r->d->board.shown,
				   (int)rest.len, rest.ptr);
	} else if (str_is(key, "copied")) {
		log_say(r->d->keep || r->d->to ? LOG_INFO : LOG_DEBUG,
			"copied to %s: %.*s", r->d->board.shown, (int)rest.len, rest.ptr);
	} else {
		return talk_refuse(r->t, err, "an unknown key");
	}
	return 1;
}

static int follow(struct running *r, struct error *err)
{
	enum { INSMOD_S = 300 };
	struct str key, rest;
	int more = 1;

	/* The command may think as long as it wants; ssh notices a machine that is gone.
	 */
	r->t->silent_s = r->d->command ? 0 : INSMOD_S;
	r->t->relay = true;
	while (more > 0) {
		if (talk_line(r->t, &key, &rest, err) < 0)
			return -1;
		more = take_line(r, key, rest, err);
	}
	return more;
}

/* --- all ------------------------------------------------------------------------------
 */

static void add_switch(struct strbuf *out, const char *name, const char *value)
{
	strbuf_printf(out, "%s=", name);
	board_quote(out, value);
	strbuf_addc(out, '\n');
}

static void report(struct running *r)
{
	struct json_object *o = r->d->json;

	if (!o) {
		fwrite(r->explained.ptr ? r->explained.ptr : "", 1, r->explained.len,
		       stderr);
		return;
	}
	json_add(o, "release", r->d->release);
	json_add_number(o, "code", (uint64_t)r->code);
	json_add(o, "failed", r->failed);
}

int deploy_run(struct deployment *d, struct error *err)
{
	const uint64_t limit = 256 << 20;
	autobuf struct strbuf setup = STRBUF_INIT;
	struct talk t;
	struct running r = {.d = d, .t = &t};

	add_switch(&setup, "to", d->to ? d->to : "");
	add_switch(&setup, "keep", d->keep ? "y" : "");
	add_switch(&setup, "unload", d->unload ? "y" : "");
	add_switch(&setup, "has_command", d->command ? "y" : "");
	add_switch(&setup, "command", d->command ? d->command : "");
	if (d->json) {
		r.log = json_add_list(d->json, "log");
		r.output = json_add_list(d->json, "output");
		r.explanations = json_add_list(d->json, "messages");
	}
	int res = talk_open(&t, d->cli, &d->board, setup.ptr, "deploy.sh", limit, err);
	if (res == 0)
		res = read_facts(d, &t, err);
	if (res == 0)
		res = judge_live(d, err);
	if (res == 0)
		res = check_loaded(d, err);
	if (res == 0) {
		send_plan(d, &t);
		res = follow(&r, err);
		report(&r);
	}
	talk_finish(&t);
	strbuf_finish(&r.said);
	strbuf_finish(&r.explained);
	return res < 0 ? -1 : r.code;
}
