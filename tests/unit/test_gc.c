// SPDX-License-Identifier: MIT
/* The collector from inside: what is said to it while it deletes, and its small parts. */
#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "store/db.h"
#include "store/gc.h"
#include "store/gcserver.h"
#include "store/liveroots.h"
#include "tests/unit/storefix.h"

/* --- small parts ------------------------------------------------------------------ */

static void finds_paths_in_text(void **state)
{
	static const char digest[] = "7m2kmpxxmgm5jzsdj6fhnkqnwxpagshq";
	static const struct {
		const char *text;
		bool found;
	} cases[] = {
		{"/nix/store/7m2kmpxxmgm5jzsdj6fhnkqnwxpagshq-a", true},
		{"/nix/store/7m2kmpxxmgm5jzsdj6fhnkqnwxpagshq-a/bin/x", true},
		{"PATH=/bin:/root/nix/store/7m2kmpxxmgm5jzsdj6fhnkqnwxpagshq-a:x", true},
		{"/nix/store//nix/store/7m2kmpxxmgm5jzsdj6fhnkqnwxpagshq-a (deleted)",
		 true},
		{"/nix/store/7m2kmpxxmgm5jzsdj6fhnkqnwxpagshq", false},
		{"/nix/store/7m2kmpxxmgm5jzsdj6fhnkqnwxpagshqx", false},
		{"/nix/store/", false},
		{"/nix/stor/7m2kmpxxmgm5jzsdj6fhnkqnwxpagshq-a", false},
		{"", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		/* Without a NUL behind it: the end must be respected. */
		size_t len = strlen(cases[i].text);
		autofree char *text = xmalloc(len + 1);
		memcpy(text, cases[i].text, len);
		text[len] = 'x';
		const char *hit = store_path_in(text, len);

		print_message("# %s\n", cases[i].text);
		assert_int_equal(hit != NULL, cases[i].found);
		if (hit)
			assert_memory_equal(hit, digest, PATH_DIGEST_LEN);
	}
}

static void sizes_for_people(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{0, "0 B"},
		{1023, "1023 B"},
		{1024, "1.0 KiB"},
		{1536 * 1024, "1.5 MiB"},
		{21474836480, "20.0 GiB"},
		{UINT64_MAX, "16777216.0 TiB"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autobuf struct strbuf b = STRBUF_INIT;

		strbuf_add_size(&b, cases[i].bytes);
		assert_string_equal(b.ptr, cases[i].text);
	}
}

/* --- the socket ------------------------------------------------------------------- */

static void note_path(void *ctx, const char *path)
{
	strbuf_printf(ctx, "<%s>", path);
}

static int talk(int statefd)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path),
		 "/proc/self/fd/%d/gc-socket/socket", statefd);
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0)
		return fd;
	close(fd);
	return -1;
}

static void socket_answers_lines(void **state)
{
	struct fix *f = *state;
	autobuf struct strbuf said = STRBUF_INIT;
	autofree char *path = path_join(f->root, "nix/var/nix");
	autoclose int dir = open(path, O_RDONLY | O_DIRECTORY);
	struct gcserver *s;
	char answer[10], flood[5000];

	assert_done(gcserver_prepare(dir, &f->err), &f->err);
	/* Somebody who comes too early is refused, which says: try again. */
	assert_int_equal(talk(dir), -1);
	assert_int_equal(errno, ECONNREFUSED);
	assert_done(gcserver_start(dir, note_path, &said, &s, &f->err), &f->err);
	autoclose int a = talk(dir), b = talk(dir), c = talk(dir);
	assert_true(a >= 0 && b >= 0 && c >= 0);
	assert_int_equal(send(a, "/one\n/tw", 8, 0), 8);
	assert_int_equal(recv(a, answer, 1, 0), 1);
	assert_int_equal(*answer, '1');
	assert_int_equal(send(a, "o\nthree\n", 8, 0), 8);
	assert_int_equal(recv(a, answer, 2, MSG_WAITALL), 2);
	assert_memory_equal(answer, "11", 2);
	/* No line at all: dropped. */
	memset(flood, 'x', sizeof(flood));
	assert_int_equal(send(b, flood, sizeof(flood), 0), sizeof(flood));
	assert_true(recv(b, answer, 1, 0) <= 0);
	/* Who waits when it ends is told so, without an answer. */
	assert_int_equal(send(c, "half", 4, 0), 4);
	gcserver_stop(s);
	assert_true(recv(c, answer, 1, 0) <= 0);
	assert_string_equal(said.ptr, "</one></two><three>");
	assert_int_equal(talk(dir), -1);
	assert_int_equal(errno, ECONNREFUSED);
}

/* --- while it deletes ------------------------------------------------------------- */

enum { MANY = 20000 }; /* more than one batch */

static char *number_path(struct arena *a, int i)
{
	return arena_printf(a, STORE_DIR "/%032d-n%d", i, i);
}

/* Rows alone: a tree that is not there is as good as deleted. */
static void add_rows(struct fix *f)
{
	autofree char *dir = path_join(f->root, "nix/var/nix/db");
	struct db *db;

	assert_done(db_open(dir, DB_WRITE, &db, &f->err), &f->err);
	assert_done(db_begin(db, &f->err), &f->err);
	for (int i = 0; i < MANY; i++) {
		/* The last one refers to the first. */
		const char *first[] = {number_path(&f->a, 0)};
		const struct path_info row = {
			.path = number_path(&f->a, i),
			.registered = 1000 + i,
			.nar_size = 1,
			.refs = first,
			.nrefs = i == MANY - 1,
		};

		assert_done(db_add(db, &row, &f->err), &f->err);
	}
	assert_done(db_commit(db, &f->err), &f->err);
	db_close(db);
}

struct asking {
	struct fix *f;
	struct store *st;
	int reports;
};

/* A builder that begins in the middle and wants what has not gone yet. */
static void ask_for_last(void *ctx, const char *path, uint64_t bytes)
{
	struct asking *a = ctx;
	struct fix *f = a->f;

	(void)path, (void)bytes;
	if (a->reports++)
		return;
	assert_done(store_open(f->root, STORE_WRITE, &a->st, &f->err), &f->err);
	assert_done(store_temp_root(a->st, number_path(&f->a, MANY - 1), &f->err),
		    &f->err);
	/* That one is gone: the answer is the same, and says that it is settled. */
	assert_done(store_temp_root(a->st, path, &f->err), &f->err);
	assert_int_equal(store_find(a->st, path, &f->err), 0);
}

/* store scenario 21: a build starts while a collector deletes */
static void a_root_that_comes_late_counts(void **state)
{
	struct fix *f = *state;
	struct asking asking = {.f = f};
	const struct gc_options opt = {.report = ask_for_last, .ctx = &asking};
	struct gc_result res;

	add_rows(f);
	assert_done(store_gc(f->st, &opt, &res, &f->err), &f->err);
	assert_int_equal(find(f, number_path(&f->a, MANY - 1)), 1);
	assert_int_equal(find(f, number_path(&f->a, 0)), 1);
	assert_int_equal(res.paths, MANY - 2);
	assert_int_equal(res.stay, 2);
	assert_int_equal(res.kept, 2);
	/* As long as it lives: the file says so after the socket has gone. */
	assert_done(store_gc(f->st, &(struct gc_options){0}, &res, &f->err), &f->err);
	assert_int_equal(res.stay, 2);
	store_close(asking.st);
	assert_done(store_gc(f->st, &(struct gc_options){0}, &res, &f->err), &f->err);
	assert_int_equal(res.stay, 0);
}

/* What is being made has no row yet; its digest is known, whatever its tail. */
static void spares_what_is_being_made(void **state)
{
	static const char path[] = "/nix/store/7m2kmpxxmgm5jzsdj6fhnkqnwxpagshq-x";
	static const char *const tails[] = {"", ".lock", ".chroot"};
	struct fix *f = *state;
	struct gc_result res;
	struct store *builder;

	for (size_t i = 0; i < ARRAY_LEN(tails); i++) {
		autofree char *file = xasprintf("%s%s%s", f->root, path, tails[i]);

		assert_done(dir_write(AT_FDCWD, file, "", 0, 0644, false, &f->err),
			    &f->err);
	}
	assert_done(store_open(f->root, STORE_WRITE, &builder, &f->err), &f->err);
	assert_done(store_temp_root(builder, path, &f->err), &f->err);
	for (int alive = 1; alive >= 0; alive--) {
		assert_done(store_gc(f->st, &(struct gc_options){0}, &res, &f->err),
			    &f->err);
		for (size_t i = 0; i < ARRAY_LEN(tails); i++) {
			autofree char *file =
				xasprintf("%s%s%s", f->root, path, tails[i]);

			assert_int_equal(access(file, F_OK) == 0, alive);
		}
		if (alive)
			store_close(builder);
	}
}

/* Somebody who does not ask, but registers a referrer: the database has the last word. */
static void register_user(void *ctx, const char *path, uint64_t bytes)
{
	struct asking *a = ctx;
	struct fix *f = a->f;
	autofree char *dir = path_join(f->root, "nix/var/nix/db");
	const char *last[] = {number_path(&f->a, MANY - 1)};
	const struct path_info row = {
		.path = number_path(&f->a, MANY), .refs = last, .nrefs = 1};
	struct db *db;

	(void)path, (void)bytes;
	if (a->reports++)
		return;
	assert_done(db_open(dir, DB_WRITE, &db, &f->err), &f->err);
	assert_done(db_begin(db, &f->err), &f->err);
	assert_done(db_add(db, &row, &f->err), &f->err);
	assert_done(db_commit(db, &f->err), &f->err);
	db_close(db);
}

static void spares_what_a_stranger_uses(void **state)
{
	struct fix *f = *state;
	struct asking asking = {.f = f};
	const struct gc_options opt = {.report = register_user, .ctx = &asking};
	struct gc_result res;

	add_rows(f);
	assert_done(store_gc(f->st, &opt, &res, &f->err), &f->err);
	assert_int_equal(find(f, number_path(&f->a, MANY)), 1);
	assert_int_equal(find(f, number_path(&f->a, MANY - 1)), 1);
	assert_int_equal(find(f, number_path(&f->a, 0)), 1);
	assert_int_equal(res.paths, MANY - 2);
}

/* Two at once: the second leaves it to the first, or waits. */
static void report_busy(void *ctx, const char *path, uint64_t bytes)
{
	struct asking *a = ctx;
	struct gc_result res;

	(void)path, (void)bytes;
	if (a->reports++)
		return;
	assert_done(store_open(a->f->root, STORE_WRITE, &a->st, &a->f->err), &a->f->err);
	assert_done(
		store_gc(a->st, &(struct gc_options){.no_wait = true}, &res, &a->f->err),
		&a->f->err);
	assert_true(res.busy);
	store_close(a->st);
}

static void leaves_it_to_another(void **state)
{
	struct fix *f = *state;
	struct asking asking = {.f = f};
	struct gc_result res;

	add_text(f, "text", "text", NULL, 0);
	reopen(f, STORE_WRITE);
	assert_done(store_gc(f->st,
			     &(struct gc_options){.report = report_busy, .ctx = &asking},
			     &res, &f->err),
		    &f->err);
	assert_int_equal(asking.reports, 1);
	assert_int_equal(res.paths, 1);
	assert_false(res.busy);
}

/* As long as a database is made of the trees, what has no row is no garbage. */
static void waits_for_recovery(void **state)
{
	struct fix *f = *state;
	struct gc_result res;
	struct store *recovering;

	store_close(f->st);
	assert_done(store_open(f->root, STORE_RECOVER, &recovering, &f->err), &f->err);
	assert_done(store_open(f->root, STORE_WRITE, &f->st, &f->err), &f->err);
	for (int busy = 1; busy >= 0; busy--) {
		assert_done(store_gc(f->st, &(struct gc_options){.no_wait = true}, &res,
				     &f->err),
			    &f->err);
		assert_int_equal(res.busy, busy);
		if (busy)
			store_close(recovering);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_paths_in_text),
		cmocka_unit_test(sizes_for_people),
		STORE_TEST(socket_answers_lines),
		STORE_TEST(a_root_that_comes_late_counts),
		STORE_TEST(spares_what_is_being_made),
		STORE_TEST(spares_what_a_stranger_uses),
		STORE_TEST(leaves_it_to_another),
		STORE_TEST(waits_for_recovery),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
