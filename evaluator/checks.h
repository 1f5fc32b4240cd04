/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What the schema of recipes demands of values beyond their type; see sections.c. Each
 * says what it expected, and a hint where there is a likely mistake. 0 or -1.
 */
#include "base/error.h"
#include "evaluator/node.h"

/* A scalar's text, or a whole section. */
int check_version(const struct node *n, struct error *err);
int check_arch(const struct node *n, struct error *err);
int check_name(const struct node *n, struct error *err);
int check_toolchain(const struct node *n, struct error *err);
int check_source(const struct node *n, struct error *err);
int check_input(const struct node *n, struct error *err);
int check_target(const struct node *n, struct error *err);
int check_local(const struct node *n, struct error *err);
int check_sha256(const struct node *n, struct error *err);
int check_mode(const struct node *n, struct error *err);
int check_owner(const struct node *n, struct error *err);
int check_value(const struct node *n, struct error *err);
int check_base(const struct node *n, struct error *err);
int check_use(const struct node *n, struct error *err);
int check_localversion(const struct node *n, struct error *err);
int check_image(const struct node *n, struct error *err);
int check_install(const struct node *n, struct error *err);
int check_busybox(const struct node *n, struct error *err);
int check_net(const struct node *n, struct error *err);
int check_port(const struct node *n, struct error *err);
int check_run(const struct node *n, struct error *err);
int check_smp(const struct node *n, struct error *err);
int check_regex(const struct node *n, struct error *err);
int check_line(const struct node *n, struct error *err);
int check_cache(const struct node *n, struct error *err);
int check_public_key(const struct node *n, struct error *err);
int check_export(const struct node *n, struct error *err);
int check_export_dir(const struct node *n, struct error *err);
int check_export_path(const struct node *n, struct error *err);
int check_file(const struct node *n, struct error *err);
int check_local_tree_keys(const struct node *n, struct error *err);

/* The key of a map. */
int check_step_name(const struct member *m, struct error *err);
int check_port_key(const struct member *m, struct error *err);
int check_plain_name(const struct member *m, struct error *err);
int check_guest_path(const struct member *m, struct error *err);
/* The same, or "/". */
int check_guest_place(const struct member *m, struct error *err);
int check_symbol(const struct member *m, struct error *err);
int check_export_key(const struct member *m, struct error *err);
