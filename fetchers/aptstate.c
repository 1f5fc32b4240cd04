// SPDX-License-Identifier: MIT
#include "fetchers/aptstate.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/child.h"
#include "base/dir.h"
#include "base/sha256.h"
#include "fetchers/url.h"

/* One lock of many inputs asks many times; the lists need not be fetched every time. */
enum { FRESH_S = 60 };

static bool installed(const char *program)
{
	autofree char *file = child_find(program);

	return file != NULL;
}

/* --- running --------------------------------------------------------------- */

static void inherit(struct argv *env, const char *name)
{
	const char *value = getenv(name);

	if (value && *value)
		argv_pushf(env, "%s=%s", name, value);
}

static void make_env(struct apt_state *s)
{
	static const char *const kept[] = {"PATH",        "HOME",        "http_proxy",
					   "https_proxy", "HTTPS_PROXY", "ftp_proxy",
					   "no_proxy",    "NO_PROXY",    "TMPDIR"};

	for (size_t i = 0; i < ARRAY_LEN(kept); i++)
		inherit(&s->env, kept[i]);
	argv_pushf(&s->env, "APT_CONFIG=%s/apt.conf", s->dir);
	argv_push(&s->env, "LC_ALL=C");
}

int apt_run(const struct apt_state *s, const struct argv *argv, struct strbuf *out,
	    struct strbuf *complaints, struct error *err)
{
	autoclose int said = memfd_create("stderr", MFD_CLOEXEC);

	if (said < 0)
		return error_errno(err, "cannot make a temporary file");
	struct child c = {.argv = argv, .env = &s->env, .errfd = said};
	int code = child_output(&c, out, err);
	if (code < 0)
		return -1;
	if (lseek(said, 0, SEEK_SET) < 0 || read_all(said, 1 << 20, complaints, err) < 0)
		return -1;
	if (code > 128)
		return error_class(err, ERROR_INFRA, "%s was killed by signal %d",
				   argv->v[0], code - 128);
	return code;
}

/* --- files ----------------------------------------------------------------- */

/* The host's way to the network is the one thing taken over from its configuration. */
static void add_proxies(struct strbuf *conf)
{
	static const char *const kept[] = {
		"Acquire::http::Proxy", "Acquire::https::Proxy", "Acquire::https::CaInfo",
		"Acquire::https::Verify"};
	autoargv struct argv argv = {0};
	autobuf struct strbuf out = STRBUF_INIT;
	autoerror struct error quiet = {0};

	argv_pushl(&argv, "apt-config", "dump", NULL);
	struct child c = {.argv = &argv};
	if (child_output(&c, &out, &quiet) != 0 || !out.ptr)
		return;
	struct str rest = {out.ptr, out.len};
	while (rest.ptr) {
		struct str line = str_cut(&rest, '\n');

		for (size_t i = 0; i < ARRAY_LEN(kept); i++)
			if (line.len > strlen(kept[i]) &&
			    strncmp(line.ptr, kept[i], strlen(kept[i])) == 0)
				strbuf_printf(conf, "%.*s\n", (int)line.len, line.ptr);
	}
}

static int write_conf(const struct apt_state *s, const struct host *h,
		      const struct apt_query *q, const struct argv *archs,
		      struct error *err)
{
	static const char *const off[] = {"Dir::Etc::main",
					  "Dir::Etc::Parts",
					  "Dir::Etc::SourceParts",
					  "Dir::Etc::Preferences",
					  "Dir::Etc::PreferencesParts",
					  "Dir::Etc::Trusted",
					  "Dir::Etc::TrustedParts",
					  "Dir::Etc::netrcparts"};
	autofree char *path = path_join(s->dir, "apt.conf");
	autobuf struct strbuf b = STRBUF_INIT;

	for (size_t i = 0; i < ARRAY_LEN(off); i++)
		strbuf_printf(&b, "%s \"/dev/null\";\n", off[i]);
	strbuf_printf(&b,
		      "Dir::Etc::SourceList \"%s/sources.list\";\n"
		      "Dir::State \"%s\";\nDir::State::status \"%s/status\";\n"
		      "Dir::Cache \"%s/cache\";\nDir::Log \"%s\";\n",
		      s->dir, s->dir, s->dir, s->dir, s->dir);
	strbuf_printf(&b, "APT::Architecture \"%s\";\nAPT::Architectures {", q->arch);
	for (size_t i = 0; i < archs->n; i++)
		strbuf_printf(&b, " \"%s\";", archs->v[i]);
	strbuf_adds(&b, " };\nAPT::Install-Recommends \"false\";\n"
			"APT::Get::List-Cleanup \"true\";\n"
			"APT::Update::Error-Mode \"any\";\n"
			"Acquire::Languages \"none\";\nAcquire::Retries \"3\";\n"
			"Acquire::http::Timeout \"30\";\n");
	if (geteuid() == 0) /* _apt could not write here */
		strbuf_adds(&b, "APT::Sandbox::User \"root\";\n");
	if (h->allow_expired)
		strbuf_adds(&b, "Acquire::Check-Valid-Until \"false\";\n");
	add_proxies(&b);
	return dir_write(AT_FDCWD, path, b.ptr, b.len, 0644, false, err);
}

static int make_dirs(const struct apt_state *s, struct error *err)
{
	static const char *const dirs[] = {"lists/partial", "cache/archives/partial"};
	autofree char *status = path_join(s->dir, "status");

	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		autofree char *path = path_join(s->dir, dirs[i]);

		if (dir_make(AT_FDCWD, path, 0755, err) < 0)
			return -1;
	}
	return dir_write(AT_FDCWD, status, "", 0, 0644, false, err);
}

/* --- the lists ------------------------------------------------------------- */

/* What the lists were made of; while it is young and the same, they are not fetched
 * again. */
static bool fresh(const char *stamp, const char *sources)
{
	autobuf struct strbuf text = STRBUF_INIT;
	autoerror struct error quiet = {0};
	struct stat st;

	if (stat(stamp, &st) < 0 || st.st_mtime + FRESH_S < time(NULL) ||
	    st.st_mtime > time(NULL))
		return false;
	return dir_read(AT_FDCWD, stamp, &text, &quiet) == 0 && text.ptr &&
	       strcmp(text.ptr, sources) == 0;
}

enum update { UPDATED, ABSENT, UNREACHABLE, REFUSED };

static void first_lines(const struct strbuf *text, struct strbuf *out)
{
	struct str rest =
		text->ptr ? (struct str){text->ptr, text->len} : (struct str){0};

	for (unsigned n = 0; rest.ptr && n < 3;) {
		struct str line = str_cut(&rest, '\n');

		if (line.len < 3 || (line.ptr[0] != 'E' && line.ptr[0] != 'W'))
			continue;
		strbuf_adds(out, n++ ? "\n  " : "");
		strbuf_add_masked(out, line.ptr, line.len);
	}
}

/* apt speaks to people only; LC_ALL=C keeps it to these words. */
static enum update complain(const struct host *h, const char *suite, const char *base,
			    const struct strbuf *said, struct error *err)
{
	const char *text = said->ptr ? said->ptr : "";
	autofree char *shown = url_masked(base);
	autobuf struct strbuf lines = STRBUF_INIT;

	first_lines(said, &lines);
	error_finish(err);
	if (strstr(text, "is expired") || strstr(text, "Valid-Until")) {
		error_class(err, ERROR_INFRA,
			    "the Release file of %s from %s is past its Valid-Until date",
			    suite, shown);
		error_hint(err,
			   "the mirror may be out of date; KBUILD_DEBIAN_ALLOW_EXPIRED=1 "
			   "accepts it as it is");
		return REFUSED;
	}
	if (strstr(text, "NO_PUBKEY") || strstr(text, "EXPKEYSIG") ||
	    strstr(text, "BADSIG") || strstr(text, "couldn't be verified") ||
	    strstr(text, "could not be verified") || strstr(text, "Missing key") ||
	    strstr(text, "At least one invalid signature")) {
		error_class(err, ERROR_INFRA,
			    "the Release file of %s from %s is not signed by a key of "
			    "%s\n  %s",
			    suite, shown, h->keyring, lines.ptr ? lines.ptr : "");
		error_hint(err, "KBUILD_DEBIAN_KEYRING names another keyring; package "
				"debian-archive-keyring has Debian's");
		return REFUSED;
	}
	error_class(err, ERROR_INFRA, "cannot read the package lists of %s from %s\n  %s",
		    suite, shown, lines.ptr ? lines.ptr : "apt gives no reason");
	return strstr(text, "404") || strstr(text, "does not have a Release file") ||
			       strstr(text, "File not found")
		       ? ABSENT
		       : UNREACHABLE;
}

static enum update update_from(const struct apt_state *s, const struct host *h,
			       const char *suite, const char *base, struct error *err)
{
	autofree char *list = path_join(s->dir, "sources.list");
	autofree char *stamp = path_join(s->dir, "stamp");
	autobuf struct strbuf text = STRBUF_INIT, out = STRBUF_INIT, said = STRBUF_INIT;
	autoargv struct argv argv = {0};

	strbuf_printf(&text, "deb [signed-by=%s] %s %s main\n", h->keyring, base, suite);
	if (fresh(stamp, text.ptr))
		return UPDATED;
	unlink(stamp);
	if (dir_write(AT_FDCWD, list, text.ptr, text.len, 0644, false, err) < 0)
		return REFUSED;
	argv_pushl(&argv, "apt-get", "-q", "update", NULL);
	int code = apt_run(s, &argv, &out, &said, err);
	if (code < 0)
		return REFUSED;
	if (code != 0)
		return complain(h, suite, base, &said, err);
	if (dir_write(AT_FDCWD, stamp, text.ptr, text.len, 0644, false, err) < 0)
		return REFUSED;
	return UPDATED;
}

static int update(const struct apt_state *s, const struct host *h, const char *suite,
		  bool *missing, struct error *err)
{
	bool all_absent = true;
	autoerror struct error worst = {0};

	if (!h->debian.n) {
		error_class(err, ERROR_INFRA, "no Debian mirror is known");
		return error_hint(err, "set KBUILD_DEBIAN_MIRROR, or debian-mirrors: in "
				       "~/.config/kbuild/config.yaml");
	}
	for (size_t i = 0; i < h->debian.n; i++) {
		struct error one = {0};
		enum update got = update_from(s, h, suite, h->debian.v[i], &one);

		if (got == UPDATED)
			return 0;
		/* a refusal says more than an absence */
		if (got != ABSENT || !error_is_set(&worst)) {
			if (all_absent || got == REFUSED) {
				error_finish(&worst);
				worst = one;
				one = (struct error){0};
			}
		}
		all_absent &= got == ABSENT;
		error_finish(&one);
	}
	*missing = all_absent;
	if (!all_absent)
		return error_join(err, &worst);
	error_class(err, ERROR_RECIPE, "no Debian mirror of this machine has suite %s",
		    suite);
	return error_hint(err,
			  "KBUILD_DEBIAN_MIRROR names others; old releases are kept by "
			  "archive mirrors");
}

/* --- the release ----------------------------------------------------------- */

static int find_release(const struct apt_state *s, char **path, struct error *err)
{
	autofree char *lists = path_join(s->dir, "lists");
	autoclose int dir = open(lists, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoargv struct argv names = {0};

	if (dir < 0 || dir_names(dir, &names, err) < 0)
		return error_errno(err, "cannot list %s", lists);
	for (size_t i = 0; i < names.n; i++) {
		if (!str_ends(names.v[i], "_InRelease"))
			continue;
		*path = path_join(lists, names.v[i]);
		return 0;
	}
	return error_class(err, ERROR_INFRA, "the mirror has no InRelease file");
}

static int verify(const struct host *h, const char *suite, const char *file,
		  struct error *err)
{
	bool gpgv = installed("gpgv");
	autoargv struct argv argv = {0};
	autobuf struct strbuf out = STRBUF_INIT;

	if (!gpgv && !installed("sqv")) {
		error_class(err, ERROR_INFRA, "neither gpgv nor sqv is installed");
		return error_hint(
			err, "locking Debian packages checks the archive's signature; "
			     "install gpgv");
	}
	if (gpgv)
		argv_pushl(&argv, "gpgv", "--status-fd", "1", "--keyring", h->keyring,
			   file, NULL);
	else
		argv_pushl(&argv, "sqv", "--keyring", h->keyring, "--cleartext", file,
			   NULL);
	autoclose int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct child c = {.argv = &argv, .errfd = null > 0 ? null : 0};
	int code = child_output(&c, &out, err);
	if (code < 0)
		return -1;
	const char *text = out.ptr ? out.ptr : "";
	/* A signature by an unknown key is fine beside a good one; a bad one never. */
	if (gpgv ? strstr(text, "[GNUPG:] VALIDSIG") && !strstr(text, "[GNUPG:] BADSIG")
		 : code == 0)
		return 0;
	error_class(err, ERROR_INFRA,
		    "the Release file of %s is not signed by a key of %s", suite,
		    h->keyring);
	return error_hint(err, "KBUILD_DEBIAN_KEYRING names another keyring");
}

static const char *release_date(const struct strbuf *text, struct arena *a)
{
	const char *line = text->ptr ? strstr(text->ptr, "\nDate:") : NULL;
	struct tm tm = {0};
	char out[32];

	if (!line || !strptime(line + 6, " %a, %d %b %Y %H:%M:%S", &tm))
		return NULL;
	strftime(out, sizeof(out), "%Y%m%dT%H%M%SZ", &tm);
	return arena_strdup(a, out);
}

static int read_release(const struct apt_state *s, const struct host *h,
			const struct apt_query *q, struct arena *a,
			struct apt_release *release, struct error *err)
{
	autofree char *file = NULL;
	autobuf struct strbuf text = STRBUF_INIT;
	char hex[SHA256_HEX_SIZE];

	if (find_release(s, &file, err) < 0 || verify(h, q->suite, file, err) < 0 ||
	    dir_read(AT_FDCWD, file, &text, err) < 0)
		return -1;
	struct sha256 digest = sha256_of(text.ptr, text.len);
	release->sha256 = arena_strdup(a, sha256_hex(&digest, hex));
	release->key = arena_printf(a, "%s/main/%s", q->suite, q->arch);
	release->date = release_date(&text, a);
	if (!release->date)
		return error_class(err, ERROR_INFRA, "the Release file of %s has no date",
				   q->suite);
	return 0;
}

/* --- opening --------------------------------------------------------------- */

static int check_host(const struct host *h, struct error *err)
{
	if (!installed("apt-get") || !installed("apt-cache")) {
		error_class(err, ERROR_INFRA,
			    "apt is not installed, and locking Debian packages needs it");
		return error_hint(err,
				  "lock on a machine with apt; a complete lock builds "
				  "without it");
	}
	if (access(h->keyring, R_OK) == 0)
		return 0;
	error_errno(err, "cannot read the keyring %s of the Debian archive", h->keyring);
	return error_hint(err,
			  "install debian-archive-keyring, or set KBUILD_DEBIAN_KEYRING");
}

/* The query's own architecture first, then those its packages name. */
static void collect_archs(const struct apt_query *q, struct argv *archs)
{
	if (q->second && strcmp(q->second, q->arch) != 0)
		argv_push(archs, q->second);
	for (size_t i = 0; i < q->packages.n; i++) {
		const char *colon = strchr(q->packages.v[i], ':');

		if (colon && strcmp(colon + 1, q->arch) != 0 &&
		    strcmp(colon + 1, "all") != 0)
			argv_push(archs, colon + 1);
	}
	argv_sort(archs);
	argv_unique(archs);
}

static int lock_state(struct apt_state *s, struct error *err)
{
	autofree char *path = path_join(s->dir, "lock");

	s->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (s->lock < 0 || flock(s->lock, LOCK_EX) < 0)
		return error_errno(err, "cannot lock %s", path);
	return 0;
}

int apt_state_open(const struct host *h, const struct apt_query *q, struct arena *a,
		   struct apt_state *s, struct apt_release *release, bool *missing,
		   struct error *err)
{
	autoargv struct argv foreign = {0}, archs = {0};
	autobuf struct strbuf name = STRBUF_INIT;

	if (check_host(h, err) < 0)
		return -1;
	collect_archs(q, &foreign);
	strbuf_printf(&name, "apt/%s-%s", q->suite, q->arch);
	argv_push(&archs, q->arch);
	for (size_t i = 0; i < foreign.n; i++) {
		strbuf_printf(&name, "+%s", foreign.v[i]);
		argv_push(&archs, foreign.v[i]);
	}
	s->dir = host_cache_dir(h, name.ptr, err);
	if (!s->dir || lock_state(s, err) < 0 || make_dirs(s, err) < 0 ||
	    write_conf(s, h, q, &archs, err) < 0)
		return -1;
	make_env(s);
	if (update(s, h, q->suite, missing, err) < 0)
		return -1;
	return read_release(s, h, q, a, release, err);
}

void apt_state_close(struct apt_state *s)
{
	free(s->dir);
	argv_finish(&s->env);
	if (s->lock > 0)
		close(s->lock);
}
