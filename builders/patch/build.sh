# SPDX-License-Identifier: MIT
# Applies patches exactly: a patch whose context does not match is refused, not bent.

configure() {
	cp -a --reflink=auto /src/source "$out"
	find "$out" -type d ! -perm -200 -exec chmod u+w {} +
}

build() {
	for input in $inputs; do
		case $input in
		patch_*) apply "$input" ;;
		esac
	done
}

apply() {
	echo "applying $(input_name "$1")"
	if grep -q '^GIT binary patch$' "/src/$1"; then
		die "$(input_name "$1"): binary patches are not supported"
	fi
	patch -d "$out" -p"$opt_strip" --fuzz=0 --batch --forward --no-backup-if-mismatch \
		--reject-file=/build/rejects <"/src/$1" >patch.log 2>&1 || show_reject "$(input_name "$1")"
	cat patch.log
}

# show_reject NAME: the first place that does not fit, then everything patch said.
show_reject() {
	place=$(awk '
		/^(patching|checking) file / { file = $3; gsub(/\047/, "", file) }
		/^Hunk #[0-9]+ FAILED at / { print file ":" $5 + 0 ": hunk " substr($2, 2) " does not apply"; exit }
		/^Reversed \(or previously applied\)/ { print file ": already applied, or reversed"; exit }
		/^can.t find file to patch/ { lost = 1 }
		lost && /^\|\+\+\+ / { print $2 ": no such file in the source"; exit }
	' patch.log)
	cat patch.log
	[ ! -f rejects ] || cat rejects
	die "$1: ${place:-does not apply}"
}
