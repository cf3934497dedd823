#!/usr/bin/env bats
# login and logout: what they ask, what they store and where, and that mounts use it.

load lib
load scripted
load logins

setup_file() {
	start_registry htpasswd
	make_chart app 1.0.0 "$BATS_FILE_TMPDIR/app-1.0.0.tgz"
	push_chart ns/app 1.0.0 "$BATS_FILE_TMPDIR/app-1.0.0.tgz"
	export A=$BATS_FILE_TMPDIR/app-1.0.0.tgz
}

teardown_file() {
	clean_up
}

setup() {
	REGISTRY_USER='' begin
	F=$HOME/.config/helm/registry/config.json
}

teardown() {
	finish
	local status=$?
	stop_scripted
	return "$status"
}

login() { # [ARGUMENT]...: user, with the password on stdin
	printf 'secret\n' | "$CHARTFS" login -u user --password-stdin "$@"
}

stored() { # HOST: USER:PASSWORD
	jq -r --arg host "$1" '.auths[$host].auth' "$F" | base64 -d
}

can_read() {
	cmp "$A" "$1/ns/app/1.0.0/app-1.0.0.tgz"
}

@test "--password-stdin stores what the registry accepts, where Helm does" {
	run login "$REGISTRY"
	[ "$status" = 0 ]
	[ "$output" = "Logged in to $REGISTRY as user" ]
	[ "$(stored "$REGISTRY")" = user:secret ]
	[ "$(stat -c %a "$F")" = 600 ]
	[ "$(stat -c %a "$(dirname "$F")")" = 700 ]
	[ "$(ls -A "$(dirname "$F")")" = config.json ]
	mount_chartfs
	can_read "$M"
}

@test "the password is all of stdin but its line end" {
	printf 'secret' | "$CHARTFS" login -u user --password-stdin "$REGISTRY"
	[ "$(stored "$REGISTRY")" = user:secret ]
	printf 'secret\r\n' | "$CHARTFS" login -u user --password-stdin "oci://$REGISTRY"
	[ "$(stored "$REGISTRY")" = user:secret ]
	refused "does not accept" "$CHARTFS" login -u user --password-stdin "$REGISTRY" <<<"secret "
	refused "is empty" "$CHARTFS" login -u user --password-stdin "$REGISTRY" </dev/null
	refused "NUL" "$CHARTFS" login -u user --password-stdin "$REGISTRY" < <(printf 'se\0cret')
}

@test "user and password are asked for on the terminal, the password without echo" {
	run python3 "$ROOT/tests/mount/terminal.py" Username:=user Password:=secret -- "$CHARTFS" login "$REGISTRY"
	[ "$status" = 0 ]
	[[ "$output" == *"Logged in to $REGISTRY as user"* ]]
	[[ "$output" != *secret* ]]
	[ "$(stored "$REGISTRY")" = user:secret ]
	run python3 "$ROOT/tests/mount/terminal.py" Password:=secret -- "$CHARTFS" login -u user "$REGISTRY"
	[ "$status" = 0 ]
	[[ "$output" != *Username* ]]
}

@test "who gives up at the prompt keeps a terminal that echoes" {
	run python3 "$ROOT/tests/mount/terminal.py" Password:=^INT -- "$CHARTFS" login -u user "$REGISTRY"
	[ "$status" = 130 ]
	run python3 "$ROOT/tests/mount/terminal.py" Password:=^TERM -- "$CHARTFS" login -u user "$REGISTRY"
	[ "$status" = 143 ]
	[ ! -e "$F" ]
}

@test "without a terminal, it says what to give" {
	refused "--password-stdin" setsid -w "$CHARTFS" login -u user "$REGISTRY" </dev/null
	refused "-u USER" "$CHARTFS" login --password-stdin "$REGISTRY" <<<secret
}

@test "a command line that is wrong is told from a login that is" {
	refused "-u USER" "$CHARTFS" login --password-stdin "$REGISTRY" <<<secret
	[ "$status" = 2 ]
	refused "unknown option" "$CHARTFS" logout --all "$REGISTRY"
	[ "$status" = 2 ]
	refused "which registry" "$CHARTFS" logout
	[ "$status" = 2 ]
	refused "does not accept" "$CHARTFS" login -u user --password-stdin "$REGISTRY" <<<wrong
	[ "$status" = 1 ]
}

@test "a password in the arguments is refused" {
	refused "--password-stdin" "$CHARTFS" login -u user -p "$SECRET" "$REGISTRY"
	refused "--password-stdin" "$CHARTFS" login -u user "--password=$SECRET" "$REGISTRY"
	[[ "$output" != *"$SECRET"* ]]
	[ ! -e "$F" ]
}

@test "a wrong password stores nothing" {
	refused "does not accept the given login" "$CHARTFS" login -u user --password-stdin "$REGISTRY" <<<"$SECRET"
	[[ "$output" == *"check the user and the password"* ]]
	[[ "$output" != *"$SECRET"* ]]
	[ ! -e "$F" ]
	write_logins "$F" '{"auths": {}}'
	refused "does not accept" "$CHARTFS" login -u nobody --password-stdin "$REGISTRY" <<<"$SECRET"
	[ "$(cat "$F")" = '{"auths": {}}' ]
}

@test "what is no registry, or cannot be reached, stores nothing" {
	local port
	port=$(free_port)
	refused "localhost:$port" "$CHARTFS" login -u user --password-stdin "localhost:$port" <<<secret
	refused "give HOST" "$CHARTFS" login -u user --password-stdin "$REGISTRY/ns" <<<secret
	refused "login" "$CHARTFS" login -u user --password-stdin "user:x@$REGISTRY" <<<secret
	WITHOUT_LOGIN=1 start_scripted distribution-2
	control faults '{"path": "/v2/", "action": "status", "status": 404, "count": -1}'
	refused "is no registry" "$CHARTFS" login -u user --password-stdin "$REGISTRY" <<<secret
	[ ! -e "$F" ]
}

@test "all else in the file is kept, and it is replaced in one step" {
	write_logins "$F" '{"auths": {"other.io": {"auth": "YTpi", "email": "x@y"}}, "HttpHeaders": {"A": "b"},
		"credHelpers": {"gcr.io": "gcloud"}, "x": [1, 2.5, null, "\u00e9"]}'
	local before inode
	before=$(jq -S . "$F")
	inode=$(stat -c %i "$F")
	exec 5<"$F"
	login "$REGISTRY"
	[ "$(jq -S --arg h "$REGISTRY" 'del(.auths[$h])' "$F")" = "$before" ]
	[ "$(stored "$REGISTRY")" = user:secret ]
	[ "$(stat -c %i "$F")" != "$inode" ]
	[ "$(jq -S . <&5)" = "$before" ]
	exec 5<&-
	"$CHARTFS" logout "$REGISTRY"
	[ "$(jq -S . "$F")" = "$before" ]
	[ "$(stat -c %a "$F")" = 600 ]
}

@test "a link at the file's place is written through, and stays" {
	local to
	mkdir -p "$(dirname "$F")" "$T/dotfiles"
	for to in "$T/dotfiles/absolute.json" "../../../../dotfiles/relative.json" "../../../../dotfiles/new/folder.json"; do
		ln -sf "$to" "$F"
		login "$REGISTRY"
		login "$REGISTRY"
		[ -L "$F" ]
		[ "$(stat -L -c %a "$F")" = 600 ]
		[ "$(jq -r '.auths | keys[]' "$F")" = "$REGISTRY" ]
	done
}

@test "many logins at once lose none, and nobody reads half a file" {
	local pids=() hosts=() pid i reader
	for i in 1 2 3; do
		WITHOUT_LOGIN=1 start_scripted distribution-2 --auth basic --user user:secret
		hosts+=("$REGISTRY" "127.0.0.1:${REGISTRY#*:}")
	done
	login "${hosts[0]}"
	(while [ ! -e "$T/stop" ]; do jq -e '.auths | length > 0' "$F" >/dev/null || echo broken; done) >"$T/reader" 2>&1 3>&- 4>&- &
	reader=$!
	for i in "${hosts[@]}"; do
		login "$i" >"$T/login.$i" 2>&1 &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid" || i=failed
	done
	touch "$T/stop"
	wait "$reader"
	[ "$i" != failed ] || { cat "$T"/login.*; return 1; }
	[ ! -s "$T/reader" ]
	[ "$(jq '.auths | length' "$F")" = 6 ]
}

@test "a file that cannot be understood is not overwritten" {
	write_logins "$F" '{"auths": '
	refused "mend" login "$REGISTRY"
	[ "$(cat "$F")" = '{"auths": ' ]
	refused "mend" "$CHARTFS" logout "$REGISTRY"
}

@test "logout forgets this registry only" {
	login "$REGISTRY"
	login "127.0.0.1:${REGISTRY#*:}"
	run "$CHARTFS" logout "$REGISTRY"
	[ "$status" = 0 ]
	[ "$output" = "Logged out of $REGISTRY" ]
	[ "$(jq -r '.auths | keys[]' "$F")" = "127.0.0.1:${REGISTRY#*:}" ]
	mount_chartfs
	refused "Permission denied" ls "$M"
	says "chartfs login $REGISTRY"
	"$CHARTFS" logout "$REGISTRY"
}

@test "logout tells of what other programs still have" {
	write_logins "$HOME/.docker/config.json" "$(entry "$REGISTRY" user:secret)"
	run "$CHARTFS" logout "$REGISTRY"
	[ "$status" = 0 ]
	[[ "$output" == *"docker logout $REGISTRY"* ]]
	[ "$(cat "$HOME/.docker/config.json")" = "$(entry "$REGISTRY" user:secret)" ]
}

@test "a login while it is mounted counts, and so does a logout" {
	mount_chartfs "oci://$REGISTRY" ttl=1
	refused "Permission denied" ls "$M/ns/app"
	login "$REGISTRY"
	wait_until 30 ls "$M/ns/app"
	can_read "$M"
	"$CHARTFS" logout "$REGISTRY"
	is_refused() { ! ls "$M/ns/app"; }
	wait_until 30 is_refused
	refused "Permission denied" ls "$M/ns/app"
}

@test "a login where Helm's file leaves all to a helper" {
	make_helper test
	write_logins "$F" '{"credsStore":"test"}'
	login "$REGISTRY"
	[ "$(jq -c . "$F")" = "{\"auths\":{\"$REGISTRY\":{}},\"credsStore\":\"test\"}" ]
	[ "$(jq -r .Secret "$T/store/${REGISTRY/:/_}")" = secret ]
	mount_chartfs
	can_read "$M"
	"$CHARTFS" logout "$REGISTRY"
	[ -z "$(ls "$T/store")" ]
	[ "$(jq -c . "$F")" = '{"auths":{},"credsStore":"test"}' ]
}

@test "variables say where the file is" {
	HELM_REGISTRY_CONFIG=$T/mine/logins.json login "$REGISTRY"
	[ ! -e "$F" ]
	grep -q auth "$T/mine/logins.json"
	cd "$T"
	HELM_REGISTRY_CONFIG=mine/logins.json mount_chartfs
	can_read "$M"
}

@test "helm uses what chartfs stored, and chartfs what helm stored" {
	local helm flag found=''
	for helm in helm-3 helm-4; do
		[ -x "$PEERS/$helm" ] || continue
		found=1
		rm -rf "$HOME/.config" "$T/pulled"
		mkdir "$T/pulled"
		login "$REGISTRY"
		"$PEERS/$helm" pull --plain-http -d "$T/pulled" "oci://$REGISTRY/ns/app" --version 1.0.0
		cmp "$A" "$T/pulled/app-1.0.0.tgz"
		"$CHARTFS" logout "$REGISTRY"
		flag=$("$PEERS/$helm" registry login --help | grep -o -m 1 -e --plain-http) || flag=--insecure
		printf secret | "$PEERS/$helm" registry login "$flag" -u user --password-stdin "$REGISTRY"
		mount_at "$T/$helm" "oci://$REGISTRY"
		can_read "$T/$helm"
	done
	[ -n "$found" ] || skip "there is no helm in $PEERS"
}

@test "a registry that is open to everybody in part is asked with the login all the same" {
	WITHOUT_LOGIN=1 start_scripted zot --auth basic --user user:secret --setting offers=true \
		--setting 'anonymous="pull"' --setting 'public="open/*"' --setting 'catalog="filtered"'
	control charts '{"repository": "open/app", "versions": ["1.0.0"]}'
	control charts '{"repository": "closed/app", "versions": ["1.0.0"]}'
	refused "does not accept" "$CHARTFS" login -u user --password-stdin "$REGISTRY" <<<wrong
	mount_at "$T/nobody" "oci://$REGISTRY"
	[ "$(ls "$T/nobody")" = open ]
	login "$REGISTRY"
	mount_chartfs
	[ "$(ls "$M" | tr '\n' ' ')" = "closed open " ]
	cat "$M/closed/app/1.0.0/app-1.0.0.tgz" >/dev/null
	write_credentials "$REGISTRY" user:wrong
	mount_at "$T/wrong" "oci://$REGISTRY"
	refused "Permission denied" ls "$T/wrong"
	is_content
}
