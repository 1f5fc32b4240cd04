/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Builders say which modules they made, and for which kernel (builders/README.md):
 *
 *	@kbuild loads FILE DEV      FILE must be loadable by the kernel that DEV describes
 *	@kbuild may-load FILE DEV   the same, but only a warning
 *	@kbuild symvers FILE DEV    what this Module.symvers lists will be there, too
 *
 * It is checked after the builder has ended and before anything is published. The paths
 * are the sandbox's, and come from whoever wrote the builder: they are looked up below
 * the build directory, the outputs and the inputs, and no link leads out of these.
 */
#include "realise/worker.h"

/*
 * asked: the three words of each message. A module that its kernel would refuse is an
 * error of class ERROR_VERDICT that says why; warnings go to the parent.
 */
int loads_check(struct worker *w, const struct argv *asked, struct error *err);
