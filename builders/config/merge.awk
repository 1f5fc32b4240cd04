# SPDX-License-Identifier: MIT
# Files: string.symbols (symbols that are strings), asked (how, symbol, value), a .config.
# Prints the .config with every asked symbol replaced; the last request for a symbol wins,
# and requests stay in order, because within a Kconfig choice the last line wins.

function kconfig_text(symbol, value) {
	if (!(symbol in is_string) && value ~ /^([ymn]|-?[0-9]+|0[xX][0-9a-fA-F]+)$/)
		return value
	gsub(/[\\"]/, "\\\\&", value)
	return "\"" value "\""
}

FILENAME == "string.symbols" {
	is_string[$1]
	next
}

FILENAME == "asked" {
	value = substr($0, length($1) + length($2) + 3)
	line[$2] = $1 == "set" || $1 == "wish" ? kconfig_text($2, value) : value
	last[$2] = FNR
	symbol_at[FNR] = $2
	n = FNR
	next
}

{
	symbol = $0
	if (!sub(/^CONFIG_/, "", symbol) && !sub(/^# CONFIG_/, "", symbol))
		next
	sub(/[^A-Za-z0-9_].*/, "", symbol)
	if (!(symbol in line))
		print
}

END {
	for (i = 1; i <= n; i++) {
		symbol = symbol_at[i]
		if (last[symbol] != i)
			continue
		if (line[symbol] == "n")
			print "# CONFIG_" symbol " is not set"
		else
			print "CONFIG_" symbol "=" line[symbol]
	}
}
