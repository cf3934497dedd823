#!/bin/bash
# The tests under sanitizers, with nothing suppressed; ends with `N passed, N failed, N skipped`.
#
# tests/sanitize.sh [asan|tsan]... [-- CHOICE...]     CHOICE as in tests/run.sh
#   asan  address and undefined behaviour: units, fuzz corpora, parity, mounts
#   tsan  threads: units, mounts
# A file of the mount suite with a line that begins with `# not sanitized:` is left out. REGISTRY_KIND
# as in tests/mount/lib.bash.
set -u
cd "$(dirname "$0")/.." || exit 1

# Without address randomization: the thread sanitizer's map of memory knows few layouts.
fixed=(setarch -R)
"${fixed[@]}" true 2>/dev/null || fixed=()
export CHARTFS_SANITIZED=1
export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1
export UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=second_deadlock_stack=1
export PEERS=${PEERS:-$PWD/.build/peers}
passed=0 failed=0 skipped=0

# The system's roots are OpenSSL's to read; under tsan they cost every client two seconds.
export TEST_ROOTS=$PWD/.build/roots
mkdir -p "$TEST_ROOTS/none"
python3 tests/registry/certificates.py "$TEST_ROOTS" localhost
export SSL_CERT_FILE=$TEST_ROOTS/ca.pem SSL_CERT_DIR=$TEST_ROOTS/none

mounts() {
	grep -L '^# not sanitized:' tests/mount/*.bats
	grep -H '^# not sanitized:' tests/mount/*.bats >&2
}

add() { # PASSED FAILED SKIPPED
	passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
}

# run BUILD SANITIZERS CHOICE...
run() {
	local build=.build/$1 sanitizers=$2 sum
	shift 2
	if ! make --no-print-directory -s -j"$(nproc)" B="$build" SAN="$sanitizers" CFLAGS='-O1 -g' \
		test-programs >"$build.log" 2>&1; then
		cat "$build.log"
		echo "# $build cannot be built"
		add 0 1 0
		return
	fi
	echo "# $sanitizers"
	"${fixed[@]}" tests/run.sh -b "$build" "$@" | tee "$build/run.log"
	read -r -a sum < <(grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$build/run.log" | tail -1 | tr -dc '0-9 \n')
	if [ ${#sum[@]} = 3 ]; then
		add "${sum[@]}"
	else
		add 0 1 0
	fi
}

kinds=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
	kinds+=("$1")
	shift
done
[ ${#kinds[@]} -gt 0 ] || kinds=(asan tsan)
[ $# -eq 0 ] || shift
for kind in "${kinds[@]}"; do
	case $kind in
	asan)
		[ $# -gt 0 ] || mapfile -t choice < <(echo units; echo fuzz; echo parity; mounts)
		run asan address,undefined "${@:-${choice[@]}}"
		;;
	tsan)
		[ $# -gt 0 ] || mapfile -t choice < <(echo units; mounts)
		run tsan thread "${@:-${choice[@]}}"
		;;
	*) echo "sanitize: \"$kind\" is neither asan nor tsan" && exit 2 ;;
	esac
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
