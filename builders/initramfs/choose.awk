# SPDX-License-Identifier: MIT
# Files: module.files (step, path), builtin, modules.dep, drivers.wanted (when, name), wanted
# (names), load.wanted (name and parameters). Writes chosen.paths (files of the image), load
# and drivers (lines for init).

function module_name(path) {
	sub(/.*\//, "", path)
	sub(/\.ko.*/, "", path)
	gsub(/-/, "_", path)
	return path
}

function choose(path) {
	if (!(path in chosen)) {
		chosen[path]
		print path >"chosen.paths"
	}
}

# modules.dep names the nearest dependency first.
function choose_all(path, list, i, n) {
	n = split(needs[path], list, " ")
	for (i = n; i > 0; i--)
		choose(list[i])
	choose(path)
}

function load(path, list, i, n) {
	n = split(needs[path], list, " ")
	for (i = n; i > 0; i--)
		load_one(list[i])
	load_one(path)
}

function driver(when, path, list, i, n) {
	n = split(needs[path], list, " ")
	for (i = n; i > 0; i--)
		driver_one(when, list[i])
	driver_one(when, path)
}

function driver_one(when, path) {
	if (!((when, path) in drives) && !(("always", path) in drives)) {
		drives[when, path]
		print when " " prefix path >"drivers"
	}
}

# Parameters belong to a module however it comes to be loaded.
function load_one(path) {
	if (path in loaded)
		return
	loaded[path]
	print prefix path (path in params ? " " params[path] : "") >"load"
}

function fail(text) {
	print "@kbuild error initramfs." text
	failed = 1
	exit 1
}

BEGIN {
	printf "" >"chosen.paths"
	printf "" >"load"
	printf "" >"drivers"
}

FILENAME == "module.files" {
	split($0, field, "\t")
	files[field[1]] = files[field[1]] " " field[2]
	next
}

FILENAME == "builtin" {
	is_builtin[module_name($0)]
	next
}

FILENAME ~ /modules\.dep$/ {
	path = substr($1, 1, length($1) - 1)
	path_of[module_name(path)] = path
	sub(/^[^:]*: */, "")
	needs[path] = $0
	next
}

# What is built in, or left out of the kernel, is not loaded.
FILENAME == "drivers.wanted" {
	if ($2 in path_of) {
		choose_all(path_of[$2])
		driver($1, path_of[$2])
	}
	next
}

FILENAME == "wanted" {
	if ($1 in files) {
		n = split(files[$1], list, " ")
		for (i = 1; i <= n; i++)
			choose_all(list[i])
	} else if (module_name($1) in path_of) {
		choose_all(path_of[module_name($1)])
	} else if (!(module_name($1) in is_builtin)) {
		fail("modules: no module " $1 " in the recipe or the kernel")
	}
	next
}

# What a name of load.wanted stands for, into list: a module, or all modules of a step.
function find(name, n) {
	n = name in files ? split(files[name], list, " ") : 0
	if (module_name(name) in path_of) {
		n = 1
		list[1] = path_of[module_name(name)]
	}
	if (n == 0 && !(module_name(name) in is_builtin))
		fail("load: no module " name " in the recipe or the kernel")
	return n
}

{
	name = $1
	sub(/^[^ \t]+[ \t]*/, "")
	n = find(name)
	for (i = 1; i <= n; i++) {
		choose_all(list[i])
		to_load[++count] = list[i]
		if ($0 != "")
			params[list[i]] = $0
	}
}

END {
	if (!failed)
		for (i = 1; i <= count; i++)
			load(to_load[i])
}
