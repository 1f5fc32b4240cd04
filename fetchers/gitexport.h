/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A git tree object as files, byte for byte. Submodules are refused by name: their commit
 * is in the tree, their files are not.
 */
#include <git2.h>

#include "base/error.h"

int git_export(git_repository *repo, const git_oid *tree, const char *dest,
	       struct error *err);
