# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2034,SC2154
# ---- words: messages, quoting, encoding

me=runvm

say() {
	[ -n "$quiet" ] || printf '%s: %s\n' "$me" "$*" >&2
}

detail() {
	[ -z "$verbose" ] || printf '%s: %s\n' "$me" "$*" >&2
}

usage_error() {
	printf '%s: %s\n' "$me" "$1" >&2
	printf '%s: try: %s --help\n' "$me" "$me" >&2
	exit 2
}

# Nothing of the guest was at fault: QEMU, the host or the store.
infra() {
	printf '%s: infrastructure: %s\n' "$me" "$1" >&2
	[ -z "${2-}" ] || printf '%s: hint: %s\n' "$me" "$2" >&2
	exit 125
}

# quote TEXT: sets $quoted to TEXT as one word for a shell.
quote() {
	case $1 in
	'' | *[!A-Za-z0-9_./:,=+@%-]*) ;;
	*)
		quoted=$1
		return
		;;
	esac
	q_rest=$1
	quoted="'"
	while :; do
		case $q_rest in
		*\'*)
			quoted="$quoted${q_rest%%\'*}'\\''"
			q_rest=${q_rest#*\'}
			;;
		*) break ;;
		esac
	done
	quoted="$quoted$q_rest'"
}

# encode TEXT: TEXT for the kernel's command line; every byte that is not plain becomes %XX.
encode() {
	printf %s "$1" | LC_ALL=C od -An -v -tx1 | LC_ALL=C awk '
		BEGIN {
			for (i = 33; i < 127; i++)
				if (sprintf("%c", i) ~ /[A-Za-z0-9._\/-]/)
					plain[sprintf("%02x", i)] = sprintf("%c", i)
		}
		{
			for (i = 1; i <= NF; i++)
				printf "%s", ($i in plain) ? plain[$i] : "%" toupper($i)
		}'
}

# encode_all TEXT: every byte becomes %XX, so that nothing of TEXT can be read there.
encode_all() {
	printf %s "$1" | LC_ALL=C od -An -v -tx1 | tr -d ' \n' | sed 's/../%&/g'
}

# seconds TEXT: sets $seconds to 90 for 90, 90s, 1m or 1h forms; fails on anything else.
seconds() {
	case $1 in
	none) seconds=0 && return ;;
	*h) s_unit=3600 s_number=${1%h} ;;
	*m) s_unit=60 s_number=${1%m} ;;
	*s) s_unit=1 s_number=${1%s} ;;
	*) s_unit=1 s_number=$1 ;;
	esac
	case $s_number in
	'' | *[!0-9]*) return 1 ;;
	esac
	while [ "${s_number#0}" != "$s_number" ] && [ ${#s_number} -gt 1 ]; do
		s_number=${s_number#0}
	done
	[ ${#s_number} -le 7 ] || return 1
	seconds=$((s_number * s_unit))
}

# physical PATH: the place of a logical store path in the store that holds this script.
physical() {
	printf '%s/%s' "$store" "${1#/nix/store/}"
}

now_ms() {
	n_ms=$(date +%s%3N)
	case $n_ms in
	*[!0-9]*) n_ms=$(($(date +%s) * 1000)) ;;
	esac
	printf %s "$n_ms"
}

# tenths MS: 3140 -> 3.1
tenths() {
	printf '%d.%d' $(($1 / 1000)) $(($1 % 1000 / 100))
}
