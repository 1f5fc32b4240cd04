// SPDX-License-Identifier: MIT
/* Realisations, locks, roots, damage. */
#include <sys/wait.h>

#include "tests/unit/storefix.h"

/* --- realisations ----------------------------------------------------------------- */

static const char key[] = "/nix/store/ib3czs6y3l6b790q6hjscqf5x243r5ks-kb-ca";
static const char dev_key[] = "/nix/store/7m2kmpxxmgm5jzsdj6fhnkqnwxpagshq-kb-ca-dev";
static const char the_drv[] = "/nix/store/z5mhgfp5p111ns8a7jk3rrzrp93pgk1z-kb-ca.drv";

static void records_realisations(void **state)
{
	struct fix *f = *state;
	const char *mixed = add_tree(f, "mixed", "mixed");
	const char *hello = add_tree(f, "hello.txt", "hello.txt"), *path = NULL;
	const struct realisation both[] = {{key, mixed}, {dev_key, hello}};
	const struct realisation other = {key, hello};
	autofree char *garbage = store_physical(f->st, key);

	assert_int_equal(store_realisation(f->st, key, &f->a, &f->info, &path, &f->err),
			 0);
	assert_int_equal(mkdir(garbage, 0555), 0);
	assert_done(store_record(f->st, both, 2, the_drv, NULL, 0, &f->err), &f->err);
	reopen(f, STORE_READ);
	assert_int_equal(store_realisation(f->st, key, &f->a, &f->info, &path, &f->err),
			 1);
	assert_string_equal(path, mixed);
	assert_int_equal(
		store_realisation(f->st, dev_key, &f->a, &f->info, &path, &f->err), 1);
	assert_string_equal(path, hello);
	struct path_info i = info(f, key);
	assert_string_equal(i.deriver, the_drv);
	assert_true(i.ultimate);
	assert_null(i.ca);
	/* The first answer stays. */
	reopen(f, STORE_WRITE);
	assert_done(store_record(f->st, &other, 1, the_drv, NULL, 0, &f->err), &f->err);
	assert_int_equal(store_realisation(f->st, key, &f->a, &f->info, &path, &f->err),
			 1);
	assert_string_equal(path, mixed);
	assert_whole(f);
}

/* All outputs or none. */
static void records_are_atomic(void **state)
{
	struct fix *f = *state;
	const char *mixed = add_tree(f, "mixed", "mixed"), *path;
	const struct realisation both[] = {
		{key, mixed},
		{dev_key, "/nix/store/xrabnx1r49hn890prhx86h6iyn19p976-hello.txt"}};

	assert_int_equal(store_record(f->st, both, 2, the_drv, NULL, 0, &f->err), -1);
	assert_int_equal(store_realisation(f->st, key, &f->a, &f->info, &path, &f->err),
			 0);
	assert_int_equal(find(f, key), 0);
	assert_int_equal(find(f, mixed), 1);
}

/* A path that plain Nix built in place and that happens to have one reference. */
static void a_real_output_is_no_realisation(void **state)
{
	struct fix *f = *state;
	const char *hello = add_tree(f, "hello.txt", "hello.txt"), *hit;
	const char *text = add_text(f, "t", hello, &hello, 1);

	assert_int_equal(store_realisation(f->st, text, &f->a, &f->info, &hit, &f->err),
			 0);
}

/* Store scenario 23: who claims an output that is not its own does not get in. */
static void forged_derivations_stay_out(void **state)
{
	static const char text[] =
		"Derive([(\"out\",\"/nix/store/ib3czs6y3l6b790q6hjscqf5x243r5ks-kb-ca\","
		"\"\",\"\")],[],[],\"x86_64-linux\",\"/bin/sh\",[],[(\"out\","
		"\"/nix/store/ib3czs6y3l6b790q6hjscqf5x243r5ks-kb-ca\")])";
	struct fix *f = *state;
	const char *path;

	assert_int_equal(store_add_text(f->st, "kb-ca.drv", str_of(text), NULL, 0, &f->a,
					&path, &f->err),
			 -1);
	assert_non_null(strstr(f->err.cause->cause->msg, "claims"));
	assert_int_equal(find(f, path), 0);
}

/* --- locks, roots ----------------------------------------------------------------- */

static void locks_exclude(void **state)
{
	struct fix *f = *state;
	struct store *other;
	int mine, theirs;
	autofree char *file = store_physical(f->st, key);
	autofree char *lock = xasprintf("%s.lock", file);

	assert_done(store_open(f->root, STORE_WRITE, &other, &f->err), &f->err);
	assert_int_equal(store_lock(f->st, key, true, &mine, &f->err), 1);
	assert_int_equal(access(lock, F_OK), 0);
	assert_int_equal(store_lock(other, key, false, &theirs, &f->err), 0);
	assert_int_equal(theirs, -1);
	store_unlock(f->st, key, mine);
	assert_int_equal(access(lock, F_OK), -1);
	assert_int_equal(store_lock(other, key, false, &theirs, &f->err), 1);
	store_unlock(other, key, theirs);
	store_close(other);
}

/* Whoever waited on a lock that was given up and unlinked must take the new file. */
static void locks_are_handed_on(void **state)
{
	struct fix *f = *state;
	pid_t children[4];
	autofree char *counter = path_join(f->dir, "counter");

	assert_done(dir_write(AT_FDCWD, counter, "0", 1, 0644, false, &f->err), &f->err);
	for (size_t i = 0; i < ARRAY_LEN(children); i++) {
		children[i] = fork();
		if (children[i])
			continue;
		struct store *st;
		struct error err = {0};
		int fd, bad = store_open(f->root, STORE_WRITE, &st, &err) < 0;

		for (int k = 0; k < 50 && !bad; k++) {
			autobuf struct strbuf n = STRBUF_INIT;
			char text[20];

			bad |= store_lock(st, key, true, &fd, &err) != 1;
			bad |= dir_read(AT_FDCWD, counter, &n, &err) < 0;
			snprintf(text, sizeof(text), "%d", atoi(n.ptr) + 1);
			bad |= dir_write(AT_FDCWD, counter, text, strlen(text), 0644,
					 false, &err) < 0;
			store_unlock(st, key, fd);
		}
		_exit(bad);
	}
	for (size_t i = 0; i < ARRAY_LEN(children); i++) {
		int status;

		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	autobuf struct strbuf n = STRBUF_INIT;
	assert_done(dir_read(AT_FDCWD, counter, &n, &f->err), &f->err);
	assert_string_equal(n.ptr, "200");
}

/* Whoever gave it up could not unlink it: it must not be waited for. */
static void stale_lock_files_go(void **state)
{
	struct fix *f = *state;
	autofree char *file = store_physical(f->st, key);
	autofree char *lock = xasprintf("%s.lock", file);
	int fd;

	assert_done(dir_write(AT_FDCWD, lock, "d", 1, 0600, false, &f->err), &f->err);
	assert_int_equal(store_lock(f->st, key, false, &fd, &f->err), 1);
	store_unlock(f->st, key, fd);
	assert_int_equal(access(lock, F_OK), -1);
}

/* Adding what one holds the lock of does not wait for oneself. */
static void locks_nest(void **state)
{
	struct fix *f = *state;
	const char *path = "/nix/store/kr18gg748frzijnzz42g29j7z04l76an-mixed";
	autostore struct store *other = NULL;
	int fd, again;

	assert_int_equal(store_lock(f->st, path, true, &fd, &f->err), 1);
	assert_string_equal(add_tree(f, "mixed", "mixed"), path);
	assert_int_equal(store_lock(f->st, path, true, &again, &f->err), 1);
	store_unlock(f->st, path, again);
	/* It is still ours: another handle does not get it. */
	assert_done(store_open(f->root, STORE_WRITE, &other, &f->err), &f->err);
	assert_int_equal(store_lock(other, path, false, &again, &f->err), 0);
	store_unlock(f->st, path, fd);
	assert_int_equal(store_lock(other, path, false, &again, &f->err), 1);
	store_unlock(other, path, again);
}

static void roots(void **state)
{
	struct fix *f = *state;
	const char *path = add_tree(f, "mixed", "mixed");
	const char *hello = add_tree(f, "hello.txt", "hello.txt");
	autofree char *link =
		path_join(f->root, "nix/var/nix/gcroots/kbuild/recipe/kernel");
	char target[200] = {0};

	assert_done(add_root(f->st, "recipe", "kernel", path, &f->err), &f->err);
	assert_done(add_root(f->st, "recipe", "kernel", hello, &f->err), &f->err);
	assert_true(readlink(link, target, sizeof(target) - 1) > 0);
	assert_string_equal(target, hello);

	static const char *const bad[] = {"", ".", "..", "a/b", ".x"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		autoerror struct error err = {0};

		assert_int_equal(add_root(f->st, "g", bad[i], path, &err), -1);
		assert_int_equal(add_root(f->st, bad[i], "n", path, &err), -1);
	}
}

static void temporary_roots(void **state)
{
	struct fix *f = *state;
	const char *path = add_tree(f, "mixed", "mixed");
	autofree char *file = xasprintf("%s/nix/var/nix/temproots/%d", f->root, getpid());
	autobuf struct strbuf bytes = STRBUF_INIT;

	assert_done(store_temp_root(f->st, key, &f->err), &f->err);
	assert_done(store_temp_root(f->st, key, &f->err), &f->err);
	assert_done(dir_read(AT_FDCWD, file, &bytes, &f->err), &f->err);
	assert_int_equal(bytes.len, strlen(path) + strlen(key) + 2);
	assert_string_equal(bytes.ptr, path);
	assert_string_equal(bytes.ptr + strlen(path) + 1, key);
	reopen(f, STORE_WRITE);
	assert_int_equal(access(file, F_OK), -1);
}

/* --- damage ----------------------------------------------------------------------- */

/* What no look at metadata can see. */
static void change_byte(const char *file)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1}};

	assert_int_equal(chmod(file, 0644), 0);
	autoclose int fd = open(file, O_WRONLY);
	assert_int_equal(pwrite(fd, "!", 1, 0), 1);
	assert_int_equal(chmod(file, 0444), 0);
	assert_int_equal(futimens(fd, times), 0);
}

static void verify_finds_damage(void **state)
{
	struct fix *f = *state;
	const char *hello = add_tree(f, "hello.txt", "hello.txt");
	const char *mixed = add_tree(f, "mixed", "mixed");
	autofree char *file = store_physical(f->st, hello),
		      *tree = store_physical(f->st, mixed);
	struct verify_report r;

	change_byte(file);
	assert_int_equal(damaged(f, false, &r), 0);
	assert_int_equal(damaged(f, true, &r), 1);
	assert_string_equal(r.v[0].path, hello);
	assert_int_equal(r.v[0].kind, VERIFY_CONTENTS);
	assert_done(dir_remove(AT_FDCWD, tree, &f->err), &f->err);
	assert_int_equal(damaged(f, false, &r), 1);
	assert_string_equal(r.v[0].path, mixed);
	assert_int_equal(r.v[0].kind, VERIFY_GONE);
	assert_int_equal(damaged(f, true, &r), 2);
}

/* After a power cut: a row whose tree did not make it to the disk is dropped. */
static void recovers_from_power_loss(void **state)
{
	static const char note[] = "00000000-0000-0000-0000-000000000000 0\n";
	struct fix *f = *state;
	const char *hello = add_tree(f, "hello.txt", "hello.txt");
	const char *mixed = add_tree(f, "mixed", "mixed");
	const struct realisation r = {key, hello};
	autofree char *file = store_physical(f->st, hello);
	autofree char *note_file = path_join(f->root, "nix/var/kbuild/unsynced");

	assert_done(store_record(f->st, &r, 1, the_drv, NULL, 0, &f->err), &f->err);
	assert_int_equal(access(note_file, F_OK), 0);
	/* In the same boot nothing is checked. */
	change_byte(file);
	reopen(f, STORE_WRITE);
	assert_int_equal(find(f, hello), 1);
	assert_done(
		dir_write(AT_FDCWD, note_file, note, strlen(note), 0644, false, &f->err),
		&f->err);
	reopen(f, STORE_WRITE);
	assert_int_equal(find(f, hello), 0);
	assert_int_equal(find(f, key), 0);
	assert_int_equal(find(f, mixed), 1);
	assert_int_equal(access(note_file, F_OK), -1);
	assert_string_equal(add_tree(f, "hello.txt", "hello.txt"), hello);
	assert_whole(f);
}

static void log_paths(void **state)
{
	struct fix *f = *state;
	autofree char *log = store_log_path(f->st, the_drv);
	autofree char *want = xasprintf(
		"%s/nix/var/log/nix/drvs/z5/mhgfp5p111ns8a7jk3rrzrp93pgk1z-kb-ca.drv.zst",
		store_root(f->st));

	assert_string_equal(log, want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(records_realisations),
		STORE_TEST(records_are_atomic),
		STORE_TEST(a_real_output_is_no_realisation),
		STORE_TEST(forged_derivations_stay_out),
		STORE_TEST(locks_exclude),
		STORE_TEST(locks_are_handed_on),
		STORE_TEST(stale_lock_files_go),
		STORE_TEST(locks_nest),
		STORE_TEST(roots),
		STORE_TEST(temporary_roots),
		STORE_TEST(verify_finds_damage),
		STORE_TEST(recovers_from_power_loss),
		STORE_TEST(log_paths),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
