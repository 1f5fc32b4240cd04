# shellcheck shell=sh
# SPDX-License-Identifier: MIT
#
# For the tests of kbuild-fetch, after tests/lib.sh:
#
#	fetch JSON          one request; its lines are in $T_OUT
#	t_fetch NAME JSON   ok if it is answered with a result
#	t_refuses NAME PATTERN JSON
#	                    ok if it is answered with an error that matches, without a result
#	field NAME          a text field of the result in $T_OUT, at any depth
#	serve DIR           a web server for DIR; $URL is its address, $T_SITE its rules:
#	                    further nginx location blocks, read by reserve

KF=$(dirname "$KB")/kbuild-fetch
KBUILD_CACHE=$T/cache
export KBUILD_CACHE
# The machine's mirrors are asked only where a test says so.
unset KBUILD_DEBIAN_MIRROR KBUILD_DEBIAN_SNAPSHOT KBUILD_DEBIAN_KEYRING
unset KBUILD_DEBIAN_ALLOW_EXPIRED KBUILD_KERNEL_MIRROR

fetch() {
	printf '%s' "$1" | "$KF" >"$T_OUT" 2>&1
}

t_fetch() {
	if fetch "$2" && tail -n 1 "$T_OUT" | grep -q '^{"result":'; then
		ok "$1"
		return 0
	fi
	not_ok "$1"
	sed 's/^/#   /' "$T_OUT"
	return 1
}

t_refuses() {
	fetch "$3"
	t_code=$?
	if [ $t_code -eq 1 ] && tail -n 1 "$T_OUT" | grep -q '^{"error":' &&
		tail -n 1 "$T_OUT" | grep -q -e "$2" && ! grep -q '"result"' "$T_OUT"; then
		ok "$1"
		return 0
	fi
	not_ok "$1"
	note "exit code $t_code, expected an error that matches: $2"
	sed 's/^/#   /' "$T_OUT"
	return 1
}

field() {
	tail -n 1 "$T_OUT" | sed -n 's/.*"'"$1"'":"\([^"]*\)".*/\1/p'
}

# Everything below a directory but times: names, kinds, modes, contents.
listing() {
	(cd "$1" && find . -printf '%P %y %m %l\n' | sort && find . -type f -exec sha256sum {} + | sort)
}

nginx_conf() {
	# else the worker becomes nobody, who may not read $T
	[ "$(id -u)" != 0 ] || echo 'user root;'
	cat <<EOT
daemon on;
pid $T/nginx.pid;
error_log $T/nginx.log;
worker_processes 1;
events { worker_connections 64; }
http {
	access_log $T/access.log;
	client_body_temp_path $T/nginx-tmp;
	proxy_temp_path $T/nginx-tmp;
	fastcgi_temp_path $T/nginx-tmp;
	uwsgi_temp_path $T/nginx-tmp;
	scgi_temp_path $T/nginx-tmp;
	server {
		listen 127.0.0.1:$PORT;
		root $T_WWW;
		$(cat "$T_SITE")
	}
}
EOT
}

# The first free port of a few hundred; nginx says when one is taken.
serve() {
	T_WWW=$1
	T_SITE=$T/site.conf
	[ -e "$T_SITE" ] || : >"$T_SITE"
	mkdir -p "$T/nginx-tmp"
	PORT=$((20000 + $$ % 10000))
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		nginx_conf >"$T/nginx.conf"
		if "$NGINX" -c "$T/nginx.conf" -e "$T/nginx.log" 2>/dev/null; then
			# shellcheck disable=SC2034 # for the tests
			URL=http://127.0.0.1:$PORT
			trap 'unserve; t_cleanup' EXIT
			return 0
		fi
		PORT=$((PORT + 7))
	done
	skip_all "nginx does not start: $(tail -n 1 "$T/nginx.log")"
}

unserve() {
	[ -s "$T/nginx.pid" ] && kill "$(cat "$T/nginx.pid")"
	while [ -e "$T/nginx.pid" ]; do sleep 0.05; done
}

# After a change of the rules.
reserve() {
	unserve
	serve "$T_WWW"
}

need_nginx() {
	NGINX=$(command -v nginx || echo /usr/sbin/nginx)
	[ -x "$NGINX" ] || skip_all "nginx is not installed"
}
