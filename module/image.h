/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Kernels as they are booted: vmlinux, Image, zImage, bzImage, vmlinuz.efi. What is in
 * them, packed with gzip, xz, zstd, lzma or lz4, says more than what is around it.
 */
#include "module/target.h"

/* What is packed in an image is appended to out. False: nothing was found. */
bool image_payload(struct str file, struct strbuf *out);
/*
 * The kernel's release, machine, vermagic and configuration, as far as they are in it.
 * `name` is for messages. 0: this is no kernel.
 */
int target_of_image(struct kernel_target *t, const char *name, struct str file,
		    struct arena *a);
