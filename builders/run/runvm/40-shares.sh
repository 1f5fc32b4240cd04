# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2034,SC2154
# ---- shares: directories of the host in the guest
#
# Two ways. virtiofs is faster and needs a daemon (virtiofsd) on the host and VIRTIO_FS in the kernel;
# 9p needs neither privilege nor daemon. 9p uses security_model=none: files in the guest keep the modes and
# owners they really have, and what the guest makes belongs to whoever runs QEMU. The model "mapped" would
# hide every mode and symbolic link in extended attributes, "passthrough" works for root only.

add_user_share() {
	user_shares="${user_shares:+$user_shares
}$1"
}

# guest_place DIR: where DIR goes when nothing is said: the same path, unless that is the guest's own.
guest_place() {
	case $1/ in
	// | /bin/* | /dev/* | /etc/* | /init/* | /lib*/* | /modules/* | /proc/* | /run/* | /sbin/* | /sys/* | /usr/* | /nix/*)
		printf /host
		;;
	*) printf %s "$1" ;;
	esac
}

# Relative directories of a recipe are beside the recipe. runvm lies in the store, so it asks how it was
# called: KBUILD_RECIPE_DIR, else the directory that holds the link `result`, else the current one.
recipe_dir() {
	if [ -n "${KBUILD_RECIPE_DIR-}" ]; then
		printf %s "$KBUILD_RECIPE_DIR"
		return
	fi
	d_dir=$(dirname -- "$0")
	while [ "$d_dir" != / ] && [ "$d_dir" != . ]; do
		if [ "${d_dir##*/}" = result ]; then
			dirname -- "$d_dir"
			return
		fi
		d_dir=$(dirname -- "$d_dir")
	done
	pwd
}

# collect_shares: sets $shares to lines FSTYPE TAB HOST TAB GUEST TAB MODE (the type still open).
collect_shares() {
	shares='' nshares=0
	while IFS= read -r c_line; do
		[ -n "$c_line" ] || continue
		c_guest=${c_line%%=*}
		split_mode "${c_line#*=}"
		case $c_host in
		store) c_host=$store c_mode=ro ;;
		/*) ;;
		*) c_host=$(recipe_dir)/$c_host ;;
		esac
		add_share "$c_host" "$c_guest" "$c_mode"
	done <<END
$recipe_shares
END
	while IFS= read -r c_line; do
		[ -n "$c_line" ] || continue
		split_mode "$c_line"
		c_guest=
		case $c_host in
		*:*) c_guest=${c_host#*:} c_host=${c_host%%:*} ;;
		esac
		add_share "$c_host" "$c_guest" "$c_mode"
	done <<END
$user_shares
END
	guest_cwd=
	if [ -n "$cwd" ]; then
		guest_cwd=$(guest_place "$(pwd)")
		add_share "$(pwd)" "$guest_cwd" rw
	fi
}

split_mode() {
	c_host=$1 c_mode=rw
	case $1 in
	*:ro | *:rw) c_host=${1%:*} c_mode=${1##*:} ;;
	*:overlay) c_host=${1%:overlay} c_mode=overlay ;;
	esac
}

add_share() {
	[ -d "$1" ] || usage_error "share: no directory '$1'"
	s_host=$(readlink -f -- "$1")
	s_guest=${2:-$(guest_place "$s_host")}
	case $s_guest in
	/?*) ;;
	*) usage_error "share: '$s_guest' is not an absolute path of the guest (HOST:GUEST[:ro|:overlay])" ;;
	esac
	[ "$3" != overlay ] || [ -n "$has_overlay" ] ||
		infra "the kernel has no OVERLAY_FS, so '$1' cannot be shared as overlay" \
			"kernel.config.set: {OVERLAY_FS: y}"
	shares="${shares}$s_host$tab$s_guest$tab$3$newline"
	nshares=$((nshares + 1))
}

# One way for all shares of a run: virtiofs if all of it is there, else 9p; says why.
choose_fs() {
	why_fs=
	[ "$nshares" -gt 0 ] || return 0
	find_virtiofsd
	if [ "$fs" = 9p ]; then
		why_fs='--fs 9p'
	elif [ -z "$has_virtiofs" ]; then
		why_fs='the kernel has no VIRTIO_FS'
	elif [ -z "$virtiofsd" ]; then
		why_fs='the host has no virtiofsd'
	elif [ -z "$virtiofsd_unprivileged" ] && [ "$(id -u)" != 0 ]; then
		why_fs="$virtiofsd needs root"
	elif [ -z "$virtiofsd_readonly" ] && printf %s "$shares" | grep -Eq "$tab(ro|overlay)\$"; then
		why_fs="$virtiofsd cannot share read-only"
	else
		fs=virtiofs
		detail "directories are shared by virtiofs: the kernel has VIRTIO_FS, the host $virtiofsd"
		return 0
	fi
	[ "$fs" != virtiofs ] || infra "virtiofs cannot be used: $why_fs" "--fs auto uses 9p then"
	use_9p
}

use_9p() {
	fs=9p
	[ -n "$has_9p" ] ||
		infra "directories cannot be shared: $why_fs, and it has no 9p" \
			"kernel.config.set: {NET_9P: y, NET_9P_VIRTIO: y, 9P_FS: y}"
	detail "directories are shared by 9p: $why_fs"
}

# The daemon in C (QEMU 7.2 and older) needs root; the one in Rust does not, and knows --readonly.
find_virtiofsd() {
	virtiofsd='' virtiofsd_unprivileged='' virtiofsd_readonly=''
	for f_path in "$(command -v virtiofsd)" /usr/libexec/virtiofsd /usr/lib/qemu/virtiofsd; do
		[ -x "$f_path" ] || continue
		virtiofsd=$f_path
		f_help=$("$f_path" --help 2>&1)
		case $f_help in
		*--shared-dir*) virtiofsd_unprivileged=1 ;;
		esac
		case $f_help in
		*--readonly*) virtiofsd_readonly=1 ;;
		esac
		return
	done
}

share_args() {
	[ "$nshares" -gt 0 ] || return 0
	if [ "$fs" = virtiofs ]; then
		arg -object "memory-backend-memfd,id=ram,size=$memory,share=on"
		arg -machine memory-backend=ram
	fi
	n=0
	while IFS=$tab read -r s_host s_guest s_mode; do
		[ -n "$s_host" ] || continue
		if [ "$fs" = virtiofs ]; then
			arg -chardev "socket,id=share$n,path=$(comma "$tmp/share$n")"
			arg -device "vhost-user-fs-$bus,chardev=share$n,tag=share$n"
		else
			s_ro=
			[ "$s_mode" = rw ] || s_ro=,readonly=on
			arg -fsdev "local,id=share$n,path=$(comma "$s_host"),security_model=none,multidevs=remap$s_ro"
			arg -device "virtio-9p-$bus,fsdev=share$n,mount_tag=share$n"
		fi
		n=$((n + 1))
	done <<END
$shares
END
}

share_words() {
	n=0
	while IFS=$tab read -r s_host s_guest s_mode; do
		[ -n "$s_host" ] || continue
		printf ' kbuild.share=%s:share%d:%s:%s' "$fs" $n "$(encode "$s_guest")" "$s_mode"
		n=$((n + 1))
	done <<END
$shares
END
}

# start_daemons: one virtiofsd a share; fails if one does not come up. A daemon ends with its QEMU.
start_daemons() {
	daemons=
	[ "$fs" = virtiofs ] && [ "$nshares" -gt 0 ] || return 0
	n=0
	while IFS=$tab read -r s_host s_guest s_mode; do
		[ -n "$s_host" ] || continue
		start_daemon "$tmp/share$n" || return 1
		n=$((n + 1))
	done <<END
$shares
END
}

start_daemon() {
	if [ -n "$virtiofsd_unprivileged" ]; then
		set -- --socket-path "$1" --shared-dir "$s_host"
		[ "$(id -u)" = 0 ] || set -- "$@" --sandbox none
		[ "$s_mode" = rw ] || set -- "$@" --readonly
		d_socket=$2
	else
		set -- --socket-path="$1" -o "source=$s_host" -o sandbox=namespace
		d_socket=${1#*=}
	fi
	"$virtiofsd" "$@" </dev/null >>"$tmp/virtiofsd" 2>&1 5>&- &
	daemons="$daemons $!"
	d_try=0
	until [ -S "$d_socket" ]; do
		kill -0 $! 2>/dev/null && [ $d_try -lt 100 ] || return 1
		sleep 0.02
		d_try=$((d_try + 1))
	done
}
