# SPDX-License-Identifier: MIT
# Files: namespaces (lines of makefiles that give a folder one), and lines FILE:TEXT of the
# source that export something. Prints NAME TAB EXPORT_SYMBOL[_GPL] TAB NAMESPACE.

function dir_of(path) {
	sub(/\/[^\/]*$/, "", path)
	return path
}

function unquoted(text) {
	gsub(/[\\"' \t]/, "", text)
	return text
}

function put(name, kind, space) {
	if (name ~ /^[A-Za-z_][A-Za-z0-9_]*$/ && !((name, kind, space) in done)) {
		done[name, kind, space]
		print name "\t" kind "\t" space
	}
}

# The namespace of a folder: its own makefile's, or one of a folder above for all below.
function space_of(dir) {
	if (dir in own)
		return own[dir]
	for (; dir ~ /\//; dir = dir_of(dir))
		if (dir in below)
			return below[dir]
	return ""
}

{
	colon = index($0, ":")
	file = substr($0, 1, colon - 1)
	text = substr($0, colon + 1)
}

FILENAME == "/build/namespaces" {
	space = text
	sub(/.*DEFAULT_SYMBOL_NAMESPACE=/, "", space)
	space = unquoted(space)
	if (text ~ /^subdir-/)
		below[dir_of(file)] = space
	else
		own[dir_of(file)] = space
	next
}

file != last {
	last = file
	default_space = space_of(dir_of(file))
}

text ~ /define[ \t]+DEFAULT_SYMBOL_NAMESPACE/ {
	sub(/.*DEFAULT_SYMBOL_NAMESPACE[ \t]+/, "", text)
	default_space = unquoted(text)
	next
}

# The body of a macro: see macros.awk.
text ~ /^[ \t]*#/ || text ~ /\\$/ { next }

{
	while (match(text, /EXPORT_[A-Z_]+ ?\([^),]*[^)]*\)?/)) {
		call = substr(text, RSTART, RLENGTH)
		text = substr(text, RSTART + RLENGTH)
		open = index(call, "(")
		macro = substr(call, 1, open - 1)
		args = substr(call, open + 1)
		sub(/\).*/, "", args)
		comma = index(args, ",")
		name = unquoted(comma ? substr(args, 1, comma - 1) : args)
		kind = macro ~ /_GPL/ ? "EXPORT_SYMBOL_GPL" : "EXPORT_SYMBOL"
		space = default_space
		if (macro ~ /_NS/ && comma)
			space = unquoted(substr(args, comma + 1))
		else if (macro ~ /FOR_MODULES/ && comma)
			space = "module:" unquoted(substr(args, comma + 1))
		else if (macro ~ /KUNIT/)
			space = "EXPORTED_FOR_KUNIT_TESTING"
		if (macro ~ /TRACEPOINT/) {
			put("__tracepoint_" name, kind, space)
			put("__traceiter_" name, kind, space)
			put("__SCK__tp_func_" name, kind, space)
			put("__SCT__tp_func_" name, kind, space)
		} else if (macro ~ /STATIC_CALL/) {
			if (macro !~ /TRAMP/)
				put("__SCK__" name, kind, space)
			put("__SCT__" name, kind, space)
		} else {
			put(name, kind, space)
		}
	}
}
