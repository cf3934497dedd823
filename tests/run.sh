#!/bin/bash
# Runs the tests and ends with the line `N passed, N failed, N skipped`.
#
# tests/run.sh [-b BUILD] [-j JOBS] [-t SECONDS] [units|fuzz|parity|mount|FILE...]
#   -b  the folder of the build to test (.build)       -j  files at a time (the processors and one)
#   -t  how long one file may take (900)
# Without a choice: all. A FILE is a program of BUILD/unit or a tests/mount/*.bats; a replay is
# named fuzz/HARNESS. Nothing is ever tried twice. A file of the mount suite with a line that
# begins with `# alone:` runs while no other does. The full output is in BUILD/tests/.
set -u
cd "$(dirname "$0")/.." || exit 1

build=.build jobs=$(($(nproc) + 1)) limit=900
while getopts b:j:t: option; do
	case $option in
	b) build=$OPTARG ;;
	j) jobs=$OPTARG ;;
	t) limit=$OPTARG ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))

# Where no zot is, that is said and counts as one that was skipped.
if [ "${REGISTRY_KIND:-}" = zot ] && ! command -v "${ZOT:-zot}" >/dev/null; then
	[ -z "${ZOT:-}" ] || { echo "ZOT=$ZOT is no program"; exit 1; }
	echo "SKIPPED is the suite over zot: there is none on PATH, and ZOT= names none"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
fi

logs=$PWD/$build/tests
scratch=$(mktemp -d "${TMPDIR:-/tmp}/chartfs.XXXXXX") || exit 1
# For what registries keep: they sync every file, and their disk is not what is tested.
memory=
room_kb=$(df -k --output=avail /dev/shm 2>/dev/null | tail -1)
[ "${room_kb:-0}" -lt $((4 << 20)) ] || memory=$(mktemp -d /dev/shm/chartfs.XXXXXX) || exit 1
mkdir -p "$logs"
export CHARTFS=${CHARTFS:-$PWD/$build/chartfs}
export PEERS=${PEERS:-$PWD/.build/peers}
# What Python compiles is kept for the run, beside the source tree; with the prefix set and nothing
# written it would compile its own library too, at every start.
export PYTHONPYCACHEPREFIX=$scratch/pycache
unset PYTHONDONTWRITEBYTECODE
# The interpreter itself, not the script of a version manager that finds it: it is started often.
PATH=$(python3 -c 'import os, sys; print(os.path.dirname(sys.executable))'):$PATH
passed=0 failed=0 skipped=0
declare -A running=()

units() {
	local source
	for source in tests/unit/*-*.c; do
		echo "unit $build/unit/$(basename "$source" .c)"
	done
}

replays() {
	local corpus
	for corpus in tests/fuzz/corpus/*/; do
		[ ! -d "$corpus" ] || echo "fuzz $(basename "$corpus")"
	done
}

mounts() {
	local file
	for file in tests/mount/*.bats; do
		case ${REGISTRY_KIND:-distribution-2} in
		distribution-2) echo "mount $file" ;;
		# Others for the files that start one: the rest have scripted registries of their own.
		# Parity is a matter of what is sent, not of who takes it.
		*) ! grep -qE 'start_(token_)?registry' "$file" || [ "${file##*/}" = parity.bats ] ||
			echo "mount $file" ;;
		esac
	done
}

chosen() { # what the arguments mean, one a line: KIND FILE
	local choice
	[ $# -gt 0 ] || set -- units fuzz parity mount
	for choice in "$@"; do
		case $choice in
		units) units ;;
		fuzz) replays ;;
		parity) echo "parity tests/parity/pinned.py" ;;
		mount) mounts ;;
		fuzz/*) echo "fuzz ${choice#fuzz/}" ;;
		*.bats) echo "mount $choice" ;;
		*) echo "unit $choice" ;;
		esac
	done
}

replay() { # HARNESS: its corpus, as one test
	if timeout "$limit" "$build/fuzz/$1" tests/fuzz/corpus/"$1"/*; then
		echo "ok 1 - the corpus of $1"
	else
		echo "not ok 1 - the corpus of $1 (status $?)"
	fi
	echo "1..1"
}

run_file() { # KIND FILE, in a folder for temporary files of its own: $TMPDIR
	case $1 in
	unit) timeout -k 30 "$limit" prove -v --merge "$2" ;;
	fuzz) replay "$2" ;;
	parity) timeout -k 30 "$limit" python3 "$2" "$build" ;;
	mount) timeout -k 30 "$limit" bats --tap --timing --print-output-on-failure "$2" ;;
	esac
}

# Also what a daemon in the background has to say is heard then.
sanitizers_report_to() { # PREFIX of files
	[ -n "${CHARTFS_SANITIZED:-}" ] || return 0
	export ASAN_OPTIONS=${ASAN_OPTIONS:-}:log_path=$1 TSAN_OPTIONS=${TSAN_OPTIONS:-}:log_path=$1
	export UBSAN_OPTIONS=${UBSAN_OPTIONS:-}:log_path=$1
}

start() { # KIND FILE
	local name=${2##*/}
	local log=$logs/$1-${name%.bats}.log
	local folder=$scratch/$1-$name
	mkdir -p "$folder"
	(
		export TMPDIR=$folder
		[ -z "$memory" ] || { export TEST_MEMORY=$memory/$1-$name && mkdir "$TEST_MEMORY"; }
		sanitizers_report_to "$folder/sanitizer"
		run_file "$1" "$2"
	) </dev/null >"$log" 2>&1 &
	running[$!]="$1 $2 $SECONDS $log"
}

processes_of() { # FOLDER: those that were started with it as TMPDIR
	grep -lzxsF "TMPDIR=$1" /proc/[0-9]*/environ | cut -d/ -f3
}

# The last lines of what the programs of a file logged that was ended by force.
tell_logs() { # FOLDER
	find "$1" -xdev -name '*log' -type f -size -10M | while read -r log; do
		echo "# $log:"
		tail -n 40 "$log" | sed 's/^/#   /'
	done
}

# What a file of tests has left behind is told and ended, so that it disturbs no other.
sweep() { # FOLDER LOG [SECONDS to end by themselves]
	local name=${1##*/} end=$((SECONDS + ${3:-10})) pid mount
	while [ -n "$(processes_of "$1")" ] && ((SECONDS < end)); do
		sleep 0.1
	done
	for pid in $(processes_of "$1"); do
		echo "# left behind: process $pid: $(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline")" >>"$2"
		kill -KILL "$pid" 2>/dev/null
	done
	while read -r _ mount _; do
		case $mount in
		"$1"/*)
			echo "# left behind: mount $mount" >>"$2"
			fusermount3 -uz "$mount"
			;;
		esac
	done </proc/self/mounts
	cat "$1"/sanitizer.* >"${2%.log}.sanitizer" 2>/dev/null || rm -f "${2%.log}.sanitizer"
	rm -rf --one-file-system -- "$1"
	[ -z "$memory" ] || rm -rf --one-file-system -- "$memory/${name:?}"
}

count() { # PATTERN LOG
	grep -Ec "$1" "$2"
}

# The failing tests of a log with all they said; all of it where the file itself failed.
show_failures() { # LOG IS-WHOLE
	if [ "$2" = 1 ]; then
		cat "$1"
	else
		awk '/^ok |^1\.\./ { show = 0 } /^not ok / { show = 1 } show' "$1"
	fi
}

finished() { # PID STATUS
	local kind file since log ok bad skip planned whole=0
	read -r kind file since log <<<"${running[$1]}"
	unset "running[$1]"
	[ "$2" -lt 124 ] || tell_logs "$scratch/$kind-${file##*/}" >>"$log"
	sweep "$scratch/$kind-${file##*/}" "$log"
	skip=$(count '^ok .*# skip' "$log")
	ok=$(($(count '^ok ' "$log") - skip))
	bad=$(count '^not ok ' "$log")
	planned=$(sed -n 's/^1\.\.\([0-9]*\).*/\1/p' "$log" | head -1)
	if [ "${planned:--1}" -ne $((ok + bad + skip)) ] || { [ "$2" != 0 ] && [ "$bad" = 0 ]; }; then
		whole=1
		bad=$((bad + 1))
	fi
	[ ! -f "${log%.log}.sanitizer" ] || bad=$((bad + 1))
	passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + skip))
	printf '%4ds  %4d passed %3d failed %3d skipped  %s\n' \
		$((SECONDS - since)) "$ok" "$bad" "$skip" "$kind/${file##*/}"
	[ "$bad" = 0 ] || show_failures "$log" "$whole"
	[ "$whole" = 0 ] || echo "# $file ended with status $2, after $((ok + skip)) of ${planned:-?} tests"
	cat "${log%.log}.sanitizer" 2>/dev/null
	grep -E '^ok .*# skip|^# left behind' "$log" || true
}

# Runs the files given as lines of standard input, so many at a time.
run_all() { # JOBS
	local kind file pid status
	while read -r kind file <&4; do
		while [ ${#running[@]} -ge "$1" ]; do
			wait -n -p pid && status=0 || status=$?
			finished "$pid" "$status"
		done
		start "$kind" "$file"
	done 4<&0
	while [ ${#running[@]} -gt 0 ]; do
		wait -n -p pid && status=0 || status=$?
		finished "$pid" "$status"
	done
}

stop() {
	local pid kind file log
	trap '' INT TERM
	for pid in "${!running[@]}"; do
		read -r kind file _ log <<<"${running[$pid]}"
		kill -TERM -- -"$pid" 2>/dev/null
		sweep "$scratch/$kind-${file##*/}" "$log" 0
	done
	rm -rf --one-file-system -- "$scratch" ${memory:+"$memory"}
	exit 130
}

is_alone() { # KIND FILE
	[ "$1" = mount ] && grep -q '^# alone:' "$2"
}

set -m # each file is a process group of its own
trap stop INT TERM
together=() alone=()
while read -r kind file; do
	if is_alone "$kind" "$file"; then
		alone+=("$kind $file")
	else
		together+=("$kind $file")
	fi
done < <(chosen "$@")
[ ${#together[@]} -eq 0 ] || run_all "$jobs" < <(printf '%s\n' "${together[@]}")
[ ${#alone[@]} -eq 0 ] || run_all 1 < <(printf '%s\n' "${alone[@]}")
rm -rf --one-file-system -- "$scratch" ${memory:+"$memory"}
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
