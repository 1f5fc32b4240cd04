# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2034,SC2154
# ---- the verdict: what happened, from the console, the report channel and QEMU

# Lines by which a kernel says that it is broken. A fault of a program ("traps: x general protection
# fault ip:") is none of them.
panic_lines='Kernel panic - not syncing'
oops_lines='Oops:|Oops - |BUG: |kernel BUG at |general protection fault[:,]|Unable to handle kernel |KASAN: |UBSAN: |KCSAN: |KFENCE: |Internal error: '

# first PATTERN: the first such line of the kernel on the console, without its time stamp. The echo of the
# kernel command line does not count. On the user's terminal programs write too: there a stamp is needed.
first() {
	f_stamp='^'
	[ -z "$console_is_ours" ] || f_stamp='^\[ *[0-9]+\.[0-9]+\].*'
	tr -d '\r' <"$tmp/console" | grep -Ea -e "$f_stamp" | grep -Eav 'ommand line:' | grep -Ea -m 1 -e "$1" |
		sed -E -e 's/^.*\[ *[0-9]+\.[0-9]+\](\[ *[TC][0-9]+\])? *//' -e 's/[^[:print:]]/?/g'
}

# reported WORD: the rest of the last line `@kbuild-guest WORD ...` of the report channel.
reported() {
	r_file=$tmp/report
	[ "$report" != none ] || r_file=$tmp/console
	tr -d '\r' <"$r_file" | sed -n "s/^@kbuild-guest $1 *//p" | tail -n 1
}

# cut_output: without a port of its own the command's output stands on the console between two marks, with
# messages of the kernel among it, and one newline more than the command wrote.
cut_output() {
	[ "$stdio" = console ] && [ -z "$console_is_ours" ] || return 0
	tr -d '\r' <"$tmp/console" |
		sed -n '/@kbuild-guest begin$/,/@kbuild-guest end$/{/@kbuild-guest /!p;}' |
		grep -Eav '^\[ *[0-9]+\.[0-9]+\]' | sed '${/^$/d;}' >"$tmp/stdout"
	cat "$tmp/stdout"
}

# judge: sets $verdict, $code and $text.
judge() {
	panic=$(first "$panic_lines")
	oops=$(first "$oops_lines")
	boot=$(reported boot)
	guest_error=$(reported error)
	guest_code=$(reported exit)
	stopped=$(cat "$tmp/stopped" 2>/dev/null)
	if [ -n "$panic" ]; then
		verdict=panic code=122 text="$panic${oops:+ (before it: $oops)}"
	elif [ -n "$guest_error" ]; then
		verdict=infrastructure code=125 text="the guest's init: $guest_error"
	elif [ -n "$oops" ]; then
		verdict=oops code=121 text=$oops
	elif [ -n "$stopped" ]; then
		judge_stopped
	elif [ "$qemu_status" -ne 0 ]; then
		judge_qemu
	elif [ "$mode" = boot ]; then
		judge_boot
	elif [ -n "$guest_code" ]; then
		judge_code
	elif [ "$mode" = shell ]; then
		verdict=pass code=0 text='switched off'
	elif [ -z "$boot" ]; then
		verdict=panic code=122 text='the machine reset itself before init ran'
	else
		verdict=panic code=122 text='the machine went down under the command, without a result'
	fi
}

judge_stopped() {
	verdict=timeout code=124
	case $stopped in
	boot) verdict='boot hang' code=123 text="init did not run within $boot_limit s" ;;
	idle) text="no output for $idle_limit s" ;;
	total) text="not done within $total_limit s" ;;
	output) text="more than $output_max bytes of output" ;;
	seen | late | forbidden) judge_boot ;;
	closed) verdict=stopped code=141 text='nobody reads standard output any more' ;;
	kvm) judge_qemu ;;
	esac
}

judge_qemu() {
	verdict=infrastructure code=125
	q_line=$(grep -v 'warning:' "$tmp/qemu" | head -n 1)
	text="QEMU ended with status $qemu_status${q_line:+: $q_line}"
	[ "$qemu_status" -ne 137 ] || text="QEMU was killed (out of memory on the host?)"
	case $q_line in
	*'annot set up guest memory'* | *'annot allocate memory'*) text="$text (the guest asks for $memory)" ;;
	esac
}

judge_code() {
	case $guest_code in
	'' | *[!0-9]*)
		verdict=infrastructure code=125 text="the guest's init sent no number: $guest_code"
		return
		;;
	esac
	text=
	if [ "$guest_code" -eq 0 ]; then
		verdict=pass code=0
		judge_expectation
	elif [ "$guest_code" -le 119 ]; then
		verdict=fail code=$guest_code text="the command returned $guest_code"
	else
		verdict=fail code=119 text="the command returned $guest_code"
		[ "$guest_code" -le 128 ] || text="$text (signal $((guest_code - 128)))"
		text="$text; codes above 119 become 119"
	fi
}

# Nothing was run: what the console shows is the result.
judge_boot() {
	verdict=pass code=0
	judge_expectation
	case $code/$stopped in
	0/*) text=$(printf %s "$seen_line" | sed 's/[^[:print:]]/?/g') ;;
	120/late) text="$text within $boot_limit s" ;;
	120/) text="$text before the machine went down" ;;
	esac
}

judge_expectation() {
	if seen_forbidden; then
		verdict='expectation not met' code=120 text="'$j_pattern' is forbidden: $seen_line"
	elif [ -n "$expect" ] && ! seen "$expect"; then
		verdict='expectation not met' code=120 text="nothing matches '$expect'"
	fi
}

seen_forbidden() {
	while IFS= read -r j_pattern; do
		if [ -n "$j_pattern" ] && seen "$j_pattern"; then
			return 0
		fi
	done <<END
$forbid
END
	return 1
}

seen() {
	seen_line=$(cat "$tmp/stdout" "$tmp/stderr" "$tmp/console" | tr -d '\r' | grep -Eav 'ommand line:' |
		grep -Ea -m 1 -e "$1")
}

# The one line, and what helps to understand it.
announce() {
	tr -d '\r' <"$tmp/report" | sed -n 's/^@kbuild-guest \(warn\|module\) //p' | while IFS= read -r a_line; do
		say "guest: $a_line"
	done
	[ -z "$log" ] || cp "$tmp/console" "$log" || say "cannot write $log"
	if [ "$mode" = shell ] && [ "$code" -le 119 ]; then
		return
	fi
	case $verdict in
	pass | stopped) ;;
	infrastructure) [ ! -s "$tmp/qemu" ] || tail_of "$tmp/qemu" QEMU ;;
	*)
		console_tail
		[ "$code" -lt 121 ] || keep_console
		;;
	esac
	[ "$code" -ne 125 ] || quiet=
	a_boot=
	[ -z "$boot" ] || a_boot="boot $(printf %s "$boot" | sed 's/\(\.[0-9]\).*/\1/') s, "
	say "$verdict${text:+: $text} ($a_boot$(tenths $((ended - started))) s in all, $accel)"
}

# The last lines of the kernel; of a mere failure only those since init ran, without the usual ones.
console_tail() {
	[ -z "$console_is_ours" ] || return 0
	tr -d '\r' <"$tmp/console" | LC_ALL=C awk -v since="$boot" -v all="$((code >= 121))" '
		{ t = $0; sub(/^\[ */, "", t) }
		all || (t + 0 > since + 0 && /^\[/ &&
			!/(reboot|clocksource|tsc|PM: Preparing)[: ]/)' >"$tmp/tail"
	if [ "$code" -ge 121 ] && [ -n "$panic$oops" ]; then
		trouble_lines
	else
		tail_of "$tmp/tail" console
	fi
}

# From the first line of trouble on, for those tell more than the last ones.
trouble_lines() {
	[ -z "$quiet" ] || return 0
	grep -Eav 'ommand line:' "$tmp/tail" | grep -Ea -m 1 -A 24 -e "$oops_lines|$panic_lines" |
		sed "s/^/console| /" >&2
}

tail_of() {
	[ -z "$quiet" ] || return 0
	tail -n 12 "$1" | sed "s/^/$2| /" >&2
}

keep_console() {
	if [ -n "$log" ]; then
		say "console log: $log"
	else
		keep_tmp=1
		say "console log: $tmp/console"
	fi
}
