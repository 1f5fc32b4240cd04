// SPDX-License-Identifier: MIT
/* What several caches say, who is asked, and what is remembered of it. */
#include "realise/substitute.h"

#include "base/alloc.h"
#include "realise/cachenotes.h"
#include "store/address.h"
#include "store/import.h"
#include "store/nar.h"
#include "tests/unit/storefix.h"

/* Two directories as caches, a key that signs and one that nobody trusts. */
struct world {
	struct fix *f;
	struct caches c;
	struct fetch_client fetch;
	const char *dirs[2], *urls[2];
	struct key_secret secret, foreign;
	struct key_public trust;
	struct strbuf warnings;
};

static void note_warning(void *ctx, const char *text)
{
	strbuf_printf(&((struct world *)ctx)->warnings, "%s\n", text);
}

static int world_setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	void *f = NULL;

	if (setup(&f) < 0)
		return -1;
	w->f = f;
	autofree char *kbuild = xstrdup(getenv("KBUILD"));
	char *slash = strrchr(kbuild, '/');
	*slash = '\0';
	w->fetch.program = arena_printf(&w->f->a, "%s/kbuild-fetch", kbuild);
	for (size_t i = 0; i < 2; i++) {
		w->dirs[i] = arena_printf(&w->f->a, "%s/cache%zu", w->f->dir, i);
		w->urls[i] = w->dirs[i];
		assert_int_equal(mkdir(w->dirs[i], 0755), 0);
	}
	assert_done(key_generate("k", &w->secret, &w->f->err), &w->f->err);
	assert_done(key_generate("k", &w->foreign, &w->f->err), &w->f->err);
	w->trust = key_public_of(&w->secret);
	w->c = (struct caches){
		.urls = w->urls,
		.n = 2,
		.trust = &w->trust,
		.ntrust = 1,
		.state_dir = arena_printf(&w->f->a, "%s/state", w->f->dir),
		.fetch = &w->fetch,
		.scratch_dir = store_scratch_dir(w->f->st),
		.warn = note_warning,
		.ctx = w,
	};
	setenv("KBUILD_CACHE", arena_printf(&w->f->a, "%s/kc", w->f->dir), 1);
	strbuf_adds(&w->warnings, "");
	*state = w;
	return 0;
}

static int world_teardown(void **state)
{
	struct world *w = *state;
	void *f = w->f;

	strbuf_finish(&w->warnings);
	free(w);
	return teardown(&f);
}

/* --- what is in them -------------------------------------------------------------- */

struct to_file {
	struct nar_sink sink;
	int fd;
	char buf[NAR_SINK_MIN];
};

static int write_out(struct nar_sink *s, struct error *err)
{
	int failed = write_all(((struct to_file *)s)->fd, s->buf, s->len);

	s->len = 0;
	return failed ? error_errno(err, "cannot write") : 0;
}

/* Writes the archive of a tree into a cache; the facts are true, path and refs missing.
 */
static struct narinfo upload(struct world *w, size_t cache, const char *physical)
{
	static unsigned count;
	struct narinfo n = {.compression = "none"};
	struct address_facts facts = {0};
	struct to_file out = {.sink = {.cap = sizeof(out.buf), .flush = write_out}};
	const struct nar_dump dump = {.dir = AT_FDCWD, .path = physical};

	n.url = arena_printf(&w->f->a, "%u.nar", count++);
	autofree char *file = path_join(w->dirs[cache], n.url);
	out.sink.buf = out.buf;
	out.fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_done(nar_dump(&dump, &out.sink, &w->f->err), &w->f->err);
	close(out.fd);
	assert_done(address_read(AT_FDCWD, physical, &facts, &w->f->err), &w->f->err);
	n.info.nar = facts.nar;
	n.info.nar_size = facts.nar_size;
	return n;
}

static void tell(struct world *w, size_t cache, struct narinfo *n,
		 const struct key_secret *signer)
{
	autobuf struct strbuf text = STRBUF_INIT;
	autofree char *file =
		xasprintf("%s/%.32s.narinfo", w->dirs[cache], path_base(n->info.path));

	if (signer) {
		n->info.sigs = arena_new(&w->f->a, const char *);
		n->info.sigs[0] = key_sign(signer, &n->info, &w->f->a);
		n->info.nsigs = 1;
	}
	narinfo_write(n, &text);
	assert_done(
		dir_write(AT_FDCWD, file, text.ptr, text.len, 0644, false, &w->f->err),
		&w->f->err);
}

/* A content-addressed file. */
static const char *put_file(struct world *w, size_t cache, const char *name,
			    const char *text)
{
	struct arena *a = &w->f->a;
	const char *file = arena_printf(a, "%s/a-file", w->f->dir);

	assert_done(
		dir_write(AT_FDCWD, file, text, strlen(text), 0644, false, &w->f->err),
		&w->f->err);
	struct narinfo n = upload(w, cache, file);
	n.info.path = path_source(a, &n.info.nar, NULL, 0, name);
	n.info.ca = arena_printf(a, "fixed:r:%s", hash_nix32(a, &n.info.nar));
	tell(w, cache, &n, NULL);
	return n.info.path;
}

static const char the_key[] = "/nix/store/ib3czs6y3l6b790q6hjscqf5x243r5ks-leaf";

/* The signed claim that the_key is `target`. */
static void put_mapping(struct world *w, size_t cache, const char *target,
			const struct key_secret *signer)
{
	const char *link = arena_printf(&w->f->a, "%s/a-link", w->f->dir);

	unlink(link);
	assert_int_equal(symlink(target, link), 0);
	struct narinfo n = upload(w, cache, link);
	n.info.path = the_key;
	n.info.refs = arena_new(&w->f->a, const char *);
	n.info.refs[0] = target;
	n.info.nrefs = 1;
	tell(w, cache, &n, signer);
}

static void put_priority(struct world *w, size_t cache, int priority)
{
	autofree char *file = xasprintf("%s/nix-cache-info", w->dirs[cache]);
	autofree char *text = xasprintf("StoreDir: /nix/store\nPriority: %d\n", priority);

	assert_done(
		dir_write(AT_FDCWD, file, text, strlen(text), 0644, false, &w->f->err),
		&w->f->err);
}

static struct cache_hit ask(struct world *w, const char *path)
{
	struct cache_hit hit;

	assert_done(caches_ask(&w->c, &path, 1, &w->f->a, &hit, &w->f->err), &w->f->err);
	return hit;
}

/* --- asking ----------------------------------------------------------------------- */

static void first_by_priority(void **state)
{
	struct world *w = *state;
	const char *path = put_file(w, 0, "x", "x");

	put_file(w, 1, "x", "x");
	assert_int_equal(ask(w, path).cache, 0); /* equal: in the order they are named */
	w->urls[1] = arena_printf(&w->f->a, "%s?priority=3", w->dirs[1]);
	assert_int_equal(ask(w, path).cache, 1);
	w->urls[0] = arena_printf(&w->f->a, "%s?priority=2", w->dirs[0]);
	assert_int_equal(ask(w, path).cache, 0);
	/* What the caches say of themselves is remembered: look anew. */
	w->c.state_dir = NULL;
	w->urls[0] = w->dirs[0];
	w->urls[1] = w->dirs[1];
	put_priority(w, 0, 40);
	put_priority(w, 1, 30);
	assert_int_equal(ask(w, path).cache, 1);
	assert_string_equal(w->warnings.ptr, "");
}

/* Store scenario 18: caches differ about a key; the first one that is trusted counts. */
static void one_answer_a_key(void **state)
{
	struct world *w = *state;
	const char *a = put_file(w, 0, "leaf", "a"), *b = put_file(w, 1, "leaf", "b");
	struct cache_hit hit;

	put_mapping(w, 0, a, &w->secret);
	put_mapping(w, 1, b, &w->secret);
	hit = ask(w, the_key);
	assert_string_equal(cache_hit_target(&hit), a);
	w->urls[1] = arena_printf(&w->f->a, "%s?priority=1", w->dirs[1]);
	hit = ask(w, the_key);
	assert_string_equal(cache_hit_target(&hit), b);
	put_mapping(w, 1, b, &w->foreign);
	hit = ask(w, the_key);
	assert_string_equal(cache_hit_target(&hit), a);
	assert_non_null(strstr(w->warnings.ptr, "is not believed"));
	put_mapping(w, 0, a, NULL);
	hit = ask(w, the_key);
	assert_null(hit.n.url);
	assert_null(cache_hit_target(&hit));
	assert_non_null(strstr(hit.why, "neither content-addressed nor signed"));
	assert_non_null(strstr(hit.why, "trusted key"));
}

static void what_is_no_mapping(void **state)
{
	struct world *w = *state;
	const char *leaf = put_file(w, 0, "leaf", "x");
	const char *other = put_file(w, 0, "other", "x");
	struct cache_hit hit;

	put_mapping(w, 0, other, &w->secret); /* of another derivation */
	hit = ask(w, the_key);
	assert_non_null(hit.n.url);
	assert_null(cache_hit_target(&hit));
	hit = ask(w, leaf);
	assert_non_null(hit.n.url);
	assert_null(cache_hit_target(&hit));
	hit = ask(w, "/nix/store/svx5gskf3a2af38g7v850zfrggyspjym-no");
	assert_null(cache_hit_target(&hit));
}

static void finds_by_digest(void **state)
{
	struct world *w = *state;
	const char *path = put_file(w, 1, "x", "x"), *found;
	autofree char *digest = xstrndup(path_base(path), PATH_DIGEST_LEN);

	assert_int_equal(caches_find(&w->c, digest, &w->f->a, &found, &w->f->err), 1);
	assert_string_equal(found, path);
	assert_int_equal(caches_find(&w->c, "00000000000000000000000000000000", &w->f->a,
				     &found, &w->f->err),
			 0);
}

/* --- remembering ------------------------------------------------------------------ */

static void absence_is_remembered(void **state)
{
	struct world *w = *state;
	const char *path = put_file(w, 0, "x", "x");
	autofree char *file = xasprintf("%s/%.32s.narinfo", w->dirs[0], path_base(path));
	autofree char *aside = xasprintf("%s/aside", w->f->dir);

	w->c.n = 1;
	assert_int_equal(rename(file, aside), 0);
	assert_null(ask(w, path).n.url);
	assert_int_equal(rename(aside, file), 0);
	assert_null(ask(w, path).n.url); /* not asked for again */
	w->c.fresh = true;
	assert_non_null(ask(w, path).n.url);
	w->c.fresh = false;
	assert_null(ask(w, path).n.url);
	/* But never after an upload of ours, whatever the address was spelled like. */
	autofree char *spelled = xasprintf("file://%s/?priority=1", w->dirs[0]);
	caches_forget(w->c.state_dir, spelled);
	assert_non_null(ask(w, path).n.url);
}

/* An answer that was under way while something was put there counts no longer. */
static void late_answers_do_not_hide(void **state)
{
	struct world *w = *state;
	const char *dir = w->c.state_dir, *digest = "00000000000000000000000000000000";
	struct cache_notes n = {0};
	int64_t asked = notes_now() - 1;

	notes_absent(&n, digest, asked);
	caches_forget(dir, w->dirs[0]);
	autofree char *base = xasprintf("file://%s", w->dirs[0]);
	notes_write(dir, base, &n);
	notes_finish(&n);
	notes_read(dir, base, &n);
	assert_false(notes_has_absent(&n, digest));
	notes_absent(&n, digest, notes_now() + 1);
	assert_true(notes_has_absent(&n, digest));
	notes_finish(&n);
}

static void notes_grow_old(void **state)
{
	struct world *w = *state;
	const char *dir = w->c.state_dir, *url = "https://h";
	int64_t now = notes_now();
	struct cache_notes n = {.info = now - NOTE_INFO_MS - 1, .priority = 7};

	n.down = now - NOTE_DOWN_MS - 1;
	n.told = now + NOTE_TOLD_MS; /* the clock was set back */
	notes_absent(&n, "00000000000000000000000000000000", now - NOTE_ABSENT_MS - 1);
	notes_absent(&n, "11111111111111111111111111111111", now - 1);
	notes_write(dir, url, &n);
	notes_finish(&n);
	notes_read(dir, url, &n);
	assert_int_equal(n.info, 0);
	assert_int_equal(n.down, 0);
	assert_int_equal(n.told, 0);
	assert_false(notes_has_absent(&n, "00000000000000000000000000000000"));
	assert_true(notes_has_absent(&n, "11111111111111111111111111111111"));
	notes_finish(&n);
}

/* One warning, then silence; the other cache is enough. */
static void broken_caches_are_left_alone(void **state)
{
	struct world *w = *state;
	const char *path = put_file(w, 1, "x", "x");

	w->urls[0] = "http://127.0.0.1:1/nobody?priority=1";
	assert_int_equal(ask(w, path).cache, 1);
	assert_non_null(
		strstr(w->warnings.ptr, "cache http://127.0.0.1:1/nobody is not used"));
	strbuf_reset(&w->warnings);
	assert_int_equal(ask(w, path).cache, 1);
	assert_string_equal(w->warnings.ptr, "");
	w->c.n = 1;
	assert_non_null(strstr(ask(w, path).why, "a moment ago"));
}

static void addresses_are_checked(void **state)
{
	struct world *w = *state;
	const char *path = put_file(w, 1, "x", "x");
	struct cache_hit hit;

	w->urls[0] = "gopher://x";
	assert_int_equal(caches_ask(&w->c, &path, 1, &w->f->a, &hit, &w->f->err), -1);
	error_finish(&w->f->err);
	w->c.n = 0;
	assert_null(ask(w, path).n.url);
}

/* --- pulling ---------------------------------------------------------------------- */

static int pull(struct world *w, const char *path)
{
	return caches_pull(&w->c, w->f->st, &path, 1, &w->f->err);
}

static void pulls_and_records(void **state)
{
	struct world *w = *state;
	const char *leaf = put_file(w, 0, "leaf", "a"), *target;

	put_mapping(w, 1, leaf, &w->secret);
	assert_done(pull(w, the_key), &w->f->err);
	assert_int_equal(store_realisation(w->f->st, the_key, &w->f->a, &w->f->info,
					   &target, &w->f->err),
			 1);
	assert_string_equal(target, leaf);
	assert_true(realisation_trusted(&w->f->info, &w->trust, 1));
	assert_int_equal(info(w->f, leaf).nsigs, 0);
	/* Here already: nobody is asked. */
	w->urls[0] = w->urls[1] = "/nothing";
	assert_done(pull(w, the_key), &w->f->err);
	assert_string_equal(w->warnings.ptr, "");
}

/* The record's key is not trusted any more: another one takes its place. */
static void distrusted_records_are_replaced(void **state)
{
	struct world *w = *state;
	const char *a = put_file(w, 0, "leaf", "a"), *b = put_file(w, 1, "leaf", "b");
	const char *target;

	put_mapping(w, 0, a, &w->secret);
	assert_done(pull(w, the_key), &w->f->err);
	w->trust = key_public_of(&w->foreign);
	put_mapping(w, 1, b, &w->foreign);
	assert_done(pull(w, the_key), &w->f->err);
	assert_int_equal(store_realisation(w->f->st, the_key, &w->f->a, &w->f->info,
					   &target, &w->f->err),
			 1);
	assert_string_equal(target, b);
}

/* The caller holds the lock of the step while it pulls its outputs. */
static void pulls_under_its_own_lock(void **state)
{
	struct world *w = *state;
	const char *leaf = put_file(w, 0, "leaf", "a");
	int lock;

	put_mapping(w, 0, leaf, &w->secret);
	assert_int_equal(store_lock(w->f->st, the_key, true, &lock, &w->f->err), 1);
	assert_done(pull(w, the_key), &w->f->err);
	store_unlock(w->f->st, the_key, lock);
	assert_int_equal(find(w->f, the_key), 1);
}

/* store scenario 3: repair from a cache, without trust in it */
static void gets_one_tree(void **state)
{
	struct world *w = *state;
	const char *path = put_file(w, 0, "x", "right"),
		   *other = put_file(w, 1, "x", "wrong");
	const char *dest = arena_printf(&w->f->a, "%s/got", w->c.scratch_dir);
	autofree char *file = xasprintf("%s/%.32s.narinfo", w->dirs[0], path_base(path));
	autobuf struct strbuf text = STRBUF_INIT;
	struct path_info want;

	assert_done(pull(w, path), &w->f->err);
	want = info(w->f, path);
	assert_int_equal(caches_get(&w->c, &want, dest, &w->f->err), 1);
	assert_done(dir_read(AT_FDCWD, dest, &text, &w->f->err), &w->f->err);
	assert_string_equal(text.ptr, "right");
	unlink(dest);
	want.path = other;
	assert_int_equal(caches_get(&w->c, &want, dest, &w->f->err), 0);
	want.path = path;
	unlink(file);
	assert_int_equal(caches_get(&w->c, &want, dest, &w->f->err), 0);
	assert_int_equal(access(dest, F_OK), -1);
}

#define WORLD_TEST(t) cmocka_unit_test_setup_teardown(t, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(first_by_priority),
		WORLD_TEST(one_answer_a_key),
		WORLD_TEST(what_is_no_mapping),
		WORLD_TEST(finds_by_digest),
		WORLD_TEST(absence_is_remembered),
		WORLD_TEST(late_answers_do_not_hide),
		WORLD_TEST(notes_grow_old),
		WORLD_TEST(broken_caches_are_left_alone),
		WORLD_TEST(addresses_are_checked),
		WORLD_TEST(pulls_and_records),
		WORLD_TEST(distrusted_records_are_replaced),
		WORLD_TEST(pulls_under_its_own_lock),
		WORLD_TEST(gets_one_tree),
	};

	if (!getenv("KBUILD")) {
		print_message("1..0 # SKIP KBUILD does not say which program to test\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
