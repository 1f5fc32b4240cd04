# SPDX-License-Identifier: MIT
# Files: symbols (all that Kconfig defines), asked (how, symbol, value), file.config (a base
# that came as a file, else empty), .config. Compares the last request for every symbol with
# the answer. Prints `@kbuild` lines for musts and wishes, and for everything
# `report TAB symbol TAB asked TAB got TAB how`; how is the name of a fragment, set, wish,
# base (the file's own value) or new (a symbol the file does not know got its default).

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

{ symbol = "" }

/^# CONFIG_[A-Za-z0-9_]+ is not set/ {
	symbol = substr($0, 10)
	sub(/ .*/, "", symbol)
	value = "n"
}

/^CONFIG_/ {
	eq = index($0, "=")
	symbol = substr($0, 8, eq - 8)
	value = plain(substr($0, eq + 1))
}

symbol == "" { next }

FILENAME == "file.config" {
	base[symbol] = value
	has_base = 1
	next
}

{ got[symbol] = value }

function answer_to(name) {
	return name in got ? got[name] : name in known ? "n" : "absent"
}

function report(name, want, why) {
	printf "report\t%s\t%s\t%s\t%s\n", name, want, answer_to(name), why
}

END {
	for (i = 1; i <= n; i++) {
		symbol = symbol_at[i]
		if (last[symbol] != i)
			continue
		answer = answer_to(symbol)
		granted = same(asked[symbol], answer) || (asked[symbol] == "n" && answer == "absent")
		report(symbol, asked[symbol], how[symbol])
		text = symbol " " word(asked[symbol]) " " word(answer)
		if (how[symbol] == "wish")
			print "@kbuild wish " text
		else if (how[symbol] == "set" && !granted)
			print "@kbuild ungranted " text
		else if (how[symbol] == "set" && answer == "absent")
			print "@kbuild warn no symbol " symbol " in this kernel; n was asked, which it is"
	}
	for (symbol in base)
		if (!(symbol in asked))
			report(symbol, base[symbol], "base")
	for (symbol in got)
		if (has_base && !(symbol in base) && !(symbol in asked))
			report(symbol, "-", "new")
}
