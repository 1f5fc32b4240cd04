// SPDX-License-Identifier: MIT
/* What was made elsewhere: believed, proven, or refused with nothing left behind. */
#include "store/import.h"

#include "store/address.h"
#include "store/nar.h"
#include "tests/unit/storefix.h"

static struct key_secret secret;
static struct key_public ours, other;

static int make_keys(void **state)
{
	struct key_secret foreign;
	autoerror struct error err = {0};

	if (group_setup(state) < 0 || key_generate("ours", &secret, &err) < 0 ||
	    key_generate("ours", &foreign, &err) < 0)
		return -1;
	ours = key_public_of(&secret);
	other = key_public_of(&foreign);
	return 0;
}

/* A file in scratch, as somebody else's program would leave it. */
static const char *scratch_file(struct fix *f, const char *text, mode_t mode)
{
	const char *path = arena_printf(&f->a, "%s/in", store_scratch_dir(f->st));

	unlink(path);
	assert_done(dir_write(AT_FDCWD, path, text, strlen(text), mode, false, &f->err),
		    &f->err);
	return path;
}

/* The claim that fits the file; refs are sorted. */
static struct path_info claim_of(struct fix *f, const char *physical, const char *name,
				 const char **refs, size_t nrefs)
{
	struct path_info i = {.refs = refs, .nrefs = nrefs};
	struct address_facts facts = {0};

	assert_done(address_read(AT_FDCWD, physical, &facts, &f->err), &f->err);
	i.nar = facts.nar;
	i.nar_size = facts.nar_size;
	i.path = path_source(&f->a, &i.nar, refs, nrefs, name);
	i.ca = arena_printf(&f->a, "fixed:r:%s", hash_nix32(&f->a, &i.nar));
	return i;
}

static void sign(struct fix *f, struct path_info *i)
{
	i->sigs = arena_new(&f->a, const char *);
	i->sigs[0] = key_sign(&secret, i, &f->a);
	i->nsigs = 1;
}

static int import(struct fix *f, const char *physical, const struct path_info *i)
{
	const struct store_import in = {
		.physical = physical, .info = i, .trust = &ours, .ntrust = 1};

	return store_import(f->st, &in, &f->err);
}

/* Refused with these words, and not valid. */
static void refused(struct fix *f, const char *physical, const struct path_info *i,
		    const char *words)
{
	assert_int_equal(import(f, physical, i), -1);
	autofree char *said = error_words(&f->err);
	if (!strstr(said, words))
		fail_msg("expected '%s', got '%s'", words, said);
	error_finish(&f->err);
	assert_int_equal(find(f, i->path), 0);
}

static void content_needs_nobody(void **state)
{
	struct fix *f = *state;
	const char *file = scratch_file(f, "hello", 0755);
	struct path_info i = claim_of(f, file, "hello", NULL, 0);

	assert_done(import(f, file, &i), &f->err);
	struct path_info got = info(f, i.path);
	assert_string_equal(got.ca, i.ca);
	assert_false(got.ultimate);
	assert_int_equal(access(file, F_OK), -1);
	/* Once more: what is valid stays, the newcomer goes. */
	ino_t before = inode(f, i.path);
	file = scratch_file(f, "hello", 0755);
	assert_done(import(f, file, &i), &f->err);
	assert_int_equal(inode(f, i.path), before);
	assert_int_equal(access(file, F_OK), -1);
}

/* Store scenario 5: the claim of one object, the bytes of another. */
static void other_bytes_are_refused(void **state)
{
	struct fix *f = *state;
	const char *file = scratch_file(f, "hello", 0644);
	struct path_info i = claim_of(f, file, "hello", NULL, 0), lie = i;

	refused(f, scratch_file(f, "hullo", 0644), &i, "not what was claimed");
	refused(f, scratch_file(f, "hello", 0755), &i, "not what was claimed");
	lie.nar_size++;
	refused(f, scratch_file(f, "hello", 0644), &lie, "not what was claimed");
	lie = i;
	lie.ca = arena_printf(&f->a, "fixed:r:%s",
			      hash_nix32(&f->a, &(struct sha256){{1}}));
	refused(f, scratch_file(f, "hello", 0644), &lie,
		"its content address is that of");
	/* The hash of other bytes, and a content address that is true to the path. */
	lie = claim_of(f, scratch_file(f, "hullo", 0644), "hello", NULL, 0);
	lie.path = i.path;
	lie.ca = i.ca;
	refused(f, scratch_file(f, "hullo", 0644), &lie, "content address");
}

static void signatures_count(void **state)
{
	struct fix *f = *state;
	const char *file = scratch_file(f, "signed", 0644);
	struct path_info i = claim_of(f, file, "x", NULL, 0), lie;

	i.path = "/nix/store/svx5gskf3a2af38g7v850zfrggyspjym-x";
	i.ca = NULL;
	refused(f, file, &i, "neither content-addressed nor signed");
	sign(f, &i);
	lie = i;
	lie.path = "/nix/store/xrabnx1r49hn890prhx86h6iyn19p976-x";
	refused(f, file, &lie, "trusted key (ours)");
	lie = i;
	lie.nar_size++;
	refused(f, file, &lie, "trusted key");
	lie = i;
	/* A content address is not signed: it must be right by itself. */
	lie.ca = arena_printf(&f->a, "fixed:r:%s", hash_nix32(&f->a, &i.nar));
	refused(f, file, &lie, "its content address is that of");
	struct key_public right = ours;
	ours = other; /* the same name */
	refused(f, file, &i, "trusted key");
	ours = right;
	i.ca = "fixed:r:sha1:0123456789abcdfghijklmnpqrsvwxyz";
	assert_done(import(f, file, &i), &f->err);
	struct path_info got = info(f, i.path);
	assert_int_equal(got.nsigs, 1);
	assert_null(got.ca); /* nobody has proven it */
}

static void references_are_exact(void **state)
{
	struct fix *f = *state;
	const char *leaf = add_text(f, "leaf", "x", NULL, 0);
	const char *mid = add_text(f, "mid", leaf, &leaf, 1);
	const char *gone = "/nix/store/svx5gskf3a2af38g7v850zfrggyspjym-gone";
	const char *both[] = {leaf, mid};
	struct path_info i;

	if (strcmp(leaf, mid) > 0) {
		both[0] = mid;
		both[1] = leaf;
	}
	const char *text = arena_printf(&f->a, "%s %s\n", leaf, mid);
	i = claim_of(f, scratch_file(f, text, 0644), "top", &mid, 1);
	refused(f, scratch_file(f, text, 0644), &i, "mentions");
	i = claim_of(f, scratch_file(f, mid, 0644), "top", both, 2);
	refused(f, scratch_file(f, mid, 0644), &i, "does not mention it");
	i = claim_of(f, scratch_file(f, gone, 0644), "top", &gone, 1);
	refused(f, scratch_file(f, gone, 0644), &i, "which is not valid");
	i = claim_of(f, scratch_file(f, text, 0644), "top", both, 2);
	assert_done(import(f, scratch_file(f, text, 0644), &i), &f->err);
	assert_int_equal(info(f, i.path).nrefs, 2);
}

/* A signed object may mention itself, if it says so. */
static void self_references(void **state)
{
	static const char *self = "/nix/store/svx5gskf3a2af38g7v850zfrggyspjym-x";
	struct fix *f = *state;
	const char *file = scratch_file(f, self, 0644);
	struct path_info i = claim_of(f, file, "x", NULL, 0);

	i.path = self;
	i.ca = NULL;
	sign(f, &i);
	refused(f, file, &i, "which was not declared");
	i.refs = &self;
	i.nrefs = 1;
	sign(f, &i);
	assert_done(import(f, file, &i), &f->err);
	assert_int_equal(info(f, self).nrefs, 1);
}

/* Of Nix: a tree that refers to itself and to another. */
static void nix_objects(void **state)
{
	struct fix *f = *state;

	vectors_each("ca_with_references", v)
	{
		autofree char *from = xasprintf("%s/%s", trees, text_of(v, "tree"));
		const char *self = text_of(v, "store_path"), *scratch;
		struct json_object *list = field(v, "references");
		struct path_info i = {.path = self, .ca = text_of(v, "ca")};
		struct address_facts facts = {0};

		assert_int_equal(json_object_array_length(list), 1);
		assert_string_equal(
			add_tree(f, "hello.txt", "hello.txt"),
			json_object_get_string(json_object_array_get_idx(list, 0)));
		const char *refs[] = {
			self, json_object_get_string(json_object_array_get_idx(list, 0))};
		i.refs = refs;
		i.nrefs = 2;
		assert_done(address_read(AT_FDCWD, from, &facts, &f->err), &f->err);
		i.nar = facts.nar;
		i.nar_size = facts.nar_size;
		const struct store_add add = {.physical = from, .name = "copy"};
		assert_done(store_add(f->st, &add, &f->a, &scratch, &f->err), &f->err);
		autofree char *copy = store_physical(f->st, scratch);
		assert_done(import(f, copy, &i), &f->err);
		assert_string_equal(info(f, self).ca, i.ca);
	}
}

/* --- realisations ----------------------------------------------------------------- */

static const char the_key[] = "/nix/store/ib3czs6y3l6b790q6hjscqf5x243r5ks-leaf";

/* The signed claim that the_key is `target`. */
static struct path_info mapping(struct fix *f, const char *target)
{
	struct path_info i = {.path = the_key, .nrefs = 1};
	struct address_facts facts = {0};
	const char *link = arena_printf(&f->a, "%s/link", store_scratch_dir(f->st));

	i.refs = arena_new(&f->a, const char *);
	i.refs[0] = target;
	unlink(link);
	assert_int_equal(symlink(target, link), 0);
	assert_done(address_read(AT_FDCWD, link, &facts, &f->err), &f->err);
	i.nar = facts.nar;
	i.nar_size = facts.nar_size;
	sign(f, &i);
	return i;
}

static void links_refused(struct fix *f, const struct path_info *i, const char *words)
{
	assert_int_equal(store_import_link(f->st, i, &ours, 1, &f->err), -1);
	autofree char *said = error_words(&f->err);
	if (!strstr(said, words))
		fail_msg("expected '%s', got '%s'", words, said);
	error_finish(&f->err);
	assert_int_equal(find(f, i->path), 0);
}

static void links_are_made_here(void **state)
{
	struct fix *f = *state;
	const char *leaf = add_text(f, "leaf", "x", NULL, 0);
	const char *misnamed = add_text(f, "other", "x", NULL, 0);
	const char *path, *two[] = {leaf, misnamed};
	struct path_info i = mapping(f, leaf), lie = i;

	lie.sigs = NULL;
	lie.nsigs = 0;
	links_refused(f, &lie, "not signed");
	lie = i;
	lie.refs = two;
	lie.nrefs = 2;
	sign(f, &lie);
	links_refused(f, &lie, "no link");
	lie = i;
	lie.refs = &two[1];
	links_refused(f, &lie, "no link");
	lie = mapping(f, misnamed);
	links_refused(f, &lie, "no link");
	lie = mapping(f, "/nix/store/svx5gskf3a2af38g7v850zfrggyspjym-leaf");
	links_refused(f, &lie, "not content-addressed");
	assert_done(store_import_link(f->st, &i, &ours, 1, &f->err), &f->err);
	assert_int_equal(
		store_realisation(f->st, the_key, &f->a, &f->info, &path, &f->err), 1);
	assert_string_equal(path, leaf);
	assert_false(f->info.ultimate);
	assert_true(realisation_trusted(&f->info, &ours, 1));
	assert_false(realisation_trusted(&f->info, &other, 1));
	assert_false(realisation_trusted(&f->info, NULL, 0));
}

static const char *recorded(struct fix *f)
{
	const char *path;

	assert_int_equal(
		store_realisation(f->st, the_key, &f->a, &f->info, &path, &f->err), 1);
	return path;
}

/*
 * Store scenario 18: two results for one key. What was built here or is trusted stays;
 * what nobody vouches for any more gives way, in one step.
 */
static void one_result_a_key(void **state)
{
	struct fix *f = *state;
	const char *a = add_text(f, "leaf", "a", NULL, 0);
	const char *b = add_text(f, "leaf", "b", NULL, 0);
	struct path_info claim = mapping(f, a), later = mapping(f, b);
	const struct realisation built = {the_key, b};

	assert_done(store_import_link(f->st, &claim, &ours, 1, &f->err), &f->err);
	assert_done(store_import_link(f->st, &later, &ours, 1, &f->err), &f->err);
	assert_string_equal(recorded(f), a);
	assert_done(store_record(f->st, &built, 1, a, &ours, 1, &f->err), &f->err);
	assert_string_equal(recorded(f), a);
	assert_false(f->info.ultimate);
	/* The key is not trusted any more. */
	assert_done(store_record(f->st, &built, 1, a, &other, 1, &f->err), &f->err);
	assert_string_equal(recorded(f), b);
	assert_true(f->info.ultimate);
	assert_int_equal(f->info.nsigs, 0);
	assert_done(store_import_link(f->st, &claim, &ours, 1, &f->err), &f->err);
	assert_string_equal(recorded(f), b);
	/* The same claim: its signature is kept beside ours. */
	assert_done(store_import_link(f->st, &later, &ours, 1, &f->err), &f->err);
	assert_string_equal(recorded(f), b);
	assert_true(f->info.ultimate);
	assert_int_equal(f->info.nsigs, 1);
}

/* Built here with the same result: from now on it needs nobody's signature. */
static void building_confirms(void **state)
{
	struct fix *f = *state;
	const char *a = add_text(f, "leaf", "a", NULL, 0);
	struct path_info claim = mapping(f, a);
	const struct realisation built = {the_key, a};

	assert_done(store_import_link(f->st, &claim, &ours, 1, &f->err), &f->err);
	assert_done(store_record(f->st, &built, 1, a, NULL, 0, &f->err), &f->err);
	assert_string_equal(recorded(f), a);
	assert_true(f->info.ultimate);
	assert_int_equal(f->info.nsigs, 1);
}

/* Something refers to it, against all custom: then it stays. */
static void what_is_used_stays(void **state)
{
	struct fix *f = *state;
	const char *a = add_text(f, "leaf", "a", NULL, 0);
	const char *b = add_text(f, "leaf", "b", NULL, 0), *key = the_key;
	struct path_info claim = mapping(f, a);
	const struct realisation built = {the_key, b};

	assert_done(store_import_link(f->st, &claim, &ours, 1, &f->err), &f->err);
	add_text(f, "user", the_key, &key, 1);
	assert_done(store_record(f->st, &built, 1, a, NULL, 0, &f->err), &f->err);
	assert_string_equal(recorded(f), a);
	assert_false(f->info.ultimate);
}

/* A signed object that is a link, but not what we call a realisation: it tells nothing.
 */
static void other_links_tell_nothing(void **state)
{
	struct fix *f = *state;
	const char *misnamed = add_text(f, "other", "x", NULL, 0), *path;
	struct path_info i = mapping(f, misnamed);
	const char *link = arena_printf(&f->a, "%s/link", store_scratch_dir(f->st));

	assert_done(import(f, link, &i), &f->err);
	assert_int_equal(find(f, the_key), 1);
	assert_int_equal(
		store_realisation(f->st, the_key, &f->a, &f->info, &path, &f->err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(content_needs_nobody),     STORE_TEST(other_bytes_are_refused),
		STORE_TEST(signatures_count),         STORE_TEST(references_are_exact),
		STORE_TEST(self_references),          STORE_TEST(nix_objects),
		STORE_TEST(links_are_made_here),      STORE_TEST(one_result_a_key),
		STORE_TEST(building_confirms),        STORE_TEST(what_is_used_stays),
		STORE_TEST(other_links_tell_nothing),
	};

	return cmocka_run_group_tests(tests, make_keys, group_teardown);
}
