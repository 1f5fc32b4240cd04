/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The output of one builder while it runs: kept compressed, told line by line to the
 * parent, and read for what it means: phases and remarks (lines that begin with @kbuild,
 * see builders/README.md), Kbuild's object lines, the first real error, the last lines.
 *
 *	struct buildlog log;
 *	if (buildlog_open(&log, path, messages, err) < 0) ...
 *	while ((n = read(fd, buf, sizeof(buf))) > 0)
 *		buildlog_add(&log, buf, n);
 *	buildlog_close(&log);       // the file is whole now
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/argv.h"
#include "base/error.h"
#include "base/str.h"

enum { BUILDLOG_TAIL = 12, BUILDLOG_LINE_MAX = 16 * 1024 };

struct buildlog {
	int messages; /* descriptor of the parent's pipe */
	bool lines;   /* tell every line */
	FILE *file;   /* the compressed file under its temporary name */
	char *path, *temp;
	struct ZSTD_CCtx_s *zstd;
	struct strbuf line;
	bool cut; /* the current line was too long: its rest is dropped */
	uint64_t bytes, objects, objects_told;
	double told_at;
	struct argv tail;      /* at most BUILDLOG_TAIL lines */
	char *said;            /* @kbuild error */
	struct strbuf refused; /* @kbuild refused, its lines */
	char *hint;            /* @kbuild hint */
	char *compiler;        /* first line of the compiler's or linker's error */
	char *make;            /* first `make: ***` */
	char *last_words;      /* first line that says error in its own way */
	struct argv refusals;  /* SYMBOL, ASKED, GOT, three words each */
	struct argv loads;    /* what, FILE, DEV, three words each: see realise/loads.h */
	struct argv verdicts; /* JSON, one of a config request each */
	bool no_space;        /* somebody met a full disk */
};

int buildlog_open(struct buildlog *log, const char *path, int messages, bool lines,
		  struct error *err);
/* Failing to write the log never stops a build: the log ends there. */
void buildlog_add(struct buildlog *log, const char *bytes, size_t n);
/* Ends the compressed stream and gives the file its name. */
int buildlog_close(struct buildlog *log, struct error *err);
void buildlog_finish(struct buildlog *log);

/* The first real error, or NULL; points into log. */
const char *buildlog_first_error(const struct buildlog *log);

/* Decompresses a log file to a descriptor. */
int buildlog_print(const char *path, int fd, struct error *err);
