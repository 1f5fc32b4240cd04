// SPDX-License-Identifier: GPL-2.0
#include <linux/init.h>
#include <linux/module.h>

static int __init probe_init(void)
{
	/* The file's name gets into the object: it must not depend on where it was built. */
	pr_info("probe: %s\n", __FILE__);
	return 0;
}
module_init(probe_init);

static void __exit probe_exit(void)
{
}
module_exit(probe_exit);

MODULE_DESCRIPTION("a module for tests of reproducibility");
MODULE_LICENSE("GPL");
