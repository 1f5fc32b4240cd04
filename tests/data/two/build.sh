# SPDX-License-Identifier: MIT
# shellcheck shell=sh
build()
{
	mkdir "${out:?}" "${out:?}/sub" "${dev:?}"
	echo "${opt_text:?}" >"$out/sub/text"
	echo "dev of $opt_text" >"$dev/text"
}
