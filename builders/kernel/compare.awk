# SPDX-License-Identifier: MIT
# Files: asked (symbols the recipe asks for), symbols (all of the source), target.config,
# .config. Prints `differs SYMBOL: target X, here Y` for what a module could notice, and
# `unknown SYMBOL` for what the target sets and this source does not have. When target.config is
# not complete, what it does not mention is not compared.

# What follows from the compiler, names the build or the keys it signs with.
function follows(symbol) {
	if (symbol ~ /^GCC_PLUGIN_RANDSTRUCT/)
		return 0
	return symbol ~ /^(CC|AS|LD|LLD|RUSTC|BINDGEN|PAHOLE)_/ ||
		symbol ~ /_VERSION(_TEXT)?$/ ||
		symbol ~ /^(GCC_PLUGIN|INIT_STACK_|TOOLS_SUPPORT_|LOCALVERSION|HAVE_RUST|RUST_IS_)/ ||
		symbol ~ /^(BUILD_SALT|MODULE_SIG_KEY|SYSTEM_(TRUSTED|REVOCATION)_KEYS)$/
}

function value_of(values, symbol) {
	return symbol in values ? values[symbol] : "n"
}

{ sub(/\r$/, "") }

FILENAME == "asked" {
	asked[$1]
	next
}

FILENAME == "symbols" {
	known[$1]
	next
}

/^CONFIG_[A-Za-z0-9_]+=/ {
	eq = index($0, "=")
	symbol = substr($0, 8, eq - 8)
	all[symbol]
	if (FILENAME == "target.config")
		theirs[symbol] = substr($0, eq + 1)
	else
		ours[symbol] = substr($0, eq + 1)
}

FILENAME == "target.config" && /^# CONFIG_[A-Za-z0-9_]+ is not set/ {
	symbol = substr($2, 8)
	mentioned[symbol]
}

END {
	for (symbol in all) {
		their = value_of(theirs, symbol)
		our = value_of(ours, symbol)
		if (!complete && !(symbol in mentioned) && !(symbol in theirs))
			continue
		if (their == our || symbol in asked || follows(symbol))
			continue
		if (symbol in known)
			printf "differs %s: target %s, here %s\n", symbol, their, our
		else
			print "unknown " symbol
	}
}
