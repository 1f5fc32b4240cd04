// SPDX-License-Identifier: MIT
#include "module/machine.h"

#include <elf.h>
#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"

/* What apply_relocate and apply_relocate_add of the kernel's arch/ have a case for. */
static const uint16_t x86_64[] = {R_X86_64_64,
				  R_X86_64_32,
				  R_X86_64_32S,
				  R_X86_64_PC32,
				  R_X86_64_PLT32,
				  R_X86_64_PC64,
				  0};
static const uint16_t i386[] = {R_386_32, R_386_PC32, R_386_PLT32, 0};
static const uint16_t arm[] = {R_ARM_ABS32,
			       R_ARM_PC24,
			       R_ARM_CALL,
			       R_ARM_JUMP24,
			       R_ARM_TARGET1,
			       R_ARM_REL32,
			       R_ARM_V4BX,
			       R_ARM_PREL31,
			       R_ARM_MOVW_ABS_NC,
			       R_ARM_MOVT_ABS,
			       R_ARM_MOVW_PREL_NC,
			       R_ARM_MOVT_PREL,
			       R_ARM_THM_PC22,
			       R_ARM_THM_JUMP24,
			       R_ARM_THM_MOVW_ABS_NC,
			       R_ARM_THM_MOVT_ABS,
			       R_ARM_THM_MOVW_PREL_NC,
			       R_ARM_THM_MOVT_PREL,
			       R_ARM_ALU_PC_G0_NC,
			       R_ARM_ALU_PC_G1_NC,
			       R_ARM_LDR_PC_G2,
			       0};
static const uint16_t arm64[] = {R_AARCH64_ABS64,
				 R_AARCH64_ABS32,
				 R_AARCH64_ABS16,
				 R_AARCH64_PREL64,
				 R_AARCH64_PREL32,
				 R_AARCH64_PREL16,
				 R_AARCH64_MOVW_UABS_G0,
				 R_AARCH64_MOVW_UABS_G0_NC,
				 R_AARCH64_MOVW_UABS_G1,
				 R_AARCH64_MOVW_UABS_G1_NC,
				 R_AARCH64_MOVW_UABS_G2,
				 R_AARCH64_MOVW_UABS_G2_NC,
				 R_AARCH64_MOVW_UABS_G3,
				 R_AARCH64_MOVW_SABS_G0,
				 R_AARCH64_MOVW_SABS_G1,
				 R_AARCH64_MOVW_SABS_G2,
				 R_AARCH64_MOVW_PREL_G0,
				 R_AARCH64_MOVW_PREL_G0_NC,
				 R_AARCH64_MOVW_PREL_G1,
				 R_AARCH64_MOVW_PREL_G1_NC,
				 R_AARCH64_MOVW_PREL_G2,
				 R_AARCH64_MOVW_PREL_G2_NC,
				 R_AARCH64_MOVW_PREL_G3,
				 R_AARCH64_LD_PREL_LO19,
				 R_AARCH64_ADR_PREL_LO21,
				 R_AARCH64_ADR_PREL_PG_HI21,
				 R_AARCH64_ADR_PREL_PG_HI21_NC,
				 R_AARCH64_ADD_ABS_LO12_NC,
				 R_AARCH64_LDST8_ABS_LO12_NC,
				 R_AARCH64_LDST16_ABS_LO12_NC,
				 R_AARCH64_LDST32_ABS_LO12_NC,
				 R_AARCH64_LDST64_ABS_LO12_NC,
				 R_AARCH64_LDST128_ABS_LO12_NC,
				 R_AARCH64_TSTBR14,
				 R_AARCH64_CONDBR19,
				 R_AARCH64_JUMP26,
				 R_AARCH64_CALL26,
				 256, /* R_AARCH64_NONE of the ABI */
				 0};

/* Where one symbol is a part of another's meaning, the narrower one comes first. */
static const struct machine machines[] = {
	{"x86_64", EM_X86_64, true, "X86_64", x86_64},
	{"i386", EM_386, false, "X86_32", i386},
	{"arm64", EM_AARCH64, true, "ARM64", arm64},
	{"arm", EM_ARM, false, "ARM", arm},
	{"riscv64", EM_RISCV, true, "RISCV", NULL},
	{"riscv32", EM_RISCV, false, "RISCV", NULL},
	{"ppc64le", EM_PPC64, true, "PPC64", NULL},
	{"ppc", EM_PPC, false, "PPC32", NULL},
	{"mips64", EM_MIPS, true, "MIPS", NULL},
	{"mips", EM_MIPS, false, "MIPS", NULL},
	{"loongarch64", EM_LOONGARCH, true, "LOONGARCH", NULL},
};

const struct machine *machine_of_elf(uint16_t elf, bool wide)
{
	for (size_t i = 0; i < ARRAY_LEN(machines); i++)
		if (machines[i].elf == elf && machines[i].wide == wide)
			return &machines[i];
	return NULL;
}

const struct machine *machine_named(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(machines); i++)
		if (strcmp(machines[i].name, name) == 0)
			return &machines[i];
	return NULL;
}

const struct machine *machine_of_config(const struct kconfig *config)
{
	bool wide = kconfig_is(config, "64BIT") || kconfig_is(config, "ARM64");

	for (size_t i = 0; i < ARRAY_LEN(machines); i++)
		if (machines[i].wide == wide && kconfig_is(config, machines[i].symbol))
			return &machines[i];
	return NULL;
}

const struct machine *machine_of_uname(struct str word)
{
	static const struct {
		const char *prefix, *name;
	} words[] = {
		{"x86_64", "x86_64"},   {"i386", "i386"},
		{"i486", "i386"},       {"i586", "i386"},
		{"i686", "i386"},       {"aarch64", "arm64"},
		{"arm64", "arm64"},     {"armv8", "arm64"},
		{"armv", "arm"},        {"riscv64", "riscv64"},
		{"riscv32", "riscv32"}, {"ppc64le", "ppc64le"},
		{"ppc", "ppc"},         {"mips64", "mips64"},
		{"mips", "mips"},       {"loongarch64", "loongarch64"},
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		size_t n = strlen(words[i].prefix);

		if (word.len < n || memcmp(word.ptr, words[i].prefix, n) != 0)
			continue;
		for (size_t k = 0; k < ARRAY_LEN(machines); k++)
			if (strcmp(machines[k].name, words[i].name) == 0)
				return &machines[k];
	}
	return NULL;
}

bool machine_relocates(const struct machine *m, uint32_t type)
{
	const uint16_t *r = m->relocations;

	if (!r || type == 0)
		return true;
	while (*r && *r != type)
		r++;
	return *r != 0;
}
