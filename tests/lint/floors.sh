#!/bin/sh
# SPDX-License-Identifier: MIT
# The law of the floors: an include names its folder, and only one that lies below.
cd "$(dirname "$0")/../.." || exit 1
echo 1..3

# Lines `file: "folder/x.h"` of files in $1 whose folder is not in the list $2.
strays()
{
	grep -Hn '^#include "' "$1"/*.c "$1"/*.h 2>/dev/null |
		grep -vE "#include \"($2)/[a-z0-9_]+\.h\"" || true
}

bad=$(
	strays base base
	strays store 'base|store'
	strays fetchers 'base|fetchers'
	strays sandbox 'base|sandbox'
	strays module 'base|module'
	strays evaluator 'base|store|fetchers|module|evaluator'
	strays realise 'base|store|fetchers|sandbox|module|realise'
	strays cli 'base|store|fetchers|sandbox|module|evaluator|realise|cli'
	strays guest 'nothing'
	strays vary 'nothing'
)
if [ -z "$bad" ]; then
	echo 'ok 1 - includes go downwards only'
else
	echo 'not ok 1 - includes go downwards only'
	echo "$bad" | sed 's/^/# /'
fi

# Only cli/ prints and exits.
bad=$(grep -nE '\b(v?printf|puts|putchar|perror|exit) ?\(|\b(stdout|stderr)[,)]' base/*.c store/*.c sandbox/*.c module/*.c evaluator/*.c realise/*.c fetchers/*.c |
	grep -vE '\b_exit|^base/alloc.c:' || true)
if [ -z "$bad" ]; then
	echo 'ok 2 - only cli/ prints and exits'
else
	echo 'not ok 2 - only cli/ prints and exits'
	echo "$bad" | sed 's/^/# /'
fi

# No command lines for a shell.
bad=$(grep -nE '\b(system|popen) ?\(' ./*/*.c || true)
if [ -z "$bad" ]; then
	echo 'ok 3 - no shell command strings'
else
	echo 'not ok 3 - no shell command strings'
	echo "$bad" | sed 's/^/# /'
fi
