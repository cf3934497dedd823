# What the mount tests share: registries, mounts, charts, and cleaning up by process id.
#
# CHARTFS  the program (default .build/chartfs)      PEERS  registry, helm-3, helm-4 (.build/peers)
# TEST_MEMORY  a folder for what registries keep (none: beside their configuration)
# TEST_ROOTS  a folder whose ca.pem mounts trust in place of the system's certificates (none)
# REGISTRY_KIND  distribution-2 (Debian's docker-registry, the default), distribution-3 or zot
# ZOT  the program of zot (the one on PATH)
#
# A file of tests starts its registry in setup_file with start_registry, which exports REGISTRY
# (HOST:PORT), and calls `clean_up` in teardown_file; each test begins with `begin` in setup and
# ends with `finish` in teardown, which unmounts and checks the daemon.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export ROOT
export CHARTFS=${CHARTFS:-$ROOT/.build/chartfs}
export PEERS=${PEERS:-$ROOT/.build/peers}
export REGISTRY_KIND=${REGISTRY_KIND:-distribution-2}
export TZ=UTC

# wait_until SECONDS COMMAND...: until it succeeds; false when it has not by then.
wait_until() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		((SECONDS < end)) || return 1
		sleep 0.05
	done
}

free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

is_gone() {
	! kill -0 "$1" 2>/dev/null
}

# stop_process PID [SIGNAL]: ends it and waits until it is gone, the hard way after ten seconds.
stop_process() {
	[ -n "${1:-}" ] || return 0
	kill -"${2:-TERM}" "$1" 2>/dev/null || return 0
	wait_until 10 is_gone "$1" || kill -KILL "$1" 2>/dev/null || true
}

# need_helm helm-3|helm-4: without it the test is skipped, and fails where CI=true.
need_helm() {
	[ ! -x "$PEERS/$1" ] || return 0
	[ "${CI:-}" != true ] || { echo "there is no $1 in $PEERS: tests/peers.sh fetches it"; return 1; }
	skip "there is no $1: tests/peers.sh fetches it"
}

make_chart() { # NAME VERSION FILE [option of charts.py make]...
	python3 "$ROOT/tests/mount/charts.py" make "$@"
}

# push_chart REPOSITORY TAG FILE [option]...: into $REGISTRY, without chartfs.
push_chart() {
	python3 "$ROOT/tests/mount/charts.py" push "http://$REGISTRY" "$@" ${REGISTRY_USER:+--user "$REGISTRY_USER"}
}

spread_chart() { # TAG FILE REPOSITORY...
	python3 "$ROOT/tests/mount/charts.py" spread "http://$REGISTRY" "$@" ${REGISTRY_USER:+--user "$REGISTRY_USER"}
}

push_artifact() { # REPOSITORY TAG TITLE=FILE...
	python3 "$ROOT/tests/mount/charts.py" artifact "http://$REGISTRY" "$@" ${REGISTRY_USER:+--user "$REGISTRY_USER"}
}

make_prov() { # ARCHIVE > FILE
	python3 "$ROOT/tests/mount/charts.py" prov "$1"
}

ask() { # curl to the registry, quietly; credentials where it wants some
	curl -sS --max-time 60 ${REGISTRY_USER:+--user "$REGISTRY_USER"} "$@"
}

ACCEPT='Accept: application/vnd.oci.image.manifest.v1+json'

# The digest of the manifest that a tag means, or nothing.
tag_digest() { # REPOSITORY TAG
	ask -f -H "$ACCEPT" -I "http://$REGISTRY/v2/$1/manifests/$2" 2>/dev/null |
		tr -d '\r' | sed -n 's/^[Dd]ocker-[Cc]ontent-[Dd]igest: //p'
}

manifest_of() { # REPOSITORY TAG
	ask -f -H "$ACCEPT" "http://$REGISTRY/v2/$1/manifests/$2"
}

# The digest of the chart layer that a tag means.
chart_digest() { # REPOSITORY TAG
	manifest_of "$1" "$2" | jq -r '.layers[] | select(.mediaType | endswith("chart.content.v1.tar+gzip")) | .digest'
}

sha256_of() { # FILE
	echo "sha256:$(sha256sum "$1" | cut -d' ' -f1)"
}

write_registry_config() { # FOLDER PORT AUTH EXTRA
	cat >"$1/config.yml" <<-END
	version: 0.1
	log: {level: info, accesslog: {disabled: false}}
	storage: {filesystem: {rootdirectory: $1/data}, delete: {enabled: true}}
	http: {addr: "127.0.0.1:$2"${4:+, $4}}
	END
	case $3 in
	htpasswd)
		htpasswd -Bbn user secret >"$1/htpasswd" 2>/dev/null
		echo "auth: {htpasswd: {realm: test, path: $1/htpasswd}}" ;;
	token)
		echo "auth: {token: {realm: '$TOKEN_REALM', service: registry, issuer: chartfs-test," \
			"rootcertbundle: $TOKEN_CERTIFICATE}}" ;;
	esac >>"$1/config.yml"
}

write_zot_config() { # FOLDER PORT AUTH
	local auth=''
	case $3 in
	htpasswd)
		htpasswd -Bbn user secret >"$1/htpasswd" 2>/dev/null
		auth=", \"auth\": {\"htpasswd\": {\"path\": \"$1/htpasswd\"}}" ;;
	token)
		auth=", \"auth\": {\"bearer\": {\"realm\": \"$TOKEN_REALM\", \"service\": \"registry\",
			\"cert\": \"$TOKEN_CERTIFICATE\"}}" ;;
	esac
	cat >"$1/config.json" <<-END
	{"distSpecVersion": "1.1.0", "storage": {"rootDirectory": "$1/data", "gc": false},
	 "http": {"address": "127.0.0.1", "port": "$2"$auth}, "log": {"level": "debug", "output": "$1/log"}}
	END
}

registry_answers() {
	is_gone "$REGISTRY_PID" && return 1
	curl -s -o /dev/null --max-time 2 "http://127.0.0.1:$1/v2/"
}

# Runs what $REGISTRY_DIR holds. A registry takes variables that begin with REGISTRY_ for parts of
# its configuration: it gets none of ours.
run_registry() {
	local dir=$REGISTRY_DIR log=$REGISTRY_LOG kind=$REGISTRY_KIND
	(
		unset "${!REGISTRY_@}"
		case $kind in
		zot) exec "${ZOT:-zot}" serve "$dir/config.json" ;;
		distribution-3) OTEL_TRACES_EXPORTER=none exec "$PEERS/distribution" serve "$dir/config.yml" ;;
		*) exec "$PEERS/registry" serve "$dir/config.yml" ;;
		esac
	) >>"$log" 2>&1 3>&- 4>&- &
	REGISTRY_PID=$!
	echo "$REGISTRY_PID" >>"$BATS_FILE_TMPDIR/pids"
}

# start_registry [plain|htpasswd|token] [EXTRA of distribution's http section]: with token,
# $TOKEN_REALM makes the tokens that $TOKEN_CERTIFICATE checks. Exports REGISTRY, REGISTRY_PID,
# REGISTRY_DIR, REGISTRY_LOG, and REGISTRY_USER with htpasswd. $REGISTRY_PORT asks for a port.
start_registry() {
	local auth=${1:-plain} extra=${2:-} port try
	REGISTRY_DIR=$(mktemp -d "$BATS_FILE_TMPDIR/registry.XXXXXX")
	REGISTRY_LOG=$REGISTRY_DIR/log
	[ -z "${TEST_MEMORY:-}" ] || ln -s "$(mktemp -d "$TEST_MEMORY/data.XXXXXX")" "$REGISTRY_DIR/data"
	for try in 1 2 3 4 5; do
		port=${REGISTRY_PORT:-$(free_port)}
		if [ "$REGISTRY_KIND" = zot ]; then
			write_zot_config "$REGISTRY_DIR" "$port" "$auth"
		else
			write_registry_config "$REGISTRY_DIR" "$port" "$auth" "$extra"
		fi
		run_registry
		if wait_until 30 registry_answers_or_gone "$port" && registry_answers "$port"; then
			break
		fi
		stop_process "$REGISTRY_PID"
		((try < 5)) || { cat "$REGISTRY_LOG"; return 1; }
	done
	REGISTRY=localhost:$port
	REGISTRY_USER=
	[ "$auth" = plain ] || REGISTRY_USER=user:secret
	export REGISTRY REGISTRY_PID REGISTRY_DIR REGISTRY_LOG REGISTRY_USER
}

registry_answers_or_gone() {
	is_gone "$REGISTRY_PID" || registry_answers "$1"
}

# Starts the registry again on its port and data after it was stopped.
restart_registry() {
	REGISTRY_PORT=${REGISTRY#*:}
	run_registry
	wait_until 30 registry_answers "$REGISTRY_PORT"
	unset REGISTRY_PORT
}

# Requests that chartfs has sent so far, one a line: METHOD PATH.
requests() {
	case $REGISTRY_KIND in
	zot) requests_in_zot_log ;;
	*) requests_in_access_log ;;
	esac
}

requests_in_access_log() {
	sed -n 's/.*"\(GET\|HEAD\|POST\|PUT\|PATCH\|DELETE\) \([^ ]*\) HTTP[^"]*" [0-9]* [0-9]* "[^"]*" "chartfs.*/\1 \2/p' "$REGISTRY_LOG"
}

# One object a line, of which the last may be half written.
requests_in_zot_log() {
	jq -Rr 'fromjson? | select(.message == "HTTP API") |
		select(.headers["User-Agent"][0] // "" | startswith("chartfs")) | "\(.method) \(.path)"' "$REGISTRY_LOG"
}

# The file of a blob in the registry's storage.
stored_blob() { # REPOSITORY DIGEST
	case $REGISTRY_KIND in
	zot) echo "$REGISTRY_DIR/data/$1/blobs/sha256/${2:7}" ;;
	*) echo "$REGISTRY_DIR/data/docker/registry/v2/blobs/sha256/${2:7:2}/${2:7}/data" ;;
	esac
}

mark_requests() {
	REQUESTS_SEEN=$(requests | wc -l)
}

# Those since the mark. Access logs are written a moment after the answer: two equal counts.
requests_since() {
	local now=-1 before=-2
	while [ "$now" != "$before" ]; do
		before=$now
		sleep 0.2
		now=$(requests | wc -l)
	done
	requests | tail -n +$((REQUESTS_SEEN + 1))
}

# begin: a fresh folder T with HOME, cache and mount point M; call it in setup.
begin() {
	T=$(mktemp -d "$BATS_TEST_TMPDIR/t.XXXXXX")
	M=$T/mnt
	mkdir -p "$M" "$T/home" "$T/cache"
	chmod 700 "$T/cache"
	export T M HOME=$T/home XDG_CACHE_HOME=$T/home/.cache
	unset HELM_REGISTRY_CONFIG DOCKER_CONFIG REGISTRY_AUTH_FILE XDG_CONFIG_HOME XDG_RUNTIME_DIR \
		DOCKER_AUTH_CONFIG HELM_CONFIG_HOME SSL_CERT_FILE SSL_CERT_DIR \
		http_proxy https_proxy HTTP_PROXY HTTPS_PROXY all_proxy ALL_PROXY no_proxy NO_PROXY
	[ -z "${TEST_ROOTS:-}" ] || export SSL_CERT_FILE=$TEST_ROOTS/ca.pem SSL_CERT_DIR=$TEST_ROOTS/none
	: >"$T/mounts"
	if [ -n "${REGISTRY_USER:-}" ]; then
		write_credentials "$REGISTRY" "$REGISTRY_USER"
	fi
}

write_credentials() { # HOST USER:PASSWORD, into Helm's file
	mkdir -p "$HOME/.config/helm/registry"
	printf '{"auths":{"%s":{"auth":"%s"}}}' "$1" "$(printf %s "$2" | base64 -w0)" \
		>"$HOME/.config/helm/registry/config.json"
	chmod 600 "$HOME/.config/helm/registry/config.json"
}

is_mounted() {
	mountpoint -q "$1"
}

is_mounted_or_gone() {
	is_mounted "$1" || is_gone "$2"
}

# mount_at DIRECTORY SOURCE [OPTION,...]: in the foreground as a job, its log in DIRECTORY.log.
# Sets CHARTFS_PID. The cache is $CACHE or $T/cache.
mount_at() {
	local directory=$1 source=$2 options=${3:-}
	mkdir -p "$directory"
	"$CHARTFS" -f -o "cache_dir=${CACHE:-$T/cache}${options:+,$options}" "$source" "$directory" \
		>>"$directory.log" 2>&1 3>&- 4>&- &
	CHARTFS_PID=$!
	echo "$CHARTFS_PID $directory" >>"$T/mounts"
	wait_until 60 is_mounted_or_gone "$directory" "$CHARTFS_PID"
	is_mounted "$directory" || { cat "$directory.log"; return 1; }
}

# mount_chartfs [SOURCE [OPTION,...]]: at M.
mount_chartfs() {
	mount_at "$M" "${1:-oci://$REGISTRY}" "${2:-}"
}

# unmount_at DIRECTORY: and the daemon must end well.
unmount_at() {
	local pid
	pid=$(sed -n "s|^\([0-9]*\) $1\$|\1|p" "$T/mounts" | tail -1)
	fusermount3 -u "$1"
	wait_until 60 is_gone "$pid"
	wait "$pid"
}

log_of() { # [DIRECTORY]
	cat "${1:-$M}.log"
}

# finish: unmounts what is still mounted, by force if need be, and fails the test when a daemon
# crashed or a sanitizer spoke. Call it in teardown.
finish() {
	local pid directory bad=0
	[ -n "${T:-}" ] || return 0
	while read -r pid directory; do
		if is_mounted "$directory" || ! is_gone "$pid"; then
			fusermount3 -u "$directory" 2>/dev/null || fusermount3 -uz "$directory" 2>/dev/null || true
			# Who still waits for an answer keeps it mounted until the mount's own timeout, 30 s.
			wait_until 90 is_gone "$pid" || { kill -KILL "$pid" 2>/dev/null; echo "# $directory: the daemon hung"; bad=1; }
		fi
		fusermount3 -uz "$directory" 2>/dev/null || true
		if grep -Eq 'Sanitizer|runtime error:|==[0-9]+==|Aborted' "$directory.log" 2>/dev/null; then
			cat "$directory.log"
			bad=1
		fi
	done <"$T/mounts"
	if [ -z "${BATS_TEST_COMPLETED:-}" ]; then
		for directory in "$T"/*.log; do
			[ -f "$directory" ] && sed 's/^/# log: /' "$directory" | tail -30
		done
	fi
	return "$bad"
}

# clean_up: ends the registries and other programs of this file; call it in teardown_file.
clean_up() {
	local pid
	[ -f "$BATS_FILE_TMPDIR/pids" ] || return 0
	while read -r pid; do
		stop_process "$pid"
	done <"$BATS_FILE_TMPDIR/pids"
}
