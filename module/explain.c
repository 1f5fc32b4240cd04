// SPDX-License-Identifier: MIT
#include "module/explain.h"

#include "base/cleanup.h"

/* In the order in which they are tried: what says more comes first. */
static const struct message messages[] = {
	{"vermagic", "* version magic '*' should be '*'",
	 "The module was built for another kernel, or another configuration of it: each "
	 "letter of the two texts must be the same.",
	 "build $1 against the running kernel's headers, release and .config", NULL},
	{"symbol-crc", "* disagrees about version of symbol module_layout",
	 "The module was built against a kernel whose struct module is another: other "
	 "options or another compiler, even if the release is the same.",
	 "build $1 against the Module.symvers and .config of the running kernel",
	 "CONFIG_MODVERSIONS"},
	{"symbol-crc", "* disagrees about version of symbol *",
	 "The types that $2 uses are not those the module was built with (their CRC "
	 "differs). The release may be the same all the same.",
	 "build $1 against the Module.symvers and .config of the running kernel",
	 "CONFIG_MODVERSIONS"},
	{"symbol-missing", "* Unknown symbol * (err -2)",
	 "Neither the kernel nor a loaded module exports $2, or only to GPL modules and "
	 "$1 "
	 "is none.",
	 "load the module that exports $2 first (modprobe does), switch its option on, "
	 "or "
	 "look at MODULE_LICENSE",
	 NULL},
	{"symbol-missing", "* Unknown symbol * (err 0)",
	 "Neither the kernel nor a loaded module exports $2.",
	 "load the module that exports $2 first, or switch its option on", NULL},
	{"symbol-refused", "* Unknown symbol * (err -22)",
	 "$2 exists, but its CRC differs, or it is in a namespace that the module does "
	 "not "
	 "import. The line before says which.",
	 "build against the running kernel, or add MODULE_IMPORT_NS",
	 "CONFIG_MODVERSIONS"},
	{"symbol-missing", "nknown symbol in module",
	 "The module needs a symbol the kernel does not have; dmesg names it.",
	 "dmesg | grep 'Unknown symbol'; modprobe loads what it depends on, insmod does "
	 "not",
	 NULL},
	{"symbol-missing", "* Unknown symbol *",
	 "The kernel does not give $2 to the module.",
	 "load the module that exports $2 first, or switch its option on", NULL},
	{"symbol-namespace", "* module uses symbol * from namespace *",
	 "The symbol is exported in a namespace that the module does not import.",
	 "add MODULE_IMPORT_NS to its source",
	 "CONFIG_MODULE_ALLOW_MISSING_NAMESPACE_IMPORTS"},
	{"no-crc", "* no symbol version for *",
	 "The kernel compares versions of symbols, and the module was built without that "
	 "of "
	 "$2: there was no (complete) Module.symvers.",
	 "build it against a kernel tree that has its Module.symvers",
	 "CONFIG_MODVERSIONS"},
	{"symbol-duplicate", "* exports duplicate symbol *",
	 "The kernel, or a module that is loaded, exports a symbol of this name already.",
	 "rename it, or do not load both", NULL},
	{"arch", "Invalid * in ELF header",
	 "The module is for another machine than the kernel.",
	 "build it for the kernel's architecture: ARCH= and CROSS_COMPILE=, or `arch:`",
	 NULL},
	{"damaged", "Invalid ELF ",
	 "The file is no whole module: it was cut off, or changed after it was built.",
	 "copy or build it again, strip only with --strip-debug", NULL},
	{"damaged", "ELF Spec violation: ",
	 "The file is no whole module: it was changed after it was built.",
	 "build it again, strip only with --strip-debug", NULL},
	{"damaged", "Module has invalid ELF structures",
	 "The file is no whole module: it was cut off, or changed after it was built.",
	 "copy or build it again, strip only with --strip-debug", NULL},
	{"damaged", "No module found in object",
	 "The module lacks what the kernel needs to load it.",
	 "build it again, strip only with --strip-debug", NULL},
	{"damaged", "* module has no symbols (stripped?)",
	 "The module's table of symbols is gone.", "strip only with --strip-debug", NULL},
	{"damaged", "Only one * section must exist",
	 "A section that every module has once is missing, or is there twice.",
	 "build it again, strip only with --strip-debug", NULL},
	{"damaged", "has an invalid section index",
	 "The module was changed after it was built.", "build it again", NULL},
	{"damaged", "has invalid WRITE|EXEC flags",
	 "A section of the module may be written and run at once.",
	 "build it with make -C KERNEL M=DIR modules", NULL},
	{"struct-module", ".gnu.linkonce.this_module section must",
	 "The section that becomes the kernel's struct module is not as kernels make it.",
	 "build it again with make -C KERNEL M=DIR modules", NULL},
	{"livepatch", "is marked as livepatch module, but livepatch support is disabled",
	 "It is a live patch, and the kernel takes none.", "set CONFIG_LIVEPATCH=y",
	 "CONFIG_LIVEPATCH"},
	{"packing", "ecompression failed with status *",
	 "The kernel could not unpack the module (error $1).",
	 "look at the file with xz -t, gzip -t or zstd -t; insmod the unpacked one",
	 "CONFIG_MODULE_DECOMPRESS"},
	{"format", "nvalid module format",
	 "The kernel refused the file (ENOEXEC); dmesg says why: vermagic, a symbol's "
	 "version, or another architecture.",
	 "dmesg | tail, then explain that line; kbuild inspect FILE.ko --against KERNEL",
	 NULL},
	{"format",
	 "xec format error", /* with a capital in one libc, without in another */
	 "The file is for another architecture, or a module that the kernel refused.",
	 "file FILE; kbuild inspect FILE.ko --against KERNEL", NULL},
	{"relocation", "* Invalid relocation target*",
	 "The place a relocation is to write to is not zero: the module is damaged, or "
	 "was "
	 "loaded (livepatch) before.",
	 "build it again", NULL},
	{"relocation", "nvalid relocation",
	 "The module is damaged, or its code cannot reach what it refers to.",
	 "build it again with the flags of the kernel (make -C KERNEL M=DIR)", NULL},
	{"relocation", "nknown *relocation",
	 "The compiler used a kind of address that the kernel's loader does not know, "
	 "such "
	 "as one through a GOT: the module was not built with the kernel's flags.",
	 "build it with make -C KERNEL M=DIR modules, without CFLAGS of your own", NULL},
	{"relocation", "nsupported *relocation",
	 "The compiler used a kind of address that the kernel's loader does not know: "
	 "the "
	 "module was not built with the kernel's flags.",
	 "build it with make -C KERNEL M=DIR modules, without CFLAGS of your own", NULL},
	{"relocation", "relocation * out of range",
	 "The module lies too far from what it refers to.",
	 "build it with the kernel's own flags", "CONFIG_ARM_MODULE_PLTS"},
	{"relocation", "overflow in relocation type *",
	 "The module lies too far from what it refers to, or was built for another code "
	 "model.",
	 "build it with the kernel's own flags", "CONFIG_RANDOMIZE_MODULE_REGION_FULL"},
	{"relocation", "out of bounds relocation",
	 "A relocation points outside of its section: the module is damaged.",
	 "build it again", NULL},
	{"relocation", "bad relocation sym offset",
	 "A relocation belongs to no symbol: the module is damaged.", "build it again",
	 NULL},
	{"relocation", "out of range for * relocation",
	 "The module lies too far from what it refers to.",
	 "build it with the kernel's own flags", NULL},
	{"relocation", "out of range*relocation",
	 "The module lies too far from what it refers to, or was built for another code "
	 "model.",
	 "build it with the kernel's own flags", "CONFIG_RANDOMIZE_MODULE_REGION_FULL"},
	{"signature", "Loading of * is rejected",
	 "The kernel only takes modules signed with a key it knows.",
	 "sign it with scripts/sign-file and the kernel's key, after the last strip",
	 "CONFIG_MODULE_SIG_FORCE"},
	{"key", "Key was rejected by service",
	 "The signature is missing, broken, or of a key the kernel does not know "
	 "(EKEYREJECTED).",
	 "sign it with the kernel's key, or enrol yours (mokutil --import) under secure "
	 "boot",
	 "CONFIG_MODULE_SIG_FORCE"},
	{"key", "Required key not available",
	 "The key that signed the module is not in the kernel's keyring (ENOKEY).",
	 "sign it with the kernel's key, or enrol yours (mokutil --import)",
	 "CONFIG_MODULE_SIG_FORCE"},
	{"signature",
	 "* module verification failed: signature and/or required key missing",
	 "The module is not signed with a key the kernel knows; it was loaded all the "
	 "same, "
	 "and the kernel is tainted (E).",
	 "nothing, or sign it with scripts/sign-file", "CONFIG_MODULE_SIG"},
	{"taint", "* loading out-of-tree module taints kernel",
	 "A remark: the module is not from the kernel's own tree (taint O). It was "
	 "loaded.",
	 "nothing", NULL},
	{"taint", "* module license '*' taints kernel",
	 "A remark: the license is none of the GPL's (taint P). Symbols for the GPL only "
	 "are "
	 "not there for it.",
	 "MODULE_LICENSE(\"GPL\"), if that is so", NULL},
	{"no-vermagic", "* bad vermagic: kernel tainted",
	 "The module has no vermagic; the kernel loads such ones, too, and is tainted "
	 "(F).",
	 "build it with make -C KERNEL M=DIR modules", "CONFIG_MODULE_FORCE_LOAD"},
	{"no-crc", "* module_layout: kernel tainted",
	 "The module has no versions of symbols; the kernel loads such ones, too, and is "
	 "tainted (F).",
	 "build it with CONFIG_MODVERSIONS=y", "CONFIG_MODULE_FORCE_LOAD"},
	{"struct-module", "section size must match the kernel's built struct module size",
	 "The module's struct module has another size than the kernel's: other options "
	 "or "
	 "another source.",
	 "build it with the headers and the .config of the running kernel", NULL},
	{"btf", "failed to validate module * BTF: *",
	 "The module's type information counts on the types of another vmlinux (error "
	 "$2).",
	 "build it against the vmlinux of this kernel, strip .BTF, or allow it",
	 "CONFIG_MODULE_ALLOW_BTF_MISMATCH"},
	{"btf", "Kernel module BTF mismatch detected",
	 "A module's type information counts on the types of another vmlinux. It was "
	 "loaded all the same, without it.",
	 "nothing, or build it against the vmlinux of this kernel",
	 "CONFIG_MODULE_ALLOW_BTF_MISMATCH"},
	{"taint", "module uses symbols from proprietary module *, inheriting taint",
	 "A remark: what it uses is not under the GPL, so it counts as such (taint P).",
	 "nothing", NULL},
	{"parameter", "* unknown parameter '*' ignored",
	 "The module has no parameter '$2'; it was loaded without.",
	 "modinfo -p FILE.ko lists them", NULL},
	{"parameter", "* `*' invalid for parameter `*'",
	 "The value '$2' does not fit the type of the parameter '$3'.",
	 "modinfo -p FILE.ko says which type it has", NULL},
	{"parameter", "nvalid parameter", "A parameter of the module is wrong.",
	 "modinfo -p FILE.ko lists them", NULL},
	{"vfs", "VFS: Unable to mount root fs*",
	 "The kernel found no root: the driver of the disk or the file system is not "
	 "built "
	 "in, root= is wrong, or there is no initramfs.",
	 "look at root=, at the drivers of disk and root (both =y), or give an "
	 "initramfs",
	 "CONFIG_BLK_DEV_INITRD"},
	{"vfs", "VFS: Cannot open root device *",
	 "There is no such device (yet): its driver is missing, or its name is another.",
	 "look at root= and at the list of devices that follows; rootwait waits for slow "
	 "ones",
	 NULL},
	{"init", "No working init found",
	 "The root is there, but none of /init, /sbin/init, /bin/sh in it could be run: "
	 "for "
	 "another architecture, without its loader, or not executable.",
	 "file and ldd of the init in the root; init= names another",
	 "CONFIG_BINFMT_ELF"},
	{"init", "not syncing: Attempted to kill init",
	 "The first process ended, which it must not. exitcode=0x00000100 is exit 1, "
	 "0x0000000b a crash, 0x00007f00 a program that was not found.",
	 "let init end with poweroff or exec; look at its last lines before this one",
	 NULL},
	{"lockdown", "Lockdown: *",
	 "The kernel is locked down: it forbids what could change it, unsigned modules "
	 "first.",
	 "sign the module, or switch secure boot (or lockdown=) off",
	 "CONFIG_SECURITY_LOCKDOWN_LSM"},
	{"lockdown", "Operation not permitted",
	 "Only root may load modules, and not in a locked down kernel, nor when "
	 "kernel.modules_disabled is 1.",
	 "be root; cat /proc/sys/kernel/modules_disabled /sys/kernel/security/lockdown",
	 "CONFIG_SECURITY_LOCKDOWN_LSM"},
	{"device", "o such device",
	 "The module's init found no hardware of its kind (ENODEV). The module itself is "
	 "fine.",
	 "is the device there (lspci, device tree status = \"okay\")?", NULL},
	{"loaded", "File exists",
	 "A module of this name is loaded already, or is built into the kernel.",
	 "rmmod it first; grep it in /proc/modules and modules.builtin", NULL},
	{"in-use", "* is in use by: *",
	 "A module that is loaded uses it ($2), so it stays.", "rmmod $2 first", NULL},
	{"in-use", "unload module * Resource temporarily unavailable",
	 "A module that is loaded uses it, or a program does, so it stays.",
	 "rmmod those first that lsmod names behind it", NULL},
	{"busy", "Device or resource busy",
	 "Another driver has the resource, or the module is being loaded or unloaded.",
	 "lsmod; cat /proc/interrupts /proc/iomem", NULL},
	{"argument", "Invalid argument",
	 "The module's init said no, or a symbol or BTF did not fit (EINVAL).",
	 "dmesg | tail says which", NULL},
};

/* The texts between the holes occur one after the other. */
static bool match(const char *pattern, struct str line, struct str *hole)
{
	struct str rest = line;
	size_t n = 0;

	for (const char *p = pattern;; p++) {
		size_t len = strcspn(p, "*");
		const char *at = len ? memmem(rest.ptr, rest.len, p, len)
				     : rest.ptr + (p[len] ? 0 : rest.len);
		if (!at)
			return false;
		if (p > pattern && n < EXPLAIN_HOLES)
			hole[n++] = (struct str){rest.ptr, (size_t)(at - rest.ptr)};
		rest.len -= (size_t)(at - rest.ptr) + len;
		rest.ptr = at + len;
		p += len;
		if (!*p)
			return true;
	}
}

/* "[   12.3] hello:" is the word hello. */
static struct str last_word(struct str s)
{
	while (s.len && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == ':'))
		s.len--;
	const char *blank = memrchr(s.ptr, ' ', s.len);
	if (!blank)
		return s;
	return (struct str){blank + 1, (size_t)(s.ptr + s.len - blank - 1)};
}

bool explain_line(struct str line, struct explanation *out)
{
	while (line.len &&
	       (line.ptr[line.len - 1] == '\r' || line.ptr[line.len - 1] == ' '))
		line.len--;
	for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
		*out = (struct explanation){.message = &messages[i]};
		for (size_t k = 0; k < EXPLAIN_HOLES; k++)
			out->hole[k] = STR("");
		if (!match(messages[i].pattern, line, out->hole))
			continue;
		if (*messages[i].pattern == '*')
			out->hole[0] = last_word(out->hole[0]);
		return true;
	}
	return false;
}

void explain_fill(const struct explanation *e, const char *text, struct strbuf *out)
{
	for (; *text; text++) {
		bool hole =
			*text == '$' && text[1] >= '1' && text[1] <= '0' + EXPLAIN_HOLES;

		if (!hole) {
			strbuf_addc(out, *text);
			continue;
		}
		struct str s = e->hole[*++text - '1'];
		if (s.len)
			strbuf_add(out, s.ptr, s.len);
		else
			strbuf_adds(out, "it");
	}
}
