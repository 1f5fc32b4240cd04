// SPDX-License-Identifier: MIT
/*
 * ask KCONFIG BASE ASKED: from a base and a list of requests to .config, report.rows,
 * verdicts.jsonl, explain.jsonl and symbols.tsv in the current folder. Environment: what
 * make gives Kconfig, and ask_* (see build.sh).
 */
#include "ask.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const char *variable(const char *name)
{
	const char *s = getenv(name);

	return s ? s : "";
}

/* Kconfig repeats its warnings for each trial. */
static void hush(void)
{
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

	fflush(stderr);
	if (fd >= 0)
		dup2(fd, STDERR_FILENO);
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	asking.builtin = *variable("ask_builtin");
	asking.base_is_file = *variable("ask_base_file");
	asking.base_name = variable("ask_base");
	asking.arch = variable("ask_arch");
	asking.renamed = variable("ask_renamed");
	asking.srctree = variable("srctree");
	conf_set_message_callback(NULL);
	conf_parse(argv[1]);
	tree_collect();
	if (requests_read(argv[2], argv[3]) || resolve(NULL, 0) ||
	    conf_write(".config") || symbols_write())
		return 1;
	hush();
	int code = verdicts_write();
	if (code < 0 || explanations_write(variable("ask_explain")) || fflush(stdout) ||
	    (*variable("ask_minimal") && fragment_write("minimal.config")))
		return 1;
	return code;
}
