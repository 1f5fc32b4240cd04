// SPDX-License-Identifier: MIT
/* What this machine lacks and how to mend it. Exit 8 if realize cannot work. */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>

#include "base/alloc.h"
#include "base/child.h"
#include "base/dir.h"
#include "base/json.h"
#include "base/str.h"
#include "cli/cmd.h"
#include "sandbox/sandbox.h"

enum { WANTED_SPACE_GIB = 10 };

struct checkup {
	struct cli *cli;
	struct json_object *findings; /* with --json, printed at the end */
	bool broken;
};

PRINTF(4, 5)
static void tell(struct checkup *c, bool ok, bool needed, const char *fmt, ...)
{
	autobuf struct strbuf text = STRBUF_INIT;
	const char *state = ok ? "ok" : needed ? "FAIL" : "note";
	va_list ap;

	va_start(ap, fmt);
	strbuf_vprintf(&text, fmt, ap);
	va_end(ap);
	c->broken |= !ok && needed;
	if (c->findings) {
		struct json_object *o = json_object_new_object();

		json_add(o, "state", state);
		json_add(o, "text", text.ptr);
		json_object_array_add(c->findings, o);
	} else {
		printf("%-5s %s\n", state, text.ptr);
	}
}

/* Goes with the finding told last. */
static void tell_hint(struct checkup *c, const char *text)
{
	struct str rest = str_of(text);

	if (c->findings) {
		size_t n = json_object_array_length(c->findings);

		json_add(json_object_array_get_idx(c->findings, n - 1), "hint", text);
		return;
	}
	while (rest.ptr) {
		struct str line = str_cut(&rest, '\n');

		printf("      %.*s\n", (int)line.len, line.ptr);
	}
}

static void check_sandbox(struct checkup *c)
{
	enum sandbox_ability ability;
	autoerror struct error err = {0};

	if (sandbox_probe(&ability, &err) == 0) {
		tell(c, true, true, "sandbox: bwrap makes user namespaces%s",
		     ability == SANDBOX_FULL
			     ? ""
			     : " (nested: /proc of the outer sandbox is used)");
		return;
	}
	tell(c, false, true, "sandbox: %s", err.msg);
	if (err.hint)
		tell_hint(c, err.hint);
}

static void check_programs(struct checkup *c)
{
	static const struct {
		const char *program, *package, *purpose;
	} all[] = {
		{"apt-get", "apt",
		 "resolving Debian packages (only for lock and update)"},
		{"gpgv", "gpgv",
		 "checking Debian's signatures (only for lock and update)"},
		{"qemu-system-x86_64", "qemu-system-x86", "running (runvm)"},
		{"qemu-system-aarch64", "qemu-system-arm",
		 "running arm64 and armhf (runvm)"},
		{"gdb", "gdb", "debugging (rungdb)"},
		{"gdb-multiarch", "gdb-multiarch", "debugging arm64 and armhf (rungdb)"},
	};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		autofree char *file = child_find(all[i].program);
		bool ok = file != NULL;

		tell(c, ok, false, "%s: %s%s%s", all[i].program, all[i].purpose,
		     ok ? "" : "; apt-get install ", ok ? "" : all[i].package);
	}
}

static void check_kvm(struct checkup *c)
{
	bool there = access("/dev/kvm", F_OK) == 0;
	bool usable = there && access("/dev/kvm", R_OK | W_OK) == 0;

	tell(c, usable, false, "KVM: %s",
	     usable  ? "usable"
	     : there ? "no permission for /dev/kvm (group kvm); guests run about 10 "
		       "times slower"
		     : "this machine has none; guests run about 10 times slower");
}

static void check_fetch(struct checkup *c)
{
	autoerror struct error err = {0};

	if (cli_find_fetch(c->cli, &err) == 0 && cli_find_data(c->cli, &err) == 0)
		tell(c, true, true, "installation: %s, %s", c->cli->fetch_program,
		     c->cli->data_dir);
	else
		tell(c, false, true, "installation: %s", err.msg);
}

static void check_space(struct checkup *c)
{
	autofree char *root = cli_root(c->cli);
	autofree char *dir = xstrdup(*root ? root : ".");
	struct statvfs fs;
	struct stat st;

	/* The store may not exist yet: its nearest parent does. */
	while (stat(dir, &st) < 0 && errno == ENOENT) {
		char *slash = strrchr(dir, '/');

		if (slash == dir || !slash)
			strcpy(dir, slash ? "/" : ".");
		else
			*slash = '\0';
	}
	if (statvfs(dir, &fs) < 0) {
		tell(c, false, true, "store: cannot look at %s", root);
		return;
	}
	unsigned long long gib = (unsigned long long)fs.f_bavail * fs.f_frsize >> 30;
	tell(c, gib >= WANTED_SPACE_GIB, false, "store: %s, %llu GiB free%s", root, gib,
	     gib >= WANTED_SPACE_GIB ? "" : "; a kernel needs about 10");
	bool writable = S_ISDIR(st.st_mode) && access(dir, W_OK | X_OK) == 0;
	tell(c, writable, true, "store: %s %s", dir,
	     writable ? "is writable"
		      : "is not writable; choose another root with KBUILD_ROOT");
}

static void check_all(struct checkup *c)
{
	check_sandbox(c);
	check_programs(c);
	check_kvm(c);
	check_fetch(c);
	check_space(c);
}

/* {"findings": [{"state": "ok" | "note" | "FAIL", "text": ..., "hint": ...}]} */
static void check_as_json(struct checkup *c)
{
	struct json_object *all = json_object_new_object();

	c->findings = json_add_list(all, "findings");
	check_all(c);
	puts(json_object_to_json_string_ext(all, JSON_C_TO_STRING_PRETTY |
							 JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(all);
}

int cmd_doctor(struct cli *cli, int argc, char **argv, struct error *err)
{
	struct checkup c = {.cli = cli};
	const struct cli_opt opts[] = {{0}};
	struct utsname u;

	if (cli_parse(cli, opts, &argc, argv, err) < 0)
		return -1;
	if (argc)
		return cli_usage(cli, err, "expected no words");
	if (cli->json) {
		check_as_json(&c);
		return c.broken ? EXIT_INFRA : EXIT_DONE;
	}
	if (uname(&u) == 0)
		printf("      %s %s on %s\n", u.sysname, u.release, u.machine);
	check_all(&c);
	return c.broken ? EXIT_INFRA : EXIT_DONE;
}
