/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * kernel.prebuilt: a kernel that others have built, as packages of Debian or as a folder
 * that looks like what our own kernel step leaves. Its package says the architecture.
 */
#include "base/error.h"
#include "evaluator/arch.h"
#include "evaluator/node.h"

/* Of a recipe's section `kernel`, in its short forms too; NULL if nothing says it. */
const struct arch *prebuilt_arch(const struct node *kernel);
/* A value of kernel.prebuilt; the whole section; the recipe's architecture. 0 or -1. */
int check_prebuilt(const struct node *n, struct error *err);
int check_kernel(const struct node *n, struct error *err);
int check_prebuilt_arch(const struct node *recipe, struct error *err);
