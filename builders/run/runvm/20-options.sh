# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2034,SC2154
# ---- options

help() {
	cat <<END
runvm: boot the kernel and initramfs of this build in QEMU, unprivileged.

  runvm                      a shell on the serial console (Ctrl-a x ends it, Ctrl-a c: monitor)
  runvm -- CMD [ARG...]      run CMD in the guest, return its code; one word is shell text
  runvm --test               run the recipe's run.test; without one, boot until the console shows run.expect

options
  --gdb[=PORT|SOCKET]        let a debugger attach (rungdb); default: a socket of this user
  --wait                     as --gdb, and do not start the guest before the debugger says so
  --memory SIZE, --smp N     other than the recipe's ($memory, $smp)
  --append WORDS             more words for the kernel command line
  --share HOST[:GUEST[:ro|:overlay]]   a directory of the host in the guest (repeatable)
  --cwd                      share the current directory and start there
  --fs auto|virtiofs|9p      how directories are shared
  --env NAME=VALUE           environment of CMD (repeatable)
  --net none|user|bridge=BR  network
  --port HOST:GUEST          a TCP port of this machine that leads to the guest's, with --net user (repeatable)
  --accel auto|kvm|tcg       --no-kvm is short for --accel tcg
  --tty                      give CMD the console as its terminal
  --no-stdin                 CMD reads nothing, even if standard input is a pipe
  --timeout TIME             limit for all of it, exactly (90, 90s, 5m, none)
  --timeout-boot TIME, --timeout-idle TIME   until init runs; without any output
  --expect REGEX             output or console must match, else code 120
  --forbid REGEX             neither may match, else code 120 (repeatable)
  --log FILE                 keep the console log
  --print                    print the QEMU command instead of running it
  --verbose, -q, --help

exit codes
  0..119 of CMD (above 119: 119)   120 expectation not met   121 oops or BUG   122 panic
  123 hang during boot   124 time limit   125 QEMU or host   2 usage

examples
  runvm -- cat /proc/version | wc -c
  runvm -- 'insmod /modules/hello.ko && dmesg | tail -1'
  runvm --cwd -- ./selftest --all
  runvm --gdb --wait -- insmod /modules/hello.ko      and in another terminal: rungdb
END
}

set_defaults() {
	expect=''
	quiet='' verbose='' mode=shell command='' gdb='' gdb_wait='' print='' log=''
	cwd='' tty='' no_stdin='' user_append='' user_shares='' user_env='' fs=auto
	limit_boot='' limit_idle='' limit_total=''
}

# take_value NAME NEXT...: the value of an option, from --name=value or the next word.
take_value() {
	if [ -n "$inline" ]; then
		used=0
		return
	fi
	[ $# -ge 2 ] || usage_error "$1 needs a value"
	value=$2
	used=1
}

take_seconds() {
	seconds "$value" || usage_error "$opt: '$value' is not a time (examples: 90, 90s, 5m, none)"
}

parse_options() {
	while [ $# -gt 0 ]; do
		opt=$1 inline='' value='' used=0
		shift
		case $opt in
		--) parse_command "$@" && return ;;
		--*=*)
			value=${opt#*=} opt=${opt%%=*} inline=1
			;;
		esac
		case $opt in
		--memory | --smp | --append | --share | --accel | --net | --port | --log | --timeout | --expect | \
			--timeout-boot | --timeout-idle | --fs | --env | --forbid)
			take_value "$opt" "$@"
			shift $used
			set_option
			;;
		--gdb) gdb=${value:-default} gdb_wait=${gdb_wait:-$wait_for_gdb} ;;
		*) set_flag ;;
		esac
	done
}

set_flag() {
	[ -z "$inline" ] || usage_error "'$opt' takes no value, or is no option"
	case $opt in
	--test) mode="test" ;;
	--wait) gdb=${gdb:-default} gdb_wait=1 ;;
	--print) print=1 ;;
	--cwd) cwd=1 ;;
	--tty) tty=1 ;;
	--no-stdin) no_stdin=1 ;;
	--no-kvm) accel=tcg ;;
	--verbose) verbose=1 ;;
	-q | --quiet) quiet=1 ;;
	-h | --help) help && exit 0 ;;
	-*) usage_error "unknown option '$opt'" ;;
	*) usage_error "unexpected word '$opt'; a command for the guest goes after --" ;;
	esac
}

set_option() {
	case $opt in
	--memory)
		case $value in
		'' | *[!0-9KMGT]* | [!0-9]* | *[KMGT]?* | *[0-9]) usage_error "--memory: '$value' is not a size (512M, 2G)" ;;
		esac
		memory=$value
		;;
	--smp)
		case $value in
		'' | *[!0-9]* | 0*) usage_error "--smp: '$value' is not a number of CPUs" ;;
		esac
		smp=$value
		;;
	--append) user_append="$user_append $value" ;;
	--share) add_user_share "$value" ;;
	--accel)
		case $value in
		auto | kvm | tcg) accel=$value ;;
		*) usage_error "--accel: '$value' is none of auto, kvm, tcg" ;;
		esac
		;;
	--fs)
		case $value in
		auto | virtiofs | 9p) fs=$value ;;
		*) usage_error "--fs: '$value' is none of auto, virtiofs, 9p" ;;
		esac
		;;
	--env)
		case $value in
		[A-Za-z_]*=*) user_env="$user_env kbuild.env=$(encode "${value%%=*}")=$(encode "${value#*=}")" ;;
		*) usage_error "--env: '$value' is not NAME=VALUE" ;;
		esac
		;;
	--net) net=$value ;;
	--port) add_port "$value" ;;
	--log) log=$value ;;
	--timeout) take_seconds && limit_total=$seconds ;;
	--timeout-boot) take_seconds && limit_boot=$seconds ;;
	--timeout-idle) take_seconds && limit_idle=$seconds ;;
	--expect) expect=$value ;;
	--forbid)
		forbid="${forbid:+$forbid
}$value"
		;;
	esac
}

# add_port HOST:GUEST
add_port() {
	for p_number in "${1%%:*}" "${1#*:}"; do
		case $p_number in
		'' | *[!0-9]* | 0* | ??????*) usage_error "--port: '$1' is not HOST:GUEST (2222:22)" ;;
		esac
		[ "$p_number" -le 65535 ] || usage_error "--port: '$p_number' is no port"
	done
	ports="${ports:+$ports
}$1"
}

# parse_command WORD...: one word is shell text, several are an argument vector.
parse_command() {
	[ $# -gt 0 ] || usage_error "no command after --"
	mode="command"
	if [ $# -eq 1 ]; then
		command=$1
		return
	fi
	command=
	for word; do
		quote "$word"
		command="${command:+$command }$quoted"
	done
}

check_options() {
	if [ "$mode" = test ]; then
		: "${expect:=$recipe_expect}"
		choose_test
	fi
	# An archive that is not ours boots as it is, unless a command is to be run.
	own_init=
	case $mode in
	shell | boot) own_init=$foreign ;;
	esac
	case $net in
	none | user | bridge=?*) ;;
	*) usage_error "--net: '$net' is none of none, user, bridge=NAME" ;;
	esac
	[ -z "$ports" ] || [ "$net" != none ] || net=user
	[ -z "$ports" ] || [ "$net" = user ] || usage_error "--port: ports lead to the guest only with --net user"
	[ -z "$tty" ] || [ "$mode" != shell ] || usage_error "--tty needs a command"
	for pattern in "$expect" "$forbid"; do
		[ -z "$pattern" ] || check_regex "$pattern"
	done
	# The guest's console is the terminal of the user in these modes.
	console_is_ours=
	if [ "$mode" = shell ] || [ -n "$tty" ]; then
		console_is_ours=1
	fi
}

choose_test() {
	command_file=$here/share/runvm/test
	if [ -f "$command_file" ]; then
		command=$(cat "$command_file")
	elif [ -n "$expect" ]; then
		mode=boot
	else
		usage_error "the recipe has neither run.test nor run.expect"
	fi
}

check_regex() {
	r_status=0
	printf x | grep -Eq -e "$1" 2>/dev/null || r_status=$?
	[ $r_status -le 1 ] || usage_error "'$1' is not an extended regular expression"
}
