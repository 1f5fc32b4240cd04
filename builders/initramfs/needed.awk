# SPDX-License-Identifier: MIT
# Files: modules.dep and modules.symbols of the kernel, undefined (symbols), named (modules).
# Prints the files of the modules that define those symbols or have those names, and of all
# that these need.

function module_name(path) {
	sub(/.*\//, "", path)
	sub(/\.ko.*/, "", path)
	gsub(/-/, "_", path)
	return path
}

function take_file(path) {
	if (path != "" && !(path in taken)) {
		taken[path]
		print path
	}
}

# modules.dep names all that a module needs, not only the nearest.
function take(name, list, i, n) {
	take_file(path_of[name])
	n = split(needs[path_of[name]], list, " ")
	for (i = 1; i <= n; i++)
		take_file(list[i])
}

FILENAME ~ /modules\.dep$/ {
	path = substr($1, 1, length($1) - 1)
	path_of[module_name(path)] = path
	sub(/^[^:]*: */, "")
	needs[path] = $0
	next
}

FILENAME ~ /modules\.symbols$/ {
	if ($1 == "alias")
		defined_by[substr($2, length("symbol:") + 1)] = $3
	next
}

FILENAME == "undefined" {
	if ($1 in defined_by)
		take(defined_by[$1])
	next
}

{ take(module_name($1)) }
