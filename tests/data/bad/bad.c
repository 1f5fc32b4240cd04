// SPDX-License-Identifier: GPL-2.0
/* Breaks the kernel in the way it is asked to, when it is loaded. */
#include <linux/delay.h>
#include <linux/init.h>
#include <linux/module.h>
#include <linux/panic.h>

static char *how = "oops";
module_param(how, charp, 0);

static int __init bad_init(void)
{
	if (!strcmp(how, "oops"))
		*(volatile int *)8 = 0;
	else if (!strcmp(how, "bug"))
		BUG();
	else if (!strcmp(how, "warn"))
		WARN(1, "bad: as asked\n");
	else if (!strcmp(how, "panic"))
		panic("bad: as asked");
	return 0;
}
module_init(bad_init);

static void __exit bad_exit(void)
{
}
module_exit(bad_exit);

MODULE_DESCRIPTION("breaks the kernel");
MODULE_LICENSE("GPL");
