/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A group of roots stands for a place: the result directory of a recipe, or a link of the
 * user. When that is gone so are the roots; but not when it only cannot be seen because a
 * disk is not mounted, or because we look from inside a container.
 *
 * So a group remembers the place's folder and the directory that holds it. If that
 * directory is there and the folder is not, under no name, it was deleted; if another
 * directory is there, or none, who knows.
 */
#include <stdbool.h>

/* Links of a group that are no roots, or not only. */
#define GROUP_PLACE "place"
/* What place_holder said when the group was made. */
#define GROUP_HOLDER "holder"
/* The root in the group of a user's link. */
#define GROUP_USER_ROOT "root"

enum place_state {
	PLACE_THERE,
	PLACE_GONE,
	PLACE_LOST, /* it cannot be told */
};

/*
 * Which directory holds the folder of an absolute path, and which that is: file system
 * and inodes, in a text freed by the caller. "unknown" if they cannot be seen.
 */
char *place_holder(const char *place);
/* `group` is the directory of its links. */
enum place_state place_judge(int group, const char *place);
