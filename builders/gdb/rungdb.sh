# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2034,SC2154

help() {
	cat <<END
rungdb: attach gdb to a machine started by \`runvm --gdb\`, with the symbols and sources of its kernel
and of the recipe's modules, loaded already or later.

  rungdb [OPTION...] [GDB ARGUMENT...]

options
  --target PORT|SOCKET|HOST:PORT   where the machine listens (runvm --gdb=PORT); default: the socket of this build
  --wait            wait for a machine to listen, at most a minute
  --no-target       only load symbols, attach to nothing
  --gdb PROGRAM     another gdb
  --print           print the gdb command
  --help
Everything else goes to gdb: --batch, -ex COMMAND, -x FILE, -tui ...

in gdb
  break hello_init          also before the module is loaded
  kbuild-symbols            look again for loaded modules, list them
  lx-dmesg, lx-ps ...       the kernel's own commands (GDB_SCRIPTS)

examples
  runvm --gdb --wait -- insmod /modules/hello.ko      and in another terminal
  rungdb -ex 'break hello_init' -ex continue
  rungdb --batch -ex bt
END
}

fail() {
	printf 'rungdb: %s\n' "$1" >&2
	[ -z "${2-}" ] || printf 'rungdb: hint: %s\n' "$2" >&2
	exit "${3-1}"
}

physical() {
	[ -z "$1" ] || printf '%s/%s' "$store" "${1#/nix/store/}"
}

# The same name as runvm's: the user's directory, the store object of the run step.
default_socket() {
	s_id=${run#/nix/store/}
	printf '%s/gdb-%s' "${XDG_RUNTIME_DIR:-/tmp}/kbuild-$(id -u)" "${s_id%%-*}"
}

choose_gdb() {
	if [ -z "$gdb" ]; then
		gdb=gdb
		case $(uname -m)/$arch in
		x86_64/x86_64 | aarch64/arm64 | riscv64/riscv64) ;;
		*) gdb="gdb-multiarch" ;;
		esac
	fi
	[ -n "$print" ] || command -v "$gdb" >/dev/null ||
		fail "$gdb is not installed" "on Debian and Ubuntu: apt install ${gdb##*/}" 125
}

# A socket file of a machine that is gone is no machine.
check_target() {
	case $target in
	'' | *:*) return 0 ;;
	esac
	c_try=0
	while [ -n "$wait" ] && ! [ -S "$target" ] && [ $c_try -lt 600 ]; do
		[ $c_try -gt 0 ] || printf 'rungdb: waiting for a machine on %s\n' "$target" >&2
		sleep 0.1
		c_try=$((c_try + 1))
	done
	[ ! -S "$target" ] || [ ! -f "$target.pid" ] || kill -0 "$(cat "$target.pid")" 2>/dev/null ||
		fail "the machine of $target is gone" "start it with: runvm --gdb"
	[ -S "$target" ] || fail "no machine listens on $target" "$(what_else)"
}

what_else() {
	for w_socket in "${target%/*}"/gdb-*; do
		if [ -S "$w_socket" ] && [ "$w_socket" != "$target" ]; then
			printf 'a machine of another build listens; attach with: rungdb --target %s' "$w_socket"
			return
		fi
	done
	printf 'start it with: runvm --gdb'
}

module_lines() {
	printf '%s\n' "$modules" | while IFS='	' read -r m_name m_debug m_source; do
		[ -z "$m_name" ] || printf '%s\t%s\t%s\n' "$m_name" "$(physical "$m_debug")" "$(physical "$m_source")"
	done
}

main() {
	gdb='' print='' target=$(default_socket)
	# Arguments of gdb are kept by turning the list once around.
	n=$#
	while [ "$n" -gt 0 ]; do
		word=$1
		shift
		n=$((n - 1))
		case $word in
		--help | -h) help && exit 0 ;;
		--print) print=1 ;;
		--wait) wait=1 ;;
		--no-target) target='' ;;
		--target | --gdb)
			[ "$n" -gt 0 ] || fail "$word needs a value" '' 2
			[ "$word" != --target ] || target=$1
			[ "$word" != --gdb ] || gdb=$1
			shift
			n=$((n - 1))
			;;
		--target=*) target=${word#*=} ;;
		--gdb=*) gdb=${word#*=} ;;
		*) set -- "$@" "$word" ;;
		esac
	done
	case $target in
	'' | *[!0-9]*) ;;
	*) target=127.0.0.1:$target ;;
	esac
	choose_gdb
	vmlinux=$(physical "$kernel_debug")/vmlinux
	[ -f "$vmlinux" ] || fail "there is no $vmlinux" "the kernel's debug output was not built or not copied" 125
	if [ -n "$print" ] || "$gdb" --configuration 2>/dev/null | grep -q -e '--with-python'; then
		set -- -x "$here/share/rungdb/kbuild.py" "$@"
	else
		# There are still the kernel's symbols and sources.
		printf 'rungdb: this %s has no Python: no symbols of modules, no lx- commands\n' "$gdb" >&2
		set -- -ex "target remote $target" "$vmlinux" "$@"
		[ -z "$kernel_source" ] || set -- -ex "set substitute-path /src/source $(physical "$kernel_source")" "$@"
	fi
	set -- "$gdb" -q -iex "set auto-load python-scripts off" "$@"
	RUNGDB_VMLINUX=$vmlinux
	RUNGDB_SOURCE=$(physical "$kernel_source")
	RUNGDB_MODULES=$(module_lines)
	RUNGDB_TARGET=$target
	RUNGDB_BREAKS=$breaks
	RUNGDB_COMMANDS=$commands
	export RUNGDB_VMLINUX RUNGDB_SOURCE RUNGDB_MODULES RUNGDB_TARGET RUNGDB_BREAKS RUNGDB_COMMANDS
	if [ -n "$print" ]; then
		print_command "$@"
	else
		check_target
		exec "$@"
	fi
}

print_command() {
	for p_name in VMLINUX SOURCE MODULES TARGET BREAKS COMMANDS; do
		printf 'RUNGDB_%s=%s \\\n' "$p_name" "$(quoted "$(printenv "RUNGDB_$p_name")")"
	done
	for p_word; do
		printf '%s ' "$(quoted "$p_word")"
	done
	printf '\n'
}

quoted() {
	printf "'%s'" "$(printf %s "$1" | sed "s/'/'\\\\''/g")"
}

self=$(readlink -f -- "$0")
here=${self%/bin/*}
case $self in
*/nix/store/*) store=${self%/nix/store/*}/nix/store ;;
*) fail "$self lies in no store" "run it where it is, or through a link" 125 ;;
esac

main "$@"
