/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The user's directories, as the XDG Base Directory Specification has them: an unset,
 * empty or relative variable counts for nothing.
 */

/*
 * $variable/kbuild, else HOME/fallback/kbuild; HOME is the password file's if it is not
 * set. Freed by the caller; NULL if there is no home at all.
 */
char *xdg_dir(const char *variable, const char *fallback);
