/* SPDX-License-Identifier: MIT */
#pragma once
/* What fault.so and faultrun share, through the file FAULT_PAGE. */
#include <stdatomic.h>
#include <sys/types.h>

enum { PAGE_TEXT = 512, PAGE_PIDS = 4096 };

struct page {
	char text[PAGE_TEXT];    /* of the point that was hit, empty if none was */
	_Atomic unsigned points; /* how many there were */
	_Atomic unsigned dead;   /* nothing may change the disk any more */
	_Atomic unsigned npids;
	pid_t pids[PAGE_PIDS];
};
