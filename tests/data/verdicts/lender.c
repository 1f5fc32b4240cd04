// SPDX-License-Identifier: GPL-2.0
#include <linux/init.h>
#include <linux/module.h>

int lent(void);

int lent(void)
{
	return 1;
}
EXPORT_SYMBOL_NS_GPL(lent, LENDING);

MODULE_DESCRIPTION("a module that exports a symbol in a namespace");
MODULE_LICENSE("GPL");
