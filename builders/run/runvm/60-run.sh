# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2034,SC2154
# ---- running: start QEMU, watch the clocks, leave nothing behind
#
# Processes: QEMU, a virtiofsd a share, two `tail` that copy the command's output while it comes, the watch
# with its clocks, and the guard. The guard reads a fifo whose only writer is this script: however the
# script dies, even by SIGKILL, the guard sees the end of the file and ends all the others.

make_tmp() {
	if [ -n "$print" ]; then
		tmp=${TMPDIR:-/tmp}/runvm.print
		return
	fi
	tmp=$(mktemp -d "${TMPDIR:-/tmp}/runvm.XXXXXX") || infra "no temporary directory can be made"
	trap 'clean_up' EXIT
	trap 'interrupted INT 130' INT
	trap 'interrupted TERM 143' TERM
	trap 'interrupted HUP 129' HUP
	mkfifo "$tmp/alive" || infra "no fifo can be made in $tmp"
	guard &
	exec 5>"$tmp/alive"
	saved_tty=
	[ -z "$console_is_ours" ] || saved_tty=$(stty -g <&3 2>/dev/null) || saved_tty=
}

guard() {
	trap '' INT TERM HUP
	trap - EXIT
	exec 5>&- 3<&-
	g_word=
	IFS= read -r g_word <"$tmp/alive"
	[ "$g_word" != end ] || exit 0
	[ ! -s "$tmp/pids" ] || xargs kill -9 <"$tmp/pids" 2>/dev/null
	rm -rf "$tmp"
	exit 0
}

clean_up() {
	trap - EXIT
	trap '' INT TERM HUP
	stop_all
	[ -z "$saved_tty" ] || stty "$saved_tty" <&3 2>/dev/null
	[ -z "$gdb_socket" ] || rm -f "$gdb_socket" "$gdb_socket.pid"
	echo end >&5
	exec 5>&-
	if [ -z "$keep_tmp" ]; then
		rm -rf "$tmp"
	else
		rm -f "$tmp/alive" "$tmp/pids"
	fi
}

stop_all() {
	for s_pid in $qemu_pid $daemons $watch_pid; do
		kill "$s_pid" 2>/dev/null
	done
	[ -z "$qemu_pid" ] || wait "$qemu_pid" 2>/dev/null
	qemu_pid='' daemons='' watch_pid=''
}

interrupted() {
	say "interrupted by SIG$1"
	exit "$2"
}

# launch WORD...: QEMU in the background. A shell gives such a child no input unless told otherwise. QEMU
# makes both ends of `-chardev stdio` non-blocking, which must not reach our own standard output.
launch() {
	if [ -n "$console_is_ours" ]; then
		"$@" <&3 2>"$tmp/qemu" 5>&- &
	elif [ -n "$with_stdin" ]; then
		"$@" <&3 >/dev/null 2>"$tmp/qemu" 5>&- &
	else
		"$@" </dev/null >/dev/null 2>"$tmp/qemu" 5>&- &
	fi
	qemu_pid=$!
}

# run_once: one attempt; sets $qemu_status.
run_once() {
	rm -f "$tmp/stopped"
	[ "$mode" != command ] || printf %s "$command" >"$tmp/command"
	for r_file in console report stdout stderr qemu; do
		: >"$tmp/$r_file" || infra "cannot write to $tmp"
	done
	started=$(now_ms)
	eval "launch $(printf %s "$qemu_words" | tr '\n' ' ')"
	start_copying
	watch &
	watch_pid=$!
	printf "%s\n" "$qemu_pid $daemons $watch_pid $copy_out $copy_err" >"$tmp/pids"
	qemu_status=0
	wait "$qemu_pid" || qemu_status=$?
	qemu_pid=
	ended=$(now_ms)
	kill "$watch_pid" 2>/dev/null
	watch_pid=
	[ -z "$copy_out" ] || wait "$copy_out" "$copy_err" 2>/dev/null
	daemons=
}

# The ports write to files, which take all that comes even while the reader of our output is slow, and of
# which nothing is lost when the guest ends. tail copies them on, and ends after QEMU did.
start_copying() {
	copy_out='' copy_err=''
	[ "$stdio" = virtio ] || return 0
	tail -c +1 -f -s 0.05 --pid="$qemu_pid" "$tmp/stdout" 3<&- 5>&- &
	copy_out=$!
	tail -c +1 -f -s 0.05 --pid="$qemu_pid" "$tmp/stderr" >&2 3<&- 5>&- &
	copy_err=$!
}

# The clocks: until init runs, without any output, in all. It leaves a word in $tmp/stopped.
watch() {
	trap - EXIT INT TERM HUP
	exec 5>&-
	w_start=$(now_ms) w_quiet=$w_start w_size=0 w_booted=
	while sleep 0.3 && kill -0 "$qemu_pid" 2>/dev/null; do
		w_now=$(now_ms)
		w_new=$(cat "$tmp/console" "$tmp/stdout" "$tmp/stderr" "$tmp/report" | wc -c)
		[ "$w_new" = "$w_size" ] || w_quiet=$w_now
		w_size=$w_new
		[ -n "$w_booted" ] || ! grep -q '^@kbuild-guest boot' "$tmp/report" || w_booted=1
		if [ "$mode" = boot ] && w_word=$(boot_word); then
			stop "$w_word"
		elif [ "$mode" != boot ] && [ -z "$w_booted" ] && over "$boot_limit" "$w_start"; then
			stop boot
		elif over "$total_limit" "$w_start"; then
			stop total
		elif [ -n "$w_booted" ] && over "$idle_limit" "$w_quiet"; then
			stop idle
		elif [ "$w_size" -gt "$output_max" ]; then
			stop output
		elif [ -n "$copy_out" ] && ! kill -0 "$copy_out" 2>/dev/null; then
			stop closed
		elif [ "$accel" = kvm ] && kvm_is_dead; then
			stop kvm
		fi
	done
}

# Without a command the console decides: a word when it has, or when the time for it is over.
boot_word() {
	if seen_forbidden; then
		echo forbidden
	elif seen "$expect"; then
		echo seen
	elif over "$boot_limit" "$w_start"; then
		echo late
	else
		return 1
	fi
}

# A KVM that is there and does not work says so, or starts a guest that never says a word.
kvm_is_dead() {
	if grep -Eq "$kvm_broken" "$tmp/qemu"; then
		return 0
	fi
	[ "$asked_accel" = auto ] && [ -z "$gdb" ] && [ "$w_size" -eq 0 ] && over "$kvm_silence" "$w_start"
}

over() {
	[ "$1" -gt 0 ] && [ $((w_now - $2)) -ge $(($1 * 1000)) ]
}

stop() {
	kill -0 "$qemu_pid" 2>/dev/null || exit 0
	echo "$1" >"$tmp/stopped"
	kill "$qemu_pid" 2>/dev/null
	sleep 2
	kill -9 "$qemu_pid" 2>/dev/null
	exit 0
}

# Whether KVM was the trouble, so that another try without it is worth it; sets $why.
kvm_failed() {
	[ "$accel" = kvm ] && [ "$asked_accel" = auto ] && [ ! -s "$tmp/report" ] || return 1
	why=$(grep -Ei -m 1 "$kvm_broken" "$tmp/qemu" | sed 's/^qemu[^:]*: //')
	if [ "$(cat "$tmp/stopped" 2>/dev/null)" = kvm ]; then
		why=${why:-the guest said nothing for $kvm_silence s}
	elif [ "$qemu_status" -eq 0 ]; then
		return 1
	fi
	[ -n "$why" ]
}

run() {
	prepare
	if ! start_daemons; then
		d_text=$(tail -n 1 "$tmp/virtiofsd" 2>/dev/null)
		stop_all
		[ "$asked_fs" = auto ] || infra "$virtiofsd does not start: $d_text"
		why_fs="$virtiofsd does not start (${d_text:-no message})"
		use_9p
		prepare
	fi
	run_once
	kvm_failed || return 0
	stop_all
	use_tcg "$why"
	choose_limits
	prepare
	start_daemons || infra "virtiofsd does not start"
	run_once
	remember_kvm
}

# It is KVM's fault for certain if the same guest lives without it. Remembered until the next start of the
# host, so that not every run loses these seconds; --accel kvm tries all the same.
remember_kvm() {
	[ -s "$tmp/report" ] && own_dir || return 0
	printf '%s\n' "$why" >"$user_dir/kvm-broken"
}

prepare() {
	choose_initrd
	guest_words
	machine_args
}

print_command() {
	prepare
	quote "$tmp"
	printf 'mkdir -p %s &&\n' "$quoted"
	if [ "$initrd" != "$image" ]; then
		quote "$here/share/runvm/init.cpio"
		printf 'cat %s ' "$quoted"
		quote "$image"
		printf '%s ' "$quoted"
		quote "$initrd"
		printf '>%s &&\n' "$quoted"
		quote "$tmp"
	fi
	if [ -n "$command_in_fw_cfg" ] && [ "$mode" = command ]; then
		q_file=$quoted/command
		quote "$command"
		printf 'printf %%s %s >%s &&\n' "$quoted" "$q_file"
	fi
	if [ "$fs" = virtiofs ] && [ "$nshares" -gt 0 ]; then
		printf '# start a virtiofsd for each share before this\n'
	fi
	printf '%s\n' "$qemu_words" | sed -e '$!s/$/ \\/' -e '2,$s/^/	/'
}
