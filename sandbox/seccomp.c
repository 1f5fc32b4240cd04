// SPDX-License-Identifier: MIT
/*
 * What a builder may not ask the kernel for. setuid and setgid bits would survive in an
 * output until it is made canonical; extended attributes cannot be stored at all; the
 * rest widens the kernel's attack surface and no compiler needs it.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "sandbox/sandbox.h"

static int refuse_mode_bits(scmp_filter_ctx ctx)
{
	static const struct {
		const char *call;
		unsigned mode_arg;
	} calls[] = {
		{"chmod", 1},     {"fchmod", 1}, {"fchmodat", 2},
		{"fchmodat2", 2}, {"mknod", 1},  {"mknodat", 2},
	};
	static const unsigned bits[] = {S_ISUID, S_ISGID};

	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		int nr = seccomp_syscall_resolve_name(calls[i].call);

		if (nr == __NR_SCMP_ERROR)
			continue;
		for (size_t b = 0; b < ARRAY_LEN(bits); b++) {
			int rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), nr, 1,
						  SCMP_CMP(calls[i].mode_arg,
							   SCMP_CMP_MASKED_EQ, bits[b],
							   bits[b]));
			if (rc < 0)
				return rc;
		}
	}
	return 0;
}

static int refuse_calls(scmp_filter_ctx ctx)
{
	static const struct {
		const char *call;
		int error;
	} calls[] = {
		{"setxattr", ENOTSUP},
		{"lsetxattr", ENOTSUP},
		{"fsetxattr", ENOTSUP},
		{"setxattrat", ENOTSUP},
		{"add_key", EPERM},
		{"keyctl", EPERM},
		{"request_key", EPERM},
		{"bpf", EPERM},
		{"perf_event_open", EPERM},
		{"userfaultfd", EPERM},
		{"io_uring_setup", ENOSYS},
		{"mount", EPERM},
		{"umount2", EPERM},
		{"pivot_root", EPERM},
		{"move_mount", EPERM},
		{"open_tree", EPERM},
		{"fsopen", EPERM},
		{"kexec_load", EPERM},
		{"init_module", EPERM},
		{"finit_module", EPERM},
		{"swapon", EPERM},
		{"reboot", EPERM},
		{"acct", EPERM},
		{"quotactl", EPERM},
		{"open_by_handle_at", EPERM},
	};

	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		int nr = seccomp_syscall_resolve_name(calls[i].call);

		if (nr == __NR_SCMP_ERROR)
			continue; /* newer than this libseccomp */
		int rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO((uint32_t)calls[i].error),
					  nr, 0);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* 32-bit programs of a 64-bit machine obey the same rules. */
static void add_compat(scmp_filter_ctx ctx)
{
#if defined(__x86_64__)
	seccomp_arch_add(ctx, SCMP_ARCH_X86);
	seccomp_arch_add(ctx, SCMP_ARCH_X32);
#elif defined(__aarch64__)
	seccomp_arch_add(ctx, SCMP_ARCH_ARM);
#else
	(void)ctx;
#endif
}

int seccomp_program(struct error *err)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int fd = -1, rc = -ENOMEM;

	if (ctx) {
		add_compat(ctx);
		rc = refuse_mode_bits(ctx);
	}
	if (rc == 0)
		rc = refuse_calls(ctx);
	if (rc == 0) {
		fd = memfd_create("seccomp", MFD_CLOEXEC);
		rc = fd < 0 ? -errno : seccomp_export_bpf(ctx, fd);
	}
	if (ctx)
		seccomp_release(ctx);
	if (rc == 0 && lseek(fd, 0, SEEK_SET) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	errno = -rc;
	return error_errno(err, "cannot make the seccomp filter");
}
