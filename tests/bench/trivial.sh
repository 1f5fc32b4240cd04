# shellcheck shell=sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # KB, T and top come from run.sh
# 100 builds that do nothing but make their output, one at a time: what is ours above bwrap.
n=100
one="$T/trivial.yaml"
{
	echo 'kbuild: 1'
	echo 'steps:'
	for i in $(seq $n); do
		echo "  t$i: {builder: $top/tests/data/script, options: {script: \"echo $i SALT >\$out\"}}"
	done
} >"$T/trivial.in"
cp "$top/examples/hello/recipe.lock" "$T/trivial.lock"
"$KB" realize "$top/examples/hello/recipe.yaml#toolchain" >"$T/toolchain" 2>/dev/null
tc=$(cat "$T/toolchain")

# A new text each time, so that nothing is known.
cat >"$T/trivial.sh" <<END
#!/bin/sh
sed "s/SALT/\$(date +%s%N)/" "$T/trivial.in" >"$one"
exec "$KB" realize --no-link --quiet -j1 "$one"
END
cat >"$T/noop-trivial.sh" <<END
#!/bin/sh
sed "s/SALT/same/" "$T/trivial.in" >"$one"
exec "$KB" realize --no-link --quiet -j1 "$one"
END
# The same command in bwrap alone, with the flags of a build.
cat >"$T/bare.sh" <<END
#!/bin/sh
mkdir -p "$T/b" "$T/s"
for i in \$(seq $n); do
	bwrap --unshare-all --die-with-parent --new-session --cap-drop ALL --uid 1000 --gid 1000 \\
		--ro-bind "$tc/usr" /usr --ro-bind "$tc/etc" /etc --symlink usr/bin /bin --symlink usr/lib /lib \\
		--symlink usr/lib64 /lib64 --proc /proc --dev /dev --tmpfs /tmp --bind "$T/b" /build \\
		--bind "$T/s" /nix/store --remount-ro / --chdir /build --clearenv \\
		/bin/sh -c 'echo 1 >/nix/store/out'
done
END
cat >"$T/trivial.nix" <<'END'
let salt = builtins.readFile ./salt;
in builtins.genList (i: derivation {
  name = "t${toString i}"; system = builtins.currentSystem; builder = "/bin/sh";
  args = [ "-c" "echo ${toString i} ${salt} > $out" ];
}) 100
END
cat >"$T/trivial-nix.sh" <<END
#!/bin/sh
date +%s%N | tr -d '\n' >"$T/salt"
exec nix-build -j1 --no-out-link "$T/trivial.nix"
END
chmod +x "$T/trivial.sh" "$T/noop-trivial.sh" "$T/bare.sh" "$T/trivial-nix.sh"
measure trivial-kbuild 5 "$T/trivial.sh"
measure trivial-bare 5 "$T/bare.sh"
measure trivial-nix 3 "$T/trivial-nix.sh"
per() { awk -v a="$(median "$1")" -v n=$n 'BEGIN { print a / n }'; }
row 'one trivial sandboxed build' "$(per trivial-kbuild)" "$(per trivial-bare)" 'bwrap alone' '< 10 ms above bwrap'
row 'one trivial build' "$(per trivial-kbuild)" "$(per trivial-nix)" 'Nix, not sandboxed' ''
