// SPDX-License-Identifier: MIT
#include "fetchers/pack.h"

#include <fcntl.h>

#include "tests/unit/vectors.h"

static const char *const tools[][2] = {
	{"none", "cat"}, {"xz", "xz -d"}, {"zstd", "zstd -d"}};

/* What `n` bytes of a pattern become, and back by a program of others. */
static void there_and_back(const char *dir, size_t kind, size_t n, unsigned threads)
{
	const struct pack_how how = {.compression = tools[kind][0], .threads = threads};
	autofree char *file = path_join(dir, "file");
	autofree char *bytes = xmalloc(n + 1);
	autoerror struct error err = {0};
	autoargv struct argv argv = {0};
	autobuf struct strbuf back = STRBUF_INIT;
	struct packed packed, again;
	autoclose int fd = open(file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	for (size_t i = 0; i < n; i++)
		bytes[i] = (char)(i * i >> 7);
	autopack struct pack *p = pack_new(fd, &how, &err);
	assert_non_null(p);
	for (size_t at = 0, part = 1; at < n; at += part, part = part * 3 + 1) {
		if (part > n - at)
			part = n - at;
		assert_done(pack_add(p, bytes + at, part, &err), &err);
	}
	assert_done(pack_end(p, &packed, &err), &err);
	assert_done(packed_of(file, &again, &err), &err);
	assert_true(sha256_equal(&packed.hash, &again.hash));
	assert_int_equal(packed.size, again.size);
	lseek(fd, 0, SEEK_SET);
	argv_pushl(&argv, "sh", "-c", tools[kind][1], NULL);
	assert_int_equal(
		child_output(&(struct child){.argv = &argv, .in = fd}, &back, &err), 0);
	assert_int_equal(back.len, n);
	assert_memory_equal(back.ptr ? back.ptr : "", bytes, n);
}

static void round_trips(void **state)
{
	static const size_t sizes[] = {0, 1, 10239, 10240, 131072, 131073, 5000000};
	char *dir = fresh_dir();

	(void)state;
	for (size_t kind = 0; kind < ARRAY_LEN(tools); kind++)
		for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
			for (unsigned threads = 0; threads <= 2; threads += 2)
				there_and_back(dir, kind, sizes[i], threads);
	drop_dir(dir);
}

static void refused(void **state)
{
	static const struct pack_how bad[] = {
		{"br", 0, 0},  {"", 0, 0},     {"zstd", 20, 0},
		{"xz", 10, 0}, {"none", 1, 0}, {"zstd", -1, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		autoerror struct error err = {0};

		assert_null(pack_new(1, &bad[i], &err));
		assert_int_equal(err.class, ERROR_RECIPE);
	}
}

static void full_disk(void **state)
{
	autofree char *bytes = xcalloc(1, 1 << 20);

	(void)state;
	for (size_t kind = 0; kind < ARRAY_LEN(tools); kind++) {
		const struct pack_how how = {.compression = tools[kind][0]};
		autoerror struct error err = {0};
		autoclose int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
		autopack struct pack *p = pack_new(fd, &how, &err);
		struct packed packed;

		if (!p || pack_add(p, bytes, 1 << 20, &err) == 0)
			assert_int_equal(p ? pack_end(p, &packed, &err) : -1, -1);
		assert_non_null(strstr(err.msg, "No space left"));
		assert_int_equal(err.class, ERROR_INFRA);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trips),
		cmocka_unit_test(refused),
		cmocka_unit_test(full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
