# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2154 # what is said before: to keep unload command has_command
#
# Runs on the machine that modules are loaded into. It says what the machine is, reads what
# to do (one line a module, the word `data`, then the files, each filled up to whole blocks)
# and does it. If the stream ends before `data`, nothing was written. Lines are
#
#	@NONCE KEY REST

block=4096

# lines KEY: standard input
lines() {
	while IFS= read -r l_line || [ -n "$l_line" ]; do
		say "$1 $l_line"
	done
}

# outcome KEY CODE TEXT: a program's, with what it said
outcome() {
	[ -z "$3" ] || printf '%s\n' "$3" | lines said
	say "$1 $2"
}

failed() {
	say "failed $*"
	exit 0
}

is_loaded() {
	grep -q "^$1 " /proc/modules 2>/dev/null
}

# shellcheck disable=SC2317 # the trap calls it
clean() {
	[ -z "$work" ] || { [ -n "$keep" ] && [ -z "$to" ]; } || rm -rf "$work"
	[ -z "$work" ] || rm -f "$work/.all" "$work/.log" "$work/.code"
}

facts() {
	say begin
	as='' root=yes
	if [ "$(id -u)" != 0 ]; then
		if sudo -n true 2>/dev/null </dev/null; then
			as='sudo -n'
		else
			root=no
		fi
	fi
	say "root $root"
	say "release $(uname -r)"
	say "machine $(uname -m)"
	magic | lines vermagic
	sed 's/ .*//' /proc/modules 2>/dev/null | lines loaded
	say ready
}

read_plan() {
	plan=
	while read -r p_line; do
		[ "$p_line" != data ] || return 0
		plan="$plan$p_line
"
	done
	exit 0
}

make_places() {
	work=
	trap clean EXIT
	trap 'exit 1' HUP INT TERM PIPE
	for base in "${TMPDIR:-/tmp}" /tmp /run /var/tmp /dev/shm; do
		work=$base/kbuild.$nonce
		(umask 077 && mkdir "$work") 2>/dev/null && break
		work=
	done
	[ -n "$work" ] || failed 'found no directory to write to'
	dir=$work
	[ -z "$to" ] || { mkdir -p "$to" && dir=$(cd "$to" && pwd); } 2>/dev/null || failed "cannot make $to"
	cat >"$work/.all" 2>/dev/null || failed "no space in $work"
}

# dd takes exactly what it is told, whatever the program behind its name.
copy() {
	c_at=0
	while read -r c_word c_file _ c_size _; do
		[ "$c_word" = module ] || continue
		c_blocks=$((c_size / block)) c_more=$((c_size % block))
		dd if="$work/.all" of="$dir/$c_file" bs=$block skip=$c_at count=$c_blocks 2>/dev/null
		dd if="$work/.all" bs=1 skip=$(((c_at + c_blocks) * block)) count=$c_more 2>/dev/null >>"$dir/$c_file"
		c_got=$(wc -c <"$dir/$c_file")
		[ "$((c_got))" = "$c_size" ] || failed "no space in $dir for $c_file"
		c_at=$((c_at + c_blocks + (c_more > 0)))
		say "copied $dir/$c_file"
	done <<END
$plan
END
	rm -f "$work/.all"
}

unload_all() {
	backwards=
	while read -r u_word _ u_name _; do
		[ "$u_word" != module ] || backwards="$u_name $backwards"
	done <<END
$plan
END
	for u_name in $backwards; do
		is_loaded "$u_name" || continue
		u_text=$($as rmmod "$u_name" 2>&1 </dev/null)
		u_code=$?
		outcome "rmmod $u_name" $u_code "$u_text"
		[ $u_code = 0 ] || { new_log && finish; }
	done
}

# The log from here on. Without times two lines may be the same, so one is put in that is not.
mark_log() {
	$as dmesg >"$work/.log" 2>/dev/null
	mark=$(tail -n 1 "$work/.log")
	case $mark in
	'['*) return ;;
	esac
	n=$((${n:-0} + 1))
	echo "kbuild deploy $nonce $n" | $as tee /dev/kmsg >/dev/null 2>&1
	$as dmesg >"$work/.log" 2>/dev/null
	mark=$(tail -n 1 "$work/.log")
}

new_log() {
	$as dmesg >"$work/.log" 2>/dev/null
	at=
	[ -z "$mark" ] || at=$(grep -nxF -e "$mark" "$work/.log" | tail -n 1 | cut -d : -f 1)
	# The mark may be gone: the log is a ring.
	tail -n "+$((${at:-0} + 1))" "$work/.log" | lines log
	mark_log
	return 0
}

# insert FILE NAME PARAMETERS: these are words of a shell
insert() {
	i_file=$1 i_name=$2
	eval "set -- $3"
	i_text=$($as insmod "$dir/$i_file" "$@" 2>&1 </dev/null)
	i_code=$?
	outcome "insmod $i_name" $i_code "$i_text"
	[ $i_code = 0 ] || { new_log && finish; }
}

load_all() {
	while read -r l_word l_file l_name _ l_params; do
		case $l_word in
		module) insert "$l_file" "$l_name" "$l_params" ;;
		needs)
			is_loaded "$l_file" && continue
			l_text=$($as modprobe "$l_file" 2>&1 </dev/null)
			outcome "modprobe $l_file" $? "$l_text"
			;;
		esac
	done <<END
$plan
END
	new_log
}

run_command() {
	{
		(cd "$dir" && exec sh -c "$command") </dev/null
		echo $? >"$work/.code"
	} | lines out
	new_log
	say "exit $(cat "$work/.code")"
}

finish() {
	say end
	exit 0
}

facts
[ "$root" = yes ] || exit 0
read_plan
make_places
copy
mark_log
[ -z "$unload" ] || unload_all
load_all
[ -z "$has_command" ] || run_command
finish
