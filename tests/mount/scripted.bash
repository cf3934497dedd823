# The scripted registry (tests/registry) for mount tests: load it after lib.
#
# A test starts what it needs with start_scripted, prepares it by `control`, and ends with
# `is_content`, which fails if the client did what it must not do. stop_scripted belongs into
# teardown, after `finish`.

# shellcheck disable=SC2034 # these are for the files that load this one
SCRIPTED_PIDS=()

# One program of tests/registry, in the background; waits for its port file. Sets STARTED_PID.
start_program() { # PORTFILE PROGRAM ARGUMENT...
	local file=$1 program=$2
	shift 2
	python3 "$ROOT/tests/registry/$program" --port-file "$file" --until $$ "$@" \
		>>"$file.out" 2>&1 3>&- 4>&- &
	STARTED_PID=$!
	SCRIPTED_PIDS+=("$STARTED_PID")
	wait_until 60 is_there_or_gone "$file" "$STARTED_PID"
	[ -e "$file" ] || { cat "$file.out"; return 1; }
}

is_there_or_gone() { # FILE PID
	[ -e "$1" ] || is_gone "$2"
}

port_of() { # PORTFILE ROLE
	sed -n "s/^$2=//p" "$1"
}

# start_scripted PROFILE [argument of registry.py]...: sets REGISTRY (localhost:PORT), CONTROL (the
# control port), PORTS (its port file) and SCRIPTED_PID, and writes the profile's login into Helm's
# file unless WITHOUT_LOGIN is set.
start_scripted() {
	local profile=$1 account
	shift
	PORTS=$T/ports.${#SCRIPTED_PIDS[@]}
	start_program "$PORTS" registry.py --profile "$profile" "$@"
	SCRIPTED_PID=$STARTED_PID
	CONTROL=$(port_of "$PORTS" control)
	REGISTRY=localhost:$(port_of "$PORTS" registry)
	REGISTRY_USER=
	[ -z "${WITHOUT_LOGIN:-}" ] || return 0
	account=$(setting account)
	[ "$(setting auth)" = none ] || write_credentials "$REGISTRY" "$account:secret-of-$profile"
}

# start_named PROFILE [argument]...: the same under the real service's host names, by TLS of a test
# CA and a proxy. Sets REGISTRY to the host, and NAMED to the mount options it takes.
start_named() {
	local profile=$1 tls=$BATS_FILE_TMPDIR/tls login=${WITHOUT_LOGIN:-}
	shift
	make_tls "$tls"
	WITHOUT_LOGIN=1 start_scripted "$profile" --names --tls-cert "$tls/server.pem" \
		--tls-key "$tls/server.key" "$@"
	start_program "$T/proxy" proxy.py --registry "$PORTS" --log "$T/proxy.log"
	https_proxy=http://127.0.0.1:$(port_of "$T/proxy" proxy)
	export https_proxy
	NAMED=ca_file=$tls/ca.pem
	REGISTRY=$(setting hosts.registry)
	[ -n "$login" ] || [ "$(setting auth)" = none ] ||
		write_credentials "$REGISTRY" "$(setting account):secret-of-$profile"
}

make_tls() { # DIRECTORY: the test CA and a certificate for every host of the profiles
	[ -e "$1/ca.pem" ] || { mkdir -p "$1.new" && python3 "$ROOT/tests/registry/certificates.py" "$1.new" && mv "$1.new" "$1"; }
}

stop_scripted() {
	local pid
	for pid in "${SCRIPTED_PIDS[@]}"; do
		stop_process "$pid" KILL
	done
	SCRIPTED_PIDS=()
}

# control PATH [JSON]: asks the control port, by POST where there is JSON.
control() {
	curl -sS -f --max-time 60 --noproxy '*' ${2:+--data-binary "$2"} "http://localhost:$CONTROL/$1"
}

no_faults() {
	curl -sS -f -X DELETE --noproxy '*' "http://localhost:$CONTROL/faults"
}

setting() { # FIELD of the profile
	control "settings?only=$1"
}

count() { # FILTER: how many requests the registry saw (control.py)
	control "count?$1"
}

# The requests that the registry saw: METHOD TARGET, one a line.
seen() { # [FILTER]
	control "requests?${1:-}"
}

# Nothing was asked of the registry that a client must not ask.
is_content() { # [KIND to leave out]
	local violations
	violations=$(control "violations?except=${1:-}")
	[ "$violations" = "[]" ] || { jq . <<<"$violations"; return 1; }
}

# has_archive REPOSITORY TAG FILE: the tag's chart layer is this file.
has_archive() {
	control "archive?repository=$1&tag=$2" | cmp -s - "$3"
}

# The file of a chart that was loaded by the control port.
loaded_archive() { # REPOSITORY TAG > FILE
	control "archive?repository=$1&tag=$2"
}
