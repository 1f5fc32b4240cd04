/* SPDX-License-Identifier: MIT */
#pragma once
/* Verdicts as people read them, in lines that begin with two blanks. */
#include "base/str.h"
#include "module/verdict.h"

/*
 *	  module: 5.4.20 SMP mod_unload
 *	  kernel: 5.4.20-sunxi SMP mod_unload
 *	                ^
 */
void text_vermagic(struct str module, struct str kernel, const struct vermagic_verdict *v,
		   struct strbuf *out);
/* Why it is refused: that, if they differ, and each reason with its hint. */
void text_refusal(const struct module *m, const struct kernel_target *t,
		  const struct verdict *v, struct strbuf *out);
/* All there is to say: remarks, what is loaded first, what is not known. */
void text_verdict(const struct module *m, const struct kernel_target *t,
		  const struct verdict *v, struct strbuf *out);
