// SPDX-License-Identifier: GPL-2.0
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/module.h>

#ifdef MISSPELT
#define _printk _prinkt
int _prinkt(const char *fmt, ...);
#endif

#ifdef TWICE
/* The kernel exports it, too. */
int hex_to_bin(unsigned char ch)
{
	return ch;
}
EXPORT_SYMBOL(hex_to_bin);
#endif

static int count = 1;
module_param(count, int, 0);

static int __init good_init(void)
{
	/* ktime_get is for the GPL only. */
	_printk("good: %d at %lld\n", count, ktime_get());
	return 0;
}
module_init(good_init);

static void __exit good_exit(void)
{
}
module_exit(good_exit);

MODULE_DESCRIPTION("a module for tests of verdicts");
MODULE_LICENSE("GPL");
