# SPDX-License-Identifier: MIT
# Files: symbols (all that Kconfig defines), asked (how, symbol, value), .config. Compares
# the last request for every symbol with the answer. Prints `@kbuild` lines for musts and
# wishes, and `report TAB symbol TAB asked TAB got TAB how` for everything.

function plain(text) {
	if (text ~ /^".*"$/) {
		text = substr(text, 2, length(text) - 2)
		gsub(/\\\\/, "\001", text)
		gsub(/\\/, "", text)
		gsub(/\001/, "\\", text)
	}
	return text
}

# One word of a message: quoted when it would not be one.
function word(text) {
	if (text ~ /^[^ \t"]+$/)
		return text
	gsub(/[\\"]/, "\\\\&", text)
	return "\"" text "\""
}

function same(a, b) {
	return a == b || (a ~ /^0[xX]/ && tolower(a) == tolower(b))
}

FILENAME == "symbols" {
	known[$1]
	next
}

FILENAME == "asked" {
	value = substr($0, length($1) + length($2) + 3)
	how[$2] = $1
	asked[$2] = $1 == "set" || $1 == "wish" ? value : plain(value)
	last[$2] = FNR
	symbol_at[FNR] = $2
	n = FNR
	next
}

/^CONFIG_/ {
	eq = index($0, "=")
	got[substr($0, 8, eq - 8)] = plain(substr($0, eq + 1))
}

END {
	for (i = 1; i <= n; i++) {
		symbol = symbol_at[i]
		if (last[symbol] != i)
			continue
		answer = symbol in got ? got[symbol] : symbol in known ? "n" : "absent"
		granted = same(asked[symbol], answer) || (asked[symbol] == "n" && answer == "absent")
		printf "report\t%s\t%s\t%s\t%s\n", symbol, asked[symbol], answer, how[symbol]
		text = symbol " " word(asked[symbol]) " " word(answer)
		if (how[symbol] == "wish")
			print "@kbuild wish " text
		else if (how[symbol] == "set" && !granted)
			print "@kbuild ungranted " text
		else if (how[symbol] == "set" && answer == "absent")
			print "@kbuild warn no symbol " symbol " in this kernel; n was asked, which it is"
	}
}
