// SPDX-License-Identifier: MIT
/* evaluator/lock.c: read, one text, and what it says about a recipe. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "evaluator/lock.h"

static const char nar[] = "sha256-AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";

struct place_on_disk {
	char dir[32];
	char *path;
};

static int setup(void **state)
{
	struct place_on_disk *p = xcalloc(1, sizeof(*p));

	strcpy(p->dir, "/tmp/kbuild-lock.XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	p->path = path_join(p->dir, "x.lock");
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct place_on_disk *p = *state;
	autoerror struct error err = {0};

	dir_remove(AT_FDCWD, p->dir, &err);
	free(p->path);
	free(p);
	return 0;
}

static struct lock *sample(struct arena *a)
{
	struct lock *lock = arena_new(a, struct lock);
	struct lock_entry *e = lock_renew(&lock->inputs, "modules.b.source", a);

	lock_add_fact(e, "nar", nar, a);
	lock_add_fact(e, "from", "git+https://host/x.git#v1", a);
	lock_add_fact(e, "debs",
		      "b_1.deb sha256:00 1 pool/b/\na_1.deb sha256:00 1 pool/a/", a);
	lock_add_fact(e, "rev", "12", a);
	e = lock_renew(&lock->inputs, "kernel.source", a);
	lock_add_fact(e, "from", "a #b: c", a);
	lock_add_fact(e, "nar", nar, a);
	e = lock_renew(&lock->debian, "trixie/main/amd64", a);
	lock_add_fact(e, "release", "sha256:11", a);
	e = lock_renew(&lock->toolchains, "debian/13/gcc amd64", a);
	lock_add_fact(e, "debs", "gcc_1.deb sha256:00 1 pool/g/", a);
	return lock;
}

static const char sample_text[] =
	"# kbuild lock 1. Written by `kbuild lock`; do not edit, do commit.\n"
	"lock: 1\n"
	"inputs:\n"
	"  kernel.source:\n"
	"    from: \"a #b: c\"\n"
	"    nar: sha256-AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=\n"
	"  modules.b.source:\n"
	"    from: git+https://host/x.git#v1\n"
	"    nar: sha256-AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=\n"
	"    rev: 12\n"
	"    debs:\n"
	"      - b_1.deb sha256:00 1 pool/b/\n"
	"      - a_1.deb sha256:00 1 pool/a/\n"
	"debian:\n"
	"  trixie/main/amd64:\n"
	"    release: sha256:11\n"
	"toolchains:\n"
	"  debian/13/gcc amd64:\n"
	"    debs:\n"
	"      - gcc_1.deb sha256:00 1 pool/g/\n";

/* One fact a line, sorted, whatever order they came in. */
static void a_lock_has_one_text(void **state)
{
	(void)state;
	struct arena a = {0};
	autobuf struct strbuf out = STRBUF_INIT;

	lock_format(sample(&a), &out);
	assert_string_equal(out.ptr, sample_text);
	arena_finish(&a);
}

static void what_is_written_is_read(void **state)
{
	struct place_on_disk *p = *state;
	struct arena a = {0};
	autoerror struct error err = {0};
	autobuf struct strbuf out = STRBUF_INIT;
	struct lock *lock;

	assert_int_equal(lock_read(p->path, &a, &lock, &err), 0);
	assert_int_equal(lock->inputs.n, 0);
	assert_int_equal(lock_write(sample(&a), p->path, &err), 1);
	assert_int_equal(lock_write(sample(&a), p->path, &err), 0);
	assert_int_equal(lock_read(p->path, &a, &lock, &err), 1);
	lock_format(lock, &out);
	assert_string_equal(out.ptr, sample_text);
	const struct lock_entry *e = lock_find(&lock->inputs, "modules.b.source");
	assert_string_equal(lock_fact(e, "debs"),
			    "b_1.deb sha256:00 1 pool/b/\na_1.deb sha256:00 1 pool/a/");
	assert_null(lock_find(&lock->inputs, "modules.b"));
	arena_finish(&a);
}

static void a_broken_lock_is_the_locks_fault(void **state)
{
	struct place_on_disk *p = *state;
	static const char *const cases[] = {
		"",
		"lock: 2\n",
		"inputs: {}\n",
		"lock: 1\nmore: {}\n",
		"lock: 1\ninputs: []\n",
		"lock: 1\ninputs: {a: {from: x}}\n",
		"lock: 1\ninputs: {a: {from: x, nar: sha256-0}}\n",
		"lock: 1\ninputs: {a: {from: {b: c}, nar: x}}\n",
		"lock: 1\ntoolchains: {a: {packages: x}}\n",
		"lock: 1\nlock: 1\n",
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena a = {0};
		autoerror struct error err = {0};
		struct lock *lock;

		print_message("# %s", cases[i]);
		assert_int_equal(dir_write(AT_FDCWD, p->path, cases[i], strlen(cases[i]),
					   0644, false, &err),
				 0);
		assert_int_equal(lock_read(p->path, &a, &lock, &err), -1);
		assert_int_equal(err.class, ERROR_LOCK);
		assert_non_null(err.at.src);
		arena_finish(&a);
	}
}

/* S1-01 S3-01: the verdict depends on what the recipe asks for now. */
static void inputs_are_judged(void **state)
{
	(void)state;
	static const struct {
		const char *name, *from, *sha256, *path;
		enum lock_verdict verdict;
	} cases[] = {
		{"k", "x", NULL, NULL, LOCK_OK},
		{"other", "x", NULL, NULL, LOCK_MISSING},
		{"k", "y", NULL, NULL, LOCK_STALE},
		{"k", "x",
		 "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20", NULL,
		 LOCK_OK},
		{"k", "x", nar, NULL, LOCK_OK},
		{"k", "x",
		 "0002030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20", NULL,
		 LOCK_STALE},
		{"k", "x", NULL, "/bin/x", LOCK_STALE},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena a = {0};
		struct lock lock = {0};
		struct span none = {0};
		struct lock_entry *e = lock_renew(&lock.inputs, "k", &a);
		struct node *node = node_map(&a, none);

		lock_add_fact(e, "from", "x", &a);
		lock_add_fact(e, "nar", nar, &a);
		lock_add_fact(e, "sha256", nar, &a);
		if (cases[i].sha256)
			node_add(&a, node, "sha256", none,
				 node_scalar(&a, cases[i].sha256, none));
		const struct input in = {.name = cases[i].name,
					 .kind = INPUT_PINNED,
					 .from = cases[i].from,
					 .node = node,
					 .path = cases[i].path};
		print_message("# case %zu\n", i);
		assert_int_equal(lock_judge(&lock, &in), cases[i].verdict);
		arena_finish(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lock_has_one_text),
		cmocka_unit_test_setup_teardown(what_is_written_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(a_broken_lock_is_the_locks_fault, setup,
						teardown),
		cmocka_unit_test(inputs_are_judged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
