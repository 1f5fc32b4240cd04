# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# What all that runs on a machine begins with. $nonce is set before.

LC_ALL=C
PATH=$PATH:/sbin:/usr/sbin:/usr/local/sbin
export LC_ALL PATH
: "${nonce:?}"

say() {
	printf '@%s %s\n' "$nonce" "$*"
}

# The vermagic of a module that the kernel has loaded, if there is a modinfo.
magic() {
	sed -n '1,9s/ .*//p' /proc/modules 2>/dev/null | while read -r m_name; do
		m_text=$(modinfo -F vermagic "$m_name" 2>/dev/null)
		[ -n "$m_text" ] || continue
		printf '%s\n' "$m_text"
		break
	done
}
