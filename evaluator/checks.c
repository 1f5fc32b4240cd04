// SPDX-License-Identifier: MIT
#include "evaluator/checks.h"

#include <regex.h>
#include <string.h>

#include "base/map.h"
#include "evaluator/arch.h"
#include "evaluator/findings.h"
#include "evaluator/sections.h"
#include "store/key.h"
#include "fetchers/spec.h"

/* --- checks of single values ---------------------------------------------------- */

int check_version(const struct node *n, struct error *err)
{
	if (strcmp(n->text, "1") == 0)
		return 0;
	error_at(err, n->at, "expected version 1 of the language, found '%s'", n->text);
	return error_hint(err, "a newer kbuild may know it");
}

int check_arch(const struct node *n, struct error *err)
{
	const struct arch *arch = arch_find(n->text);
	size_t nwords;
	const char *const *words = arch_words(&nwords);

	if (!arch) {
		error_at(err, n->at, "unknown architecture '%s'", n->text);
		return findings_suggest(err, n->text, words, nwords);
	}
	if (arch->supported)
		return 0;
	error_at(err, n->at, "architecture %s cannot be built by this version",
		 arch->name);
	return error_hint(err, "this version builds x86_64, arm64 and armhf");
}

static bool all_in(const char *s, const char *more)
{
	for (; *s; s++)
		if (!((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
		      (*s >= '0' && *s <= '9') || strchr(more, *s)))
			return false;
	return true;
}

int check_name(const struct node *n, struct error *err)
{
	if (*n->text && *n->text != '.' && all_in(n->text, "._+-") &&
	    strlen(n->text) <= 64)
		return 0;
	return error_at(err, n->at,
			"expected a name of letters, digits and . _ + -, found '%s'",
			n->text);
}

int check_step_name(const struct member *m, struct error *err)
{
	static const char *const taken[] = {"gdb",    "guest", "initramfs", "kernel",
					    "rootfs", "run",   "toolchain"};

	if (!*m->key || !all_in(m->key, "_-") || strlen(m->key) > 64)
		return error_at(err, m->key_at,
				"expected a name of letters, digits, _ and -, found '%s'",
				m->key);
	for (size_t i = 0; i < ARRAY_LEN(taken); i++)
		if (strcmp(m->key, taken[i]) == 0)
			return error_at(err, m->key_at,
					"'%s' is the name of a step already", m->key);
	return 0;
}

int check_plain_name(const struct member *m, struct error *err)
{
	if (*m->key && all_in(m->key, "_-") && strlen(m->key) <= 64)
		return 0;
	return error_at(err, m->key_at,
			"expected a name of letters, digits, _ and -, found '%s'",
			m->key);
}

static bool is_suite(const char *s, size_t n)
{
	return n > 0 && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") >= n;
}

void toolchain_parse(const char *text, struct arena *a, struct toolchain_name *out)
{
	const char *suite = text + strlen("debian/");
	const char *slash = strchr(suite, '/');

	const char *word =
		arena_strndup(a, suite, slash ? (size_t)(slash - suite) : strlen(suite));
	const char *number = suite_number(word);

	/* Both names of a release are one toolchain; an unknown one may be new. */
	out->suite = number ? number : word;
	out->gcc = slash && str_starts(slash, "/gcc-") ? slash + 5 : NULL;
}

int check_toolchain(const struct node *n, struct error *err)
{
	const char *suite = n->text + strlen("debian/");
	const char *slash;

	if (strcmp(n->text, "host") == 0 || str_starts(n->text, "path:") ||
	    str_starts(n->text, "kernel.org/")) {
		error_at(err, n->at, "toolchain '%s' is not supported by this version",
			 n->text);
		return error_hint(
			err, "use debian/SUITE, such as debian/13 or debian/12/gcc-11");
	}
	if (!str_starts(n->text, "debian/"))
		goto bad;
	slash = strchr(suite, '/');
	if (!is_suite(suite, slash ? (size_t)(slash - suite) : strlen(suite)))
		goto bad;
	if (!slash || strcmp(slash, "/gcc") == 0)
		return 0;
	if (str_starts(slash, "/gcc-") && slash[5] &&
	    !slash[5 + strspn(slash + 5, "0123456789.")])
		return 0;
	if (str_starts(slash, "/clang") || strcmp(slash, "/rust") == 0) {
		error_at(err, n->at, "toolchain '%s' is not supported by this version",
			 n->text);
		return error_hint(err,
				  "this version knows gcc, such as debian/12/gcc-11");
	}
bad:
	error_at(err, n->at, "expected a toolchain such as debian/13, found '%s'",
		 n->text);
	return error_hint(err, "debian/SUITE or debian/SUITE/gcc-VERSION");
}

enum source_form source_form_of(const char *from)
{
	static const struct {
		const char *prefix;
		enum source_form form;
	} forms[] = {
		{"./", SOURCE_PATH},
		{"../", SOURCE_PATH},
		{"/", SOURCE_PATH},
		{"debian/", SOURCE_DEBIAN},
		{"kernel.org/", SOURCE_KERNEL},
		{"git+https://", SOURCE_GIT},
		{"git+http://", SOURCE_GIT},
		{"git+ssh://", SOURCE_GIT},
		{"git+file://", SOURCE_GIT},
		{"https://", SOURCE_URL},
		{"http://", SOURCE_URL},
		{"file://", SOURCE_URL},
	};

	if (strcmp(from, ".") == 0 || strcmp(from, "..") == 0)
		return SOURCE_PATH;
	for (size_t i = 0; i < ARRAY_LEN(forms); i++)
		if (str_starts(from, forms[i].prefix) && from[strlen(forms[i].prefix)])
			return forms[i].form;
	/* A bare patches/x.patch is what everybody writes, and can mean nothing else. */
	if ((str_ends(from, ".patch") || str_ends(from, ".diff")) && !strchr(from, ':'))
		return SOURCE_PATH;
	return SOURCE_UNKNOWN;
}

/* Something like `git@host:x.git` or `hello` deserves its own hint. */
int check_source(const struct node *n, struct error *err)
{
	const char *s = n->text;

	switch (source_form_of(s)) {
	case SOURCE_UNKNOWN:
		error_at(err, n->at, "expected a source, found '%s'", s);
		if (str_starts(s, "git@") || str_starts(s, "git://") ||
		    str_ends(s, ".git"))
			return error_hint(err, "write git+https://HOST/PATH.git#REF");
		if (all_in(s, "._+-/") && *s)
			return error_hint(err, "a local path begins with ./, as in ./%s",
					  s);
		return error_hint(err, "./DIR, debian/PACKAGE, kernel.org/VERSION, "
				       "git+https://..., https://...");
	case SOURCE_DEBIAN:
		if (strspn(s + 7, "/") || str_ends(s, "/") || !all_in(s, "./+-:_~"))
			return error_at(
				err, n->at,
				"expected debian/PACKAGE or debian/SUITE/PACKAGE, "
				"found '%s'",
				s);
		return 0;
	case SOURCE_KERNEL:
		if (!str_starts(s, "kernel.org/") ||
		    s[11 + strspn(s + 11, "0123456789.rc-")] ||
		    !strchr("0123456789", s[11]))
			return error_at(err, n->at,
					"expected a version such as kernel.org/6.12.12, "
					"found '%s'",
					s);
		return 0;
	default:
		return 0;
	}
}

int check_input(const struct node *n, struct error *err)
{
	return str_starts(n->text, "${") ? 0 : check_source(n, err);
}

static int expected_path(const struct node *n, const char *what, struct error *err)
{
	if (source_form_of(n->text) == SOURCE_PATH)
		return 0;
	error_at(err, n->at, "expected %s, found '%s'", what, n->text);
	return error_hint(err, "a local path begins with ./, as in ./%s", n->text);
}

int check_target(const struct node *n, struct error *err)
{
	return expected_path(n, "the file that describes a machine", err);
}

int check_local(const struct node *n, struct error *err)
{
	return expected_path(n, "a local file", err);
}

int check_sha256(const struct node *n, struct error *err)
{
	if (strlen(n->text) == 64 && !n->text[strspn(n->text, "0123456789abcdef")])
		return 0;
	if (str_starts(n->text, "sha256-") && strlen(n->text) == 51)
		return 0;
	return error_at(err, n->at, "expected 64 lower-case hex digits or sha256-BASE64");
}

int check_guest_path(const struct member *m, struct error *err)
{
	const char *s = m->key;
	bool dots = strstr(s, "/../") || str_ends(s, "/..") || strstr(s, "/./") ||
		    strstr(s, "//");

	if (*s != '/')
		return error_at(err, m->key_at,
				"expected an absolute path in the guest, found '%s'", s);
	if (!s[1] || str_ends(s, "/") || dots || strpbrk(s, "\t\n"))
		return error_at(err, m->key_at,
				"expected a plain path of a file, found '%s'", s);
	return 0;
}

int check_guest_place(const struct member *m, struct error *err)
{
	return strcmp(m->key, "/") == 0 ? 0 : check_guest_path(m, err);
}

int check_mode(const struct node *n, struct error *err)
{
	size_t len = strlen(n->text);

	if (len >= 3 && len <= 5 && !n->text[strspn(n->text, "01234567")] &&
	    (len < 5 || n->text[0] == '0'))
		return 0;
	error_at(err, n->at, "expected an octal mode such as 0755, found '%s'", n->text);
	return -1;
}

int check_owner(const struct node *n, struct error *err)
{
	const char *s = n->text;
	size_t uid = strspn(s, "0123456789");
	size_t gid = s[uid] == ':' ? strspn(s + uid + 1, "0123456789") : 0;

	if (uid && gid && uid <= 9 && gid <= 9 && !s[uid + 1 + gid])
		return 0;
	error_at(err, n->at, "expected UID:GID in numbers, found '%s'", s);
	return error_hint(err, "root is 0:0");
}

int check_symbol(const struct member *m, struct error *err)
{
	if (str_starts(m->key, "CONFIG_")) {
		error_at(err, m->key_at, "symbols are written without CONFIG_");
		return error_hint(err, "write %s", m->key + 7);
	}
	if (*m->key && all_in(m->key, "_"))
		return 0;
	return error_at(err, m->key_at, "'%s' cannot be a configuration symbol", m->key);
}

int check_value(const struct node *n, struct error *err)
{
	static const char *const no_values[][2] = {
		{"yes", "y"}, {"no", "n"}, {"true", "y"}, {"false", "n"}, {"on", "y"},
		{"off", "n"}, {"Y", "y"},  {"N", "n"},    {"M", "m"},
	};

	for (size_t i = 0; i < ARRAY_LEN(no_values); i++) {
		if (strcmp(n->text, no_values[i][0]) != 0)
			continue;
		error_at(err, n->at, "expected y, m, n, a number or text, found '%s'",
			 n->text);
		return error_hint(err, "did you mean '%s'?", no_values[i][1]);
	}
	if (strpbrk(n->text, "\n\r"))
		return error_at(err, n->at, "a configuration value is one line");
	return 0;
}

int check_base(const struct node *n, struct error *err)
{
	static const char *const words[] = {"allnoconfig", "defconfig", "target",
					    "tinyconfig"};

	if (source_form_of(n->text) == SOURCE_PATH || str_ends(n->text, "_defconfig"))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(n->text, words[i]) == 0)
			return 0;
	error_at(err, n->at, "unknown base '%s'", n->text);
	const char *near = word_nearest(n->text, words, ARRAY_LEN(words));
	if (near)
		return error_hint(err, "did you mean '%s'?", near);
	return error_hint(
		err,
		"tinyconfig, allnoconfig, defconfig, NAME_defconfig, target, or a file "
		"./NAME");
}

int check_use(const struct node *n, struct error *err)
{
	if (source_form_of(n->text) == SOURCE_PATH ||
	    (*n->text && all_in(n->text, "._-")))
		return 0;
	error_at(err, n->at, "expected a named set, NAME.config or ./FILE, found '%s'",
		 n->text);
	return -1;
}

int check_localversion(const struct node *n, struct error *err)
{
	if (all_in(n->text, "._+-~") && strlen(n->text) <= 48)
		return 0;
	return error_at(err, n->at, "expected letters, digits and . _ + - ~, found '%s'",
			n->text);
}

int check_image(const struct node *n, struct error *err)
{
	static const char *const words[] = {"auto",     "bzImage", "Image",
					    "Image.gz", "vmlinux", "zImage"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(n->text, words[i]) == 0)
			return 0;
	error_at(err, n->at, "unknown image '%s'", n->text);
	return findings_suggest(err, n->text, words, ARRAY_LEN(words));
}

int check_install(const struct node *n, struct error *err)
{
	if (*n->text && *n->text != '/' && !strstr(n->text, "..") &&
	    all_in(n->text, "._+/-"))
		return 0;
	return error_at(err, n->at,
			"expected a folder below lib/modules/RELEASE, found '%s'",
			n->text);
}

int check_busybox(const struct node *n, struct error *err)
{
	static const char *const words[] = {"none", "static"};

	if (strcmp(n->text, "static") == 0 || strcmp(n->text, "none") == 0 ||
	    source_form_of(n->text) != SOURCE_UNKNOWN)
		return 0;
	error_at(err, n->at, "expected static, none or a source, found '%s'", n->text);
	const char *near = word_nearest(n->text, words, ARRAY_LEN(words));
	return near ? error_hint(err, "did you mean '%s'?", near) : -1;
}

int check_net(const struct node *n, struct error *err)
{
	static const char *const words[] = {"bridge=NAME", "none", "user"};

	if (strcmp(n->text, "none") == 0 || strcmp(n->text, "user") == 0 ||
	    (str_starts(n->text, "bridge=") && n->text[7] && all_in(n->text + 7, "._-")))
		return 0;
	error_at(err, n->at, "unknown network '%s'", n->text);
	return findings_suggest(err, n->text, words, ARRAY_LEN(words));
}

int check_smp(const struct node *n, struct error *err)
{
	if (strlen(n->text) <= 4 && !strpbrk(n->text, "-x") && strcmp(n->text, "0") != 0)
		return 0;
	return error_at(err, n->at, "expected a number of processors, found '%s'",
			n->text);
}

/* Extended, as grep -E has it; one line, for lines are what it is looked for in. */
int check_regex(const struct node *n, struct error *err)
{
	char why[128];
	regex_t regex;
	int rc;

	if (check_line(n, err) < 0)
		return -1;
	if (!*n->text)
		return error_at(err, n->at, "expected a regular expression");
	rc = regcomp(&regex, n->text, REG_EXTENDED | REG_NOSUB);
	if (rc == 0) {
		regfree(&regex);
		return 0;
	}
	regerror(rc, &regex, why, sizeof(why));
	error_at(err, n->at, "'%s' is no extended regular expression: %s", n->text, why);
	return error_hint(err, "a backslash makes a character stand for itself: \\( \\[");
}

static bool is_port(const char *s)
{
	size_t n = strspn(s, "0123456789");

	return n > 0 && n <= 5 && !s[n] && *s != '0' && strtol(s, NULL, 10) < 65536;
}

int check_port(const struct node *n, struct error *err)
{
	if (is_port(n->text))
		return 0;
	return error_at(err, n->at, "expected a port of the guest, found '%s'", n->text);
}

int check_port_key(const struct member *m, struct error *err)
{
	if (is_port(m->key))
		return 0;
	error_at(err, m->key_at, "expected a port of this machine, found '%s'", m->key);
	return error_hint(err, "ports: {2222: 22}");
}

int check_run(const struct node *n, struct error *err)
{
	const struct node *ports = node_get(n, "ports");
	const char *net = node_text(n, "net");

	if (!ports || !net || !str_starts(net, "bridge="))
		return 0;
	error_at(err, ports->at, "ports lead to a guest with net: user");
	return error_hint(err, "on a bridge it has an address of its own");
}

int check_line(const struct node *n, struct error *err)
{
	if (!strpbrk(n->text, "\n\r"))
		return 0;
	return error_at(err, n->at, "expected one line of text");
}

int check_cache(const struct node *n, struct error *err)
{
	static const char *const schemes[] = {"http://", "https://", "file:///", "s3://"};

	for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
		if (str_starts(n->text, schemes[i]) && n->text[strlen(schemes[i])])
			return check_line(n, err);
	if (source_form_of(n->text) == SOURCE_PATH)
		return check_line(n, err);
	error_at(err, n->at, "expected the address of a cache, found '%s'", n->text);
	return error_hint(
		err, "https://HOST/PATH, http://, s3://BUCKET, file:///DIR or ./DIR");
}

int check_public_key(const struct node *n, struct error *err)
{
	autoerror struct error why = {0};
	struct key_public key;

	if (key_public_parse(n->text, &key, &why) == 0)
		return 0;
	error_at(err, n->at, "%s", why.msg);
	return error_hint(err, "the public half, as `kbuild key public` prints it");
}

/* --- checks of whole sections --------------------------------------------------- */

int check_file(const struct node *n, struct error *err)
{
	static const char *const kinds[] = {"file", "text", "link", "from"};
	const struct member *first = NULL;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		const struct member *m = node_member(n, kinds[i]);

		if (m && first) {
			error_at(err, m->key_at, "'%s' and '%s' exclude each other",
				 first->key, m->key);
			return -1;
		}
		first = m ? m : first;
	}
	if (!first) {
		error_at(err, n->at, "expected one of file, text, link and from");
		return -1;
	}
	if (strcmp(first->key, "from") == 0 && !node_get(n, "path"))
		return error_at(err, first->key_at,
				"'from' needs 'path', the file in the package");
	if (strcmp(first->key, "from") != 0 && node_get(n, "path"))
		return error_at(err, node_member(n, "path")->key_at,
				"'path' needs 'from', a package");
	if (strcmp(first->key, "link") == 0 && node_get(n, "mode"))
		return error_at(err, node_member(n, "mode")->key_at,
				"a link has no mode");
	const struct node *file = node_get(n, "file");
	if (file && source_form_of(file->text) != SOURCE_PATH) {
		error_at(err, file->at, "expected a local file, found '%s'", file->text);
		return error_hint(err, "a local path begins with ./, as in ./%s",
				  file->text);
	}
	return 0;
}

int check_local_tree_keys(const struct node *n, struct error *err)
{
	static const char *const local[] = {"include", "exclude"};
	static const char *const remote[] = {"mirrors"};
	const struct node *from = node_get(n, "from");
	bool is_path = source_form_of(from->text) == SOURCE_PATH;

	for (size_t i = 0; i < ARRAY_LEN(local); i++) {
		const struct member *m = node_member(n, local[i]);

		if (m && !is_path)
			return error_at(err, m->key_at, "'%s' is for local folders",
					m->key);
	}
	for (size_t i = 0; i < ARRAY_LEN(remote); i++) {
		const struct member *m = node_member(n, remote[i]);

		if (m && source_form_of(from->text) != SOURCE_URL)
			return error_at(err, m->key_at, "'%s' is for downloads", m->key);
	}
	return 0;
}
