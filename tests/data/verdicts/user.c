// SPDX-License-Identifier: GPL-2.0
#include <linux/init.h>
#include <linux/module.h>

int lent(void);

static int __init user_init(void)
{
	return lent() - 1;
}
module_init(user_init);

static void __exit user_exit(void)
{
}
module_exit(user_exit);

MODULE_DESCRIPTION("a module that uses what another exports");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(LENDING);
