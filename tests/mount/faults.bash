# shellcheck disable=SC2034,SC2154 # set for the tests, set by bats
# Registries that fail as they are told (tests/registry/), for the tests of failures and hangs.
# What is started here ends with clean_up.

# start_program PORT-FILE PROGRAM [ARGUMENT]...: one of tests/registry/, until it listens.
start_program() {
	local ports=$1 pid
	shift
	python3 "$@" --port-file "$ports" >>"$ports.log" 2>&1 3>&- 4>&- &
	pid=$!
	echo "$pid" >>"$BATS_FILE_TMPDIR/pids"
	wait_until 60 test -e "$ports" || { cat "$ports.log"; return 1; }
}

port_of() { # ROLE PORT-FILE
	sed -n "s/^$1=//p" "$2"
}

# start_scripted [ARGUMENT of registry.py]...: sets SCRIPTED (HOST:PORT) and CONTROL (URL).
start_scripted() {
	local ports
	ports=$(mktemp -u "$BATS_FILE_TMPDIR/scripted.XXXXXX")
	start_program "$ports" "$ROOT/tests/registry/registry.py" --profile distribution-2 "$@"
	SCRIPTED=localhost:$(port_of registry "$ports")
	CONTROL=http://127.0.0.1:$(port_of control "$ports")
	export SCRIPTED CONTROL
}

# start_relay PORT [ARGUMENT of slow.py]...: sets RELAY (HOST:PORT) and RELAY_CONTROL (URL).
start_relay() {
	local ports to=$1
	shift
	ports=$(mktemp -u "$BATS_FILE_TMPDIR/relay.XXXXXX")
	start_program "$ports" "$ROOT/tests/registry/slow.py" --to "$to" "$@"
	RELAY=localhost:$(port_of slow "$ports")
	RELAY_CONTROL=http://127.0.0.1:$(port_of control "$ports")
	export RELAY RELAY_CONTROL
}

control() { # PATH [option of curl]...
	curl -fsS --max-time 60 "$CONTROL/$1" "${@:2}"
}

relay() { # PATH [JSON]
	curl -fsS --max-time 60 "$RELAY_CONTROL/$1" -d "$2" >/dev/null
}

fault() { # JSON...: added to those there are
	local one
	for one in "$@"; do
		control faults -d "$one" >/dev/null
	done
}

no_faults() {
	control faults -X DELETE >/dev/null
}

# count QUERY: requests that the scripted registry saw.
count() {
	control "count?$1"
}

# saw NUMBER QUERY: at least so many; for wait_until.
saw() {
	[ "$(count "$2")" -ge "$1" ]
}

# The digest that the scripted registry has under a tag, or null.
scripted_tag() { # REPOSITORY TAG
	control state | jq -r --arg r "$1" --arg t "$2" '.[$r][$t]'
}

# background COMMAND...: sets JOB; what it says goes to $T/job.
background() {
	"$@" >"$T/job" 2>&1 3>&- 4>&- &
	JOB=$!
}

# ended PID [SECONDS]: waits for a job of this shell, at most so long; its exit status. 124 when
# it did not end.
ended() {
	wait_until "${2:-60}" is_gone_or_zombie "$1" || return 124
	wait "$1"
}

is_gone_or_zombie() {
	is_gone "$1" || [ "$(ps -o stat= -p "$1" | cut -c1)" = Z ]
}

# not COMMAND...: it fails.
not() {
	if "$@"; then
		echo "not expected to succeed: $*"
		return 1
	fi
}

now_ms() {
	date +%s%3N
}

# within SECONDS WHAT COMMAND...: it succeeds in that time; the time it took is printed.
within() {
	local most=$1 what=$2 since status=0
	shift 2
	since=$(now_ms)
	timeout -s KILL "$most" "$@" >"$T/within.out" 2>&1 || status=$?
	echo "# $what: $(($(now_ms) - since)) ms" >&3
	[ "$status" = 0 ] || { echo "$what: status $status"; cat "$T/within.out"; return 1; }
}

# fails WITH-TEXT COMMAND...: it fails with that text, within half a minute; never "no such file".
fails() {
	local text=$1
	shift
	run timeout -s KILL 30 "$@"
	echo "$output"
	[ "$status" -ne 0 ]
	[ "$status" -ne 137 ]
	[[ "$output" == *"$text"* ]]
	[[ "$output" != *"No such file"* ]]
}

says() { # PATTERN [LOG's DIRECTORY]
	log_of "${2:-$M}" | grep -qE "$1" || { log_of "${2:-$M}"; return 1; }
}
