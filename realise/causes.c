// SPDX-License-Identifier: MIT
#include "realise/causes.h"

static const char hint_date[] = "take the date from SOURCE_DATE_EPOCH (it is 0 here), or "
				"leave it out; gcc does so for "
				"__DATE__ and __TIME__ unless the variable is unset";
static const char hint_order[] = "sort names: `find | LC_ALL=C sort`, $(sort $(wildcard "
				 "...)), sorted(os.listdir()), "
				 "tar --sort=name";
static const char hint_jobs[] = "let each job write a file of its own and join them in a "
				"fixed order; write neither "
				"$JOBS nor nproc into a result (xz -T1)";
static const char hint_locale[] = "run.sh sets LC_ALL=C; do not unset it";
static const char hint_random[] =
	"is it random, a hash of something that differs, an inode number, or memory that "
	"was never "
	"set? use a fixed seed, `gcc -frandom-seed=`, or leave it out";

static const char hint_mode[] =
	"set modes with chmod or `install -m`, whatever the umask is";

/* From the particular to the general. */
static const struct cause causes[] = {
	{"signing key",
	 "give the kernel a key that stays: CONFIG_MODULE_SIG_KEY names a PEM file; or "
	 "MODULE_SIG: n",
	 .in_file = cause_signature},
	{"python cache",
	 "keep .pyc files out (PYTHONDONTWRITEBYTECODE=1), or py_compile with "
	 "--invalidation-mode=unchecked-hash",
	 .in_file = cause_python},
	{"gzip header", "gzip -n leaves name and time out", .in_file = cause_gzip},
	{"archive members",
	 "tar --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=go-w; cpio "
	 "--reproducible "
	 "-R 0:0 after `touch -d @0`; ar D; zip -X after `touch`",
	 .in_file = cause_archive},
	{"file system image",
	 "ext4: mke2fs -U UUID -E hash_seed=UUID with E2FSPROGS_FAKE_TIME; squashfs: "
	 "mksquashfs -mkfs-time 0 -all-time 0",
	 .in_file = cause_image},
	{"device tree seed", "qemu -M ...,dtb-randomness=off",
	 .in_file = cause_device_tree},
	{"build id",
	 "it is a hash of the file before it was stripped: look at debug sections, e.g. "
	 "paths; "
	 "or link with --build-id=none",
	 .in_file = cause_build_id},
	{"directory order", hint_order, .in_file = cause_directory},
	{"locale", hint_locale, .in_file = cause_collation},
	{"parallel jobs", hint_jobs, .in_file = cause_parallel},

	{"build path",
	 "it is where /build is on this machine's disk: do not write "
	 "/proc/self/mountinfo or df "
	 "into a result",
	 .at_spot = cause_place},
	{"host name", "set KBUILD_BUILD_HOST or leave `hostname` out",
	 .at_spot = cause_host},
	{"user", "set KBUILD_BUILD_USER, leave `id` and `whoami` out",
	 .at_spot = cause_user},
	{"kernel release", "leave `uname -r` and `uname -v` of the build machine out",
	 .at_spot = cause_kernel},
	{"environment",
	 "write no `env` into a result; name the variables that belong there",
	 .at_spot = cause_environment},
	{"locale", hint_locale, .at_spot = cause_locale},
	{"timestamp", hint_date, .at_spot = cause_date},
	{"timestamp", hint_date, .at_spot = cause_binary_date},
	{"temporary name", "name temporary files yourself, below /build, without mktemp",
	 .at_spot = cause_temporary, .weak = true},
	{"random", hint_random, .at_spot = cause_uuid, .weak = true},
	{"file mode", hint_mode, .at_spot = cause_mode, .weak = true},

	{"process id", "leave $$ and getpid() out, of names too", .at_spot = cause_pid,
	 .weak = true},
	{"parallel jobs", hint_jobs, .at_spot = cause_jobs, .weak = true},
	{"memory address", "print no pointers, and order nothing by them",
	 .at_spot = cause_address, .weak = true},
	{"randstruct seed",
	 "RANDSTRUCT_NONE: y, or a fixed scripts/basic/randstruct.seed in the source",
	 .in_file = cause_randstruct, .weak = true},
	{"latent entropy", "GCC_PLUGIN_LATENT_ENTROPY: n", .in_file = cause_entropy,
	 .weak = true},
	{"compression", "one thread and a fixed level: xz -T1, zstd -T1, pigz -p1",
	 .in_file = cause_packing, .weak = true},
	{"random", hint_random, .at_spot = cause_random, .weak = true},
};

const struct cause cause_of_mode = {
	.name = "file mode",
	.hint = hint_mode,
};

struct finding {
	struct arena *a;
	struct found_cause *out;
	size_t n;
};

static void add(struct finding *f, const struct cause *c, const struct strbuf *detail)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->out[i].cause->name, c->name) == 0)
			return;
	if (f->n == CAUSES_MAX)
		return;
	f->out[f->n++] = (struct found_cause){
		.cause = c,
		.detail = detail && detail->len ? arena_strdup(f->a, detail->ptr) : NULL,
	};
}

static bool all_explained(const struct evidence *e)
{
	for (size_t i = 0; i < e->nspots; i++)
		if (!e->spots[i].explained)
			return false;
	return true;
}

static void ask_file(struct finding *f, const struct cause *c, struct evidence *e)
{
	autobuf struct strbuf detail = STRBUF_INIT;

	if (c->in_file(e, &detail))
		add(f, c, &detail);
}

static void ask_spots(struct finding *f, const struct cause *c, struct evidence *e)
{
	for (size_t i = 0; i < e->nspots; i++) {
		struct spot *s = &e->spots[i];

		if (s->explained == BY_FORMAT || (c->weak && s->explained) ||
		    !c->at_spot(e, s))
			continue;
		s->explained = BY_WORDS;
		add(f, c, NULL);
	}
}

size_t causes_find(struct evidence *e, struct arena *a,
		   struct found_cause out[CAUSES_MAX])
{
	struct finding f = {a, out, 0};

	for (size_t i = 0; i < ARRAY_LEN(causes); i++) {
		const struct cause *c = &causes[i];

		if (c->weak && f.n && all_explained(e))
			break;
		if (c->in_file)
			ask_file(&f, c, e);
		else
			ask_spots(&f, c, e);
	}
	return f.n;
}
