#!/bin/sh
# SPDX-License-Identifier: MIT
# What is said while something is built: a live line on a terminal, a plain line now and then
# without one, nothing when asked for. S1-10 S2-08 S2-33
# shellcheck disable=SC2016 # for the builder's shell
. "$(dirname "$0")/../lib.sh"
need bwrap script
t_shared
t_toolchain_lock "$T/it.lock" || { not_ok 'the toolchain can be locked'; done_testing; }
cd "$T" || exit 1
salt=$$-$(date +%s)
esc=$(printf '\033')
TERM=xterm
export TERM

# A build of four objects in a step of its own, so that its history is its own, too.
recipe() {
	cat <<END
kbuild: 1
steps:
  progress-$salt:
    builder: $T_TOP/tests/data/script
    options:
      script: |
        echo $1
        for n in 1 2 3 4; do echo "  CC      dir/file\$n.o"; sleep 0.5; done
        echo $salt-$1 >\$out
END
}
# on_terminal OPTIONS: realizes it with standard error on a terminal.
on_terminal() {
	script -qec "'$KB' realize --locked --no-link $* it.yaml" /dev/null </dev/null 2>&1 | tr '\r' '\n' >screen
}

# The long one goes on beside the others.
mkdir long
cp it.lock long/
t_script_recipe long/it.yaml "echo a word; sleep 32; echo $salt >\$out"
"$KB" realize --locked --no-link long/it.yaml >long/out 2>long/err &
long=$!

recipe one >it.yaml
on_terminal
t_has 'a terminal has a live line, which is drawn again' screen "$esc\[1A$esc\[J.*progress-$salt"
t_has 'with objects and time' screen "progress-$salt  *build  [0-9] objects  0:0[0-9]"
t_hasnt 'the first time nobody knows how many' screen '/4 objects'
t_has 'in the end a plain line stays' screen "^[^ ]*progress-$salt: built in"
recipe two >it.yaml
on_terminal
t_has 'the second time it is known' screen "[1-4]/4 objects"
t_has 'and how long it will take' screen "/4 objects  0:0[0-9], 0:0[0-9] left"
t_hasnt 'until there is nothing left' screen '4/4 objects.*left'
recipe three >it.yaml
on_terminal --verbose
t_has '--verbose shows what the builder says' screen 'CC *dir/file3.o'
recipe four >it.yaml
on_terminal --quiet
t_is '--quiet shows results only' "$KBUILD_ROOT" "$(sed 's,/nix/store/.*,,' screen)"

recipe five >it.yaml
"$KB" realize --locked --no-link it.yaml >out 2>err
t_hasnt 'a file gets no escape codes' err "$esc"
t_is 'but a line when it starts and when it ends' 2 "$(grep -c "^progress-$salt: " err)"
recipe six >it.yaml
TERM=dumb on_terminal
t_hasnt 'nor does a terminal that cannot' screen "$esc\[J"
recipe seven >it.yaml
"$KB" realize --locked --no-link --quiet it.yaml >out 2>err
t_is '--quiet without a terminal' '' "$(cat err)"
recipe eight >it.yaml
"$KB" realize --locked --no-link --verbose it.yaml >out 2>err
t_has '--verbose without a terminal' err 'CC *dir/file3.o'
t_run 'the log is kept, however quiet it was' "$KB" log "it.yaml#progress-$salt"
t_has 'as a whole' "$T_OUT" 'CC *dir/file4.o'

wait $long
t_is 'a build of half a minute' 0 $?
t_is 'says within half a minute that it lives' 3 "$(grep -c '^it' long/err)" || note "$(cat long/err)"
t_has 'and for how long' long/err '^it .*0:3[0-9]'
done_testing
