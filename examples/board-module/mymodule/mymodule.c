// SPDX-License-Identifier: GPL-2.0
#include <linux/init.h>
#include <linux/module.h>
#include <linux/utsname.h>

static int __init mymodule_init(void)
{
	pr_info("mymodule: hello, %s\n", init_utsname()->release);
	return 0;
}

static void __exit mymodule_exit(void)
{
	pr_info("mymodule: bye\n");
}

module_init(mymodule_init);
module_exit(mymodule_exit);

MODULE_DESCRIPTION("says hello to a board");
MODULE_LICENSE("GPL");
