// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/map.h"
#include "cli/cmd.h"
#include "cli/report.h"

#define VERSION "0.1"

static const struct cmd commands[] = {
	{"init", "[TEMPLATE] [DIR]", "write a recipe that works",
	 "example\n  kbuild init hello my-module && cd my-module && kbuild realize "
	 "recipe.yaml",
	 cmd_init},
	{"realize", "RECIPE[#STEP ...]",
	 "build what a recipe describes, print store paths",
	 "Missing lock entries are resolved and written to RECIPE's .lock file, unless "
	 "--locked.\n"
	 "Standard output carries only the physical path of each step's output `out`.\n"
	 "If no step is named, the section `exports` is written, too.\n\n"
	 "example\n  kbuild realize recipe.yaml#kernel",
	 cmd_realize},
	{"exports", "RECIPE", "copy what a recipe exports to where it says",
	 "Builds the steps that are needed for it. `kbuild realize RECIPE` does this "
	 "too.\n"
	 "Only files that differ are written, so that other build systems see no "
	 "change.\n\n"
	 "example\n  kbuild exports --check recipe.yaml",
	 cmd_exports},
	{"check", "RECIPE[#STEP ...]",
	 "build again under other conditions, compare bit by bit",
	 "Realizes what is not there yet, then builds each step a second time, with "
	 "another\n"
	 "clock, host name, user, umask, -j, order of names and place on disk, and "
	 "compares.\n"
	 "Exit code 6 and the probable causes when something differs; the store stays as "
	 "it\n"
	 "is. docs/reproducible.md says more.\n\n"
	 "example\n  kbuild check recipe.yaml#kernel",
	 cmd_check},
	{"config", "VERB RECIPE ...",
	 "what became of each configuration request, and why",
	 "verbs\n"
	 "  check RECIPE [--against FILE]   the verdict on each request; exit 4 if a "
	 "set\n"
	 "                                  was not granted\n"
	 "  diff A B                        recipes, .config files or results\n"
	 "  explain RECIPE SYMBOL ...       what a symbol is, and what would change it\n"
	 "  origin RECIPE [SYMBOL ...]      who gave each value\n"
	 "  save-fragment RECIPE [FILE]     the smallest fragment that makes the same "
	 "of\n"
	 "                                  the base\n\n"
	 "No kernel is compiled. docs/config.md has the words of the verdicts.\n\n"
	 "example\n  kbuild config explain recipe.yaml LIVEPATCH",
	 cmd_config},
	{"run", "RECIPE [-- COMMAND ...]",
	 "boot it; with a command, return the command's code",
	 "The same as realize, then result/runvm with what follows.\n\n"
	 "example\n  kbuild run recipe.yaml -- uname -a",
	 cmd_run},
	{"debug", "RECIPE [-- GDB OPTIONS ...]",
	 "attach gdb to a running `kbuild run --gdb`",
	 "The same as realize, then result/rungdb with what follows.\n\n"
	 "example\n  kbuild debug recipe.yaml",
	 cmd_debug},
	{"lock", "RECIPE", "pin every input of a recipe in its .lock file",
	 "Only missing and stale entries are resolved; `kbuild update` renews the "
	 "others.\n\n"
	 "example\n  kbuild lock --check recipe.yaml",
	 cmd_lock},
	{"update", "RECIPE [INPUT ...]", "pin inputs anew, all or the named ones",
	 "example\n  kbuild update recipe.yaml kernel.source", cmd_update},
	{"eval", "RECIPE", "show what a recipe means",
	 "example\n  kbuild eval recipe.yaml --stage=drv", cmd_eval},
	{"inspect", "FILE.ko|TREE [--against KERNEL]",
	 "what a module is, and whether a kernel would load it",
	 "KERNEL is a directory (a build, headers, a link of result/), its "
	 "Module.symvers, an\n"
	 "image, a module that it loads, a recipe whose kernel was realized, or a target "
	 "file.\n"
	 "Exit code 7 if it would not load. docs/modules.md says more.\n"
	 "TREE is a folder or an initramfs: of all modules in it those are shown that "
	 "are "
	 "for\n"
	 "another kernel than KERNEL, or than the lib/modules/RELEASE they are in.\n\n"
	 "examples\n  kbuild inspect hello.ko --against recipe.yaml\n"
	 "  kbuild inspect hello.ko --against /lib/modules/6.1.0-43-amd64/build",
	 cmd_inspect},
	{"probe", "ssh://[USER@]HOST[:PORT] | --file FILE ...",
	 "write down what a machine runs, for kernel.target",
	 "Asks the machine over ssh, or reads what was saved of it: uname -a, "
	 "/proc/version, a\n"
	 ".config or config.gz, Module.symvers, /proc/kallsyms, a module that it loads, "
	 "its\n"
	 "kernel, a copy of /boot or of /lib/modules/RELEASE. Files are known by what is "
	 "in\n"
	 "them. docs/deploy.md says more.\n\n"
	 "examples\n  kbuild probe ssh://root@board.example\n"
	 "  kbuild probe --file uname.txt config.gz -o board.yaml",
	 cmd_probe},
	{"deploy", "RECIPE[#MODULE ...] ssh://[USER@]HOST[:PORT] [-- COMMAND ...]",
	 "load modules into a machine that runs, show what it said",
	 "Realizes the modules, looks whether the kernel that runs there would take them "
	 "(exit\n"
	 "code 7, and nothing is copied), copies and loads them with those of the recipe "
	 "that they\n"
	 "need, prints what the kernel said, runs COMMAND in their directory and removes "
	 "the\n"
	 "copies. The exit code is that of insmod or COMMAND if one of them fails. "
	 "docs/deploy.md\n"
	 "says more.\n\n"
	 "examples\n  kbuild deploy recipe.yaml#hello ssh://root@board.example --params "
	 "who=you\n"
	 "  kbuild deploy recipe.yaml ssh://root@192.0.2.7:2222 --unload -- ./selftest",
	 cmd_deploy},
	{"explain", "[TEXT ... | -]",
	 "what a message of the kernel means, what to change",
	 "One message as words, or many lines on standard input, of which those are "
	 "explained\n"
	 "that are known; exit code 1 if none is.\n\n"
	 "examples\n  kbuild explain 'Invalid module format'\n  dmesg | kbuild explain -",
	 cmd_explain},
	{"key", "generate NAME|public", "the key that signs what is pushed",
	 "The public key is printed; whoever is to trust it names it. Keep the file.\n\n"
	 "example\n  kbuild key generate host.example-1",
	 cmd_key},
	{"push", "RECIPE[#STEP ...]|PATH ... [TO]",
	 "put what was built into a binary cache",
	 "TO is a directory, http(s)://HOST/PATH, or\n"
	 "s3://BUCKET[/PREFIX]?region=R&endpoint=HOST; the recipe's `cache: push:` "
	 "without\n"
	 "it. What is there is not sent again.\n"
	 "Of a recipe: all that another machine needs to realize it without building.\n\n"
	 "example\n  kbuild push recipe.yaml https://cache.example/kernels",
	 cmd_push},
	{"log", "STEP|PATH", "print the build log of a step or store path",
	 "example\n  kbuild log recipe.yaml#kernel", cmd_log},
	{"store", "VERB ...", "look into the store, add to it, verify it",
	 "verbs\n"
	 "  add PATH [--name NAME]          copy a file or tree in\n"
	 "  add-root PATH LINK              keep an object as long as LINK leads to it\n"
	 "  cat PATH/FILE                   print a file\n"
	 "  delete PATH ...                 objects that nothing needs\n"
	 "  dump PATH                       print the NAR of an object\n"
	 "  export PATH ... [--closure]     objects in one stream, as nix-store "
	 "--export\n"
	 "  gc [--dry-run]                  delete what no root leads to\n"
	 "     [--keep SIZE] [--older-than TIME]\n"
	 "  hash PATH [--type TYPE]         the NAR hash of any file or tree\n"
	 "  import [--unproven]             make the objects of such a stream valid\n"
	 "  ls PATH [-R]                    list an object\n"
	 "  optimise                        equal files of all objects become one\n"
	 "  path-info PATH [--json]         hash, size, references, deriver\n"
	 "  pull PATH ... [--from CACHE]    with all it refers to, from a binary cache\n"
	 "  recover [--unproven]            make a lost database of the trees\n"
	 "  restore DIR                     make DIR of the NAR on standard input\n"
	 "  roots [--json]                  what gc leaves alone, and why\n"
	 "  sign PATH ... [--closure]       sign with --key FILE, or the default key\n"
	 "  verify [--contents] [PATH ...]  look for damage; exit 1 if there is some\n"
	 "  verify --repair [--contents]    and mend it; exit 1 if some is left\n"
	 "  verify --sigs N --trust KEY ... and for too few signatures\n\n"
	 "PATH is a store path, a physical one, a link to one, a base name or\n"
	 "the beginning of a digest.\n\n"
	 "example\n  kbuild store add ./tree --name linux",
	 cmd_store},
	{"doctor", "", "say what this machine lacks and how to mend it",
	 "example\n  kbuild doctor", cmd_doctor},
};

static void usage(FILE *out)
{
	fprintf(out, "usage: kbuild COMMAND [options]\n\n"
		     "Declarative, reproducible Linux kernel work.\n\ncommands\n");
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
	fprintf(out, "\n`kbuild COMMAND --help` says more; `man kbuild` all of it.\n");
}

static const struct cmd *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static void print_remark(void *ctx, enum log_level level, const char *text)
{
	const struct cli *cli = ctx;
	autobuf struct strbuf masked = STRBUF_INIT;

	if ((level == LOG_DEBUG && !cli->verbose) || (level == LOG_INFO && cli->quiet))
		return;
	strbuf_add_masked(&masked, text, strlen(text));
	fprintf(stderr, "%s%s\n", level == LOG_WARN ? "warning: " : "", masked.ptr);
}

static int exit_code_of(const struct error *err)
{
	static const int codes[] = {
		[ERROR_OTHER] = EXIT_INFRA, [ERROR_RECIPE] = EXIT_USAGE,
		[ERROR_LOCK] = EXIT_LOCK,   [ERROR_CONFIG] = EXIT_CONFIG,
		[ERROR_BUILD] = EXIT_BUILD, [ERROR_VERDICT] = EXIT_INCOMPATIBLE,
		[ERROR_INFRA] = EXIT_INFRA, [ERROR_INTERRUPTED] = EXIT_INTERRUPTED,
	};
	return codes[err->class];
}

static int unknown_command(struct cli *cli, const char *word, struct error *err)
{
	const char *names[ARRAY_LEN(commands)];

	if (*word == '-')
		return cli_usage(cli, err, "expected a command before the option '%s'",
				 word);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		names[i] = commands[i].name;
	const char *near = word_nearest(word, names, ARRAY_LEN(names));
	if (!near)
		return cli_usage(cli, err, "unknown command '%s'", word);
	error_class(err, ERROR_RECIPE, "unknown command '%s'", word);
	return error_hint(err, "did you mean 'kbuild %s'?", near);
}

static int run_command(struct cli *cli, int argc, char **argv, struct error *err)
{
	if (argc < 2) {
		usage(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") ||
	    !strcmp(argv[1], "help")) {
		usage(stdout);
		return EXIT_DONE;
	}
	if (!strcmp(argv[1], "--version")) {
		printf("kbuild %s\n", VERSION);
		return EXIT_DONE;
	}
	cli->cmd = find_command(argv[1]);
	if (!cli->cmd)
		return unknown_command(cli, argv[1], err);
	return cli->cmd->run(cli, argc - 2, argv + 2, err);
}

/* Without this the store's database might become standard output. */
static void open_standard_files(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	const char *term = getenv("TERM");
	bool terminal = isatty(STDERR_FILENO);
	struct cli cli = {
		.color = terminal && !getenv("NO_COLOR"),
		.live = terminal && !(term && strcmp(term, "dumb") == 0),
	};
	struct error err = {0};

	open_standard_files();
	umask(022);
	log_install(print_remark, &cli);
	int code = run_command(&cli, argc, argv, &err);
	if (code < 0) {
		autobuf struct strbuf text = STRBUF_INIT;

		report_error(&err, cli.color, &text);
		fputs(text.ptr, stderr);
		code = exit_code_of(&err);
	}
	errno = 0;
	/* Of a failure the first reason is enough. */
	if ((fflush(stdout) != 0 || ferror(stdout)) && !error_is_set(&err)) {
		fprintf(stderr, "error: cannot write to standard output%s%s\n",
			errno ? ": " : "", errno ? strerror(errno) : "");
		code = code ? code : EXIT_INFRA;
	}
	error_finish(&err);
	free(cli.data_dir);
	free(cli.fetch_program);
	arena_finish(&cli.arena);
	return code;
}
