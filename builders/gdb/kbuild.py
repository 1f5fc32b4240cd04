# SPDX-License-Identifier: MIT
"""The debugging session of rungdb: symbols, sources, attaching, and the symbols of modules.

rungdb says what to do in environment variables (all paths are physical):
  RUNGDB_VMLINUX   the kernel with debug information
  RUNGDB_SOURCE    its source tree; debug information calls it /src/source
  RUNGDB_MODULES   lines NAME TAB FOLDER-OF-KO-FILES TAB SOURCE; debug information says /build/NAME
  RUNGDB_TARGET    what to attach to, empty for nothing
  RUNGDB_BREAKS    lines: places to stop at
  RUNGDB_COMMANDS  lines: gdb commands for the end

Module symbols do not need the kernel's own lx-symbols, which breaks with every other version. A module's
sections are where the kernel says in `struct module`, whose shape changed four times between 5.10 and 7.x;
see section_addresses(). New modules are noticed at do_init_module(): by then a module has its final addresses,
and not one of its instructions ran, so a breakpoint in its init function is hit.
"""

import importlib.util
import os
import re
import struct
import sys
import tempfile

import gdb


def say(text):
    gdb.write("rungdb: %s\n" % text, gdb.STDERR)


def lines(name):
    return [line for line in os.environ.get(name, "").split("\n") if line]


def word(path):
    """A path as one word of a gdb command."""
    return "".join("\\" + c if c in " \t'\"\\" else c for c in path)


def has_field(value, name):
    return any(field.name == name for field in value.type.strip_typedefs().fields())


def as_text(value):
    return value.string(errors="replace")


# ---- where the kernel put the sections of a module

def sections_by_group(attrs):
    """6.14 and later: a null-terminated array of pointers to attributes; `private` holds the address."""
    group = attrs["grp"]
    for name in ("bin_attrs", "bin_attrs_new"):
        try:
            table = group[name]
        except gdb.error:
            continue
        index = 0
        while int(table[index]) != 0:
            attr = table[index].dereference()
            yield as_text(attr["attr"]["name"]), int(attr["private"])
            index += 1
        return


def sections_by_count(attrs):
    """Before 6.14: a counted array; the name moved into a bin_attribute with 5.8."""
    for index in range(int(attrs["nsections"])):
        attr = attrs["attrs"][index]
        if has_field(attr, "battr"):
            name = attr["battr"]["attr"]["name"]
        else:
            name = attr["name"]
        yield as_text(name), int(attr["address"])


def code_bases(module):
    """Without sect_attrs (no KALLSYMS or no SYSFS) at least the code's places are known: .text and .init.text
    are the first sections in theirs."""
    if has_field(module, "mem"):                  # 6.4 and later
        memory = module["mem"]
        text, init = memory[0]["base"], memory[int(gdb.parse_and_eval("MOD_INIT_TEXT"))]["base"]
    elif has_field(module, "core_layout"):        # 4.5 to 6.3
        text, init = module["core_layout"]["base"], module["init_layout"]["base"]
    else:
        text, init = module["module_core"], module["module_init"]
    return {n: int(a) for n, a in ((".text", text), (".init.text", init)) if int(a) != 0}


def section_addresses(module):
    """A dict of section name to address of a gdb.Value `struct module`."""
    found = {}
    if has_field(module, "sect_attrs") and int(module["sect_attrs"]) != 0:
        attrs = module["sect_attrs"].dereference()
        by = sections_by_count if has_field(attrs, "nsections") else sections_by_group
        # Per-CPU data is a template there, not the data of any CPU.
        found = {n: a for n, a in by(attrs) if a != 0 and n != ".data..percpu"}
    if ".text" not in found and ".init.text" not in found:
        found.update(code_bases(module))
    return found


# ---- the modules of the recipe

def unplaced(path, folder):
    """A .ko whose sections are all at address 0; a copy in the folder if it is not one. The kernel's linker
    script leaves some sections elsewhere, upon which gdb takes the whole file for one that is placed
    already, and relocates none of its debug information."""
    with open(path, "rb") as file:
        elf = bytearray(file.read())
    order = "<" if elf[5] == 1 else ">"
    offset, size, count, address = ("Q", 0x28), 0x3a, 0x3c, ("Q", 0x10)
    if elf[4] == 1:                               # 32 bit
        offset, size, count, address = ("I", 0x20), 0x2e, 0x30, ("I", 0x0c)
    start = struct.unpack_from(order + offset[0], elf, offset[1])[0]
    size = struct.unpack_from(order + "H", elf, size)[0]
    places = [start + size * index + address[1]
              for index in range(struct.unpack_from(order + "H", elf, count)[0])]
    if not any(struct.unpack_from(order + address[0], elf, place)[0] for place in places):
        return path
    for place in places:
        struct.pack_into(order + address[0], elf, place, 0)
    copy = os.path.join(folder, os.path.basename(path))
    with open(copy, "wb") as file:
        file.write(elf)
    return copy


class Modules:
    """What .ko files there are, and which of them have their symbols loaded, at which address."""

    def __init__(self):
        self.files = {}
        self.loaded = {}
        self.copies = tempfile.TemporaryDirectory(prefix="rungdb.")
        for line in lines("RUNGDB_MODULES"):
            name, folder, source = (line.split("\t") + ["", ""])[:3]
            self.scan(folder)
            if source:
                gdb.execute("set substitute-path /build/%s %s" % (name, word(source)), to_string=True)

    def scan(self, folder):
        for base, _, names in os.walk(folder):
            for name in sorted(names):
                if name.endswith((".ko", ".ko.debug")):
                    key = name.split(".ko")[0].replace("-", "_")
                    self.files[key] = os.path.join(base, name)

    def add(self, module):
        """Load the symbols of one module of the running kernel; modules of others are left alone."""
        name = as_text(module["name"])
        if name not in self.files:
            return False
        where = section_addresses(module)
        first = where.get(".text", where.get(".init.text"))
        if self.loaded.get(name) == first:
            return False
        self.forget(name)
        command = "add-symbol-file " + word(unplaced(self.files[name], self.copies.name))
        for section, address in sorted(where.items()):
            command += " -s %s 0x%x" % (section, address)
        gdb.execute(command, to_string=True)
        self.loaded[name] = first
        say("module %s at 0x%x" % (name, first))
        return True

    def forget(self, name):
        address = self.loaded.pop(name, None)
        if address is None:
            return
        try:
            gdb.execute("remove-symbol-file -a 0x%x" % address, to_string=True)
        except gdb.error:
            pass

    def add_all(self):
        """Walk the kernel's list of modules."""
        head = kernel_modules()
        if head is None:
            return
        kind = gdb.lookup_type("struct module")
        offset = next(f.bitpos // 8 for f in kind.fields() if f.name == "list")
        entry = head["next"]
        while int(entry) not in (0, int(head.address)):
            module = gdb.Value(int(entry) - offset).cast(kind.pointer()).dereference()
            try:
                self.add(module)
            except gdb.error as error:
                say("no symbols for a module: %s" % error)
            entry = entry.dereference()["next"]


def kernel_modules():
    """The list head `modules`; other files may have a variable of that name."""
    for symbol in (gdb.lookup_global_symbol("modules"), gdb.lookup_static_symbol("modules")):
        if symbol is not None and str(symbol.type) == "struct list_head":
            return symbol.value()
    return None


class ModuleBreakpoint(gdb.Breakpoint):
    """An internal breakpoint in a kernel function with an argument `struct module *mod`."""

    def __init__(self, function, action):
        super().__init__(function, gdb.BP_BREAKPOINT, internal=True)
        self.silent = True
        self.action = action

    def stop(self):
        try:
            module = gdb.parse_and_eval("mod")
            if not module.is_optimized_out:
                self.action(module.dereference())
        except gdb.error as error:
            say("module symbols: %s" % error)
        return False


class SymbolsCommand(gdb.Command):
    """kbuild-symbols: load the symbols of all modules of the recipe that the kernel has loaded."""

    def __init__(self, modules):
        super().__init__("kbuild-symbols", gdb.COMMAND_FILES)
        self.modules = modules

    def invoke(self, argument, from_tty):
        self.modules.add_all()
        for name in sorted(self.modules.files):
            at = self.modules.loaded.get(name)
            gdb.write("%-24s %s\n" % (name, "not loaded" if at is None else "0x%x" % at))


# ---- the session

def load_kernel():
    vmlinux = os.environ["RUNGDB_VMLINUX"]
    source = os.environ.get("RUNGDB_SOURCE")
    gdb.execute("file " + word(vmlinux), to_string=True)
    if source:
        gdb.execute("set substitute-path /src/source " + word(source), to_string=True)
        gdb.execute("directory " + word(source), to_string=True)
    script = os.path.join(os.path.dirname(vmlinux), "vmlinux-gdb.py")
    if os.path.exists(script):
        load_kernel_scripts(script)


class Constants:
    """Imports linux.constants, a file made of C headers. In 5.10 and others it has numbers such as 1UL, which are
    none in Python."""

    def __init__(self, path):
        self.path = path

    def find_spec(self, name, path=None, target=None):
        return importlib.util.spec_from_loader(name, self) if name == "linux.constants" else None

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        with open(self.path) as file:
            text = re.sub(r"\b(0x[0-9a-fA-F]+|[0-9]+)U?L{1,2}\b", r"\1", file.read())
        exec(compile(text, self.path, "exec"), module.__dict__)


def load_kernel_scripts(script):
    """The kernel's own lx- commands are welcome, and not needed. Run like this an error of theirs is an
    exception here; from within another script gdb's `source` would also leave __file__ as it is."""
    sys.dont_write_bytecode = True
    sys.meta_path.insert(0, Constants(os.path.join(os.path.dirname(script), "scripts/gdb/linux/constants.py")))
    names = {"__name__": "__main__", "__file__": script, "gdb": gdb, "os": os, "sys": sys}
    try:
        with open(script) as file:
            exec(compile(file.read(), script, "exec"), names)
    except Exception as error:  # whatever another kernel version may raise
        say("the kernel's own gdb scripts do not load: %s" % str(error).split("\n")[0])


def banner():
    try:
        return as_text(gdb.parse_and_eval("(char *)&linux_banner"))
    except gdb.error:
        return None


def address_of(name):
    try:
        return int(gdb.parse_and_eval("(unsigned long)&" + name))
    except gdb.error:
        return None


def in_kernel():
    """Whether some CPU already runs the kernel at its linked address."""
    start, end = address_of("_stext"), address_of("_etext")
    if start is None or end is None:
        return True
    selected = gdb.selected_thread()
    found = False
    for thread in gdb.selected_inferior().threads():
        thread.switch()
        found = found or start <= int(gdb.parse_and_eval("(unsigned long)$pc")) < end
    selected.switch()
    if found:
        return True
    # All CPUs in programs: the kernel is there if its banner can be read.
    return banner() is not None and banner().startswith("Linux version")


def attach(target):
    wanted = banner()
    try:
        gdb.execute("target remote " + word(target), to_string=True)
    except gdb.error as error:
        say("cannot attach to %s: %s" % (target, error))
        say("is the machine running? start it with: runvm --gdb")
        gdb.execute("quit 1")
    if not in_kernel():
        start_up()
    if wanted and banner() != wanted:
        say("warning: the machine runs another kernel than this vmlinux")


def start_up():
    """Before the kernel has mapped itself a software breakpoint would be overwritten, so let a hardware one
    bring the machine to start_kernel first. Every other breakpoint works from there."""
    gdb.execute("thbreak start_kernel", to_string=True)
    gdb.execute("continue", to_string=True)


def watch_modules(modules):
    modules.add_all()
    SymbolsCommand(modules)
    if not modules.files:
        return
    for function, action in (
            ("do_init_module", modules.add),
            ("free_module", lambda module: modules.forget(as_text(module["name"])))):
        if gdb.lookup_static_symbol(function) or gdb.lookup_global_symbol(function):
            ModuleBreakpoint(function, action)


def settings():
    for setting in ("pagination off", "confirm off", "breakpoint pending on", "print pretty on"):
        gdb.execute("set " + setting, to_string=True)


def session():
    settings()
    load_kernel()
    modules = Modules()
    target = os.environ.get("RUNGDB_TARGET")
    if not target:
        return
    attach(target)
    watch_modules(modules)
    for place in lines("RUNGDB_BREAKS"):
        gdb.execute("break " + place)
    for command in lines("RUNGDB_COMMANDS"):
        gdb.execute(command)


session()
