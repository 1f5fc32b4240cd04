# SPDX-License-Identifier: MIT
# Files of C in which macros export what their arguments say. Prints FILE:EXPORT_...(NAME)
# for each use of such a macro, as if it had been written out.

# The text with the macro's parameters replaced, and pasted together where ## says so.
function expanded(text, macro, given,    names, values, value, i, n, out, token) {
	n = split(params[macro], names, ",")
	split(given, values, ",")
	for (i = 1; i <= n; i++) {
		gsub(/^[ \t]+|[ \t]+$/, "", names[i])
		gsub(/^[ \t]+|[ \t]+$/, "", values[i])
		value[names[i]] = values[i]
	}
	gsub(/[ \t]*##[ \t]*/, "\001", text)
	while (match(text, /[A-Za-z_][A-Za-z0-9_]*/)) {
		token = substr(text, RSTART, RLENGTH)
		out = out substr(text, 1, RSTART - 1) (token in value ? value[token] : token)
		text = substr(text, RSTART + RLENGTH)
	}
	out = out text
	gsub(/\001/, "", out)
	return out
}

function open_parens(text) {
	return gsub(/\(/, "", text) - gsub(/\)/, "", text)
}

FNR == 1 {
	split("", bodies)
	split("", params)
	line = ""
	continued = 0
}

{
	if (!continued)
		line = ""
	line = line $0
	continued = sub(/\\\r?$/, " ", line)
	if (continued)
		next
}

line ~ /^[ \t]*#/ {
	if (line !~ /^[ \t]*#[ \t]*define[ \t]+[A-Za-z_0-9]+\(/ || line !~ /EXPORT_[A-Z_]+ ?\(/)
		next
	sub(/^[ \t]*#[ \t]*define[ \t]+/, "", line)
	name = line
	sub(/\(.*/, "", name)
	list = substr(line, length(name) + 2)
	close_at = index(list, ")")
	params[name] = substr(list, 1, close_at - 1)
	bodies[name] = substr(list, close_at + 1)
	next
}

{
	name = line
	if (!sub(/[ \t]*\(.*/, "", name))
		next
	sub(/^[ \t]+/, "", name)
	if (!(name in bodies))
		next
	if (open_parens(line) > 0) {
		continued = 1
		next
	}
	given = line
	sub(/^[^(]*\(/, "", given)
	sub(/\)[^)]*$/, "", given)
	body = bodies[name]
	while (match(body, /EXPORT_[A-Z_]+ ?\([^)]*\)/)) {
		call = substr(body, RSTART, RLENGTH)
		body = substr(body, RSTART + RLENGTH)
		print FILENAME ":" expanded(call, name, given)
	}
}
