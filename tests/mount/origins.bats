#!/usr/bin/env bats
# Other servers than the registry, to which its answers lead: they learn no secret and no token,
# whatever they answer in their turn. The canary is the password.
# no tsan: its threads do what browse, pull, push, writing, failures, hangs and tokens have them do

load lib
load scripted
load logins

setup_file() {
	make_chart app 2.0.0 "$BATS_FILE_TMPDIR/app-2.0.0.tgz"
	export B=$BATS_FILE_TMPDIR/app-2.0.0.tgz
}

teardown_file() {
	clean_up
}

setup() {
	begin
}

teardown() {
	finish
	local status=$?
	stop_scripted
	return "$status"
}

# A registry with the chart ns/app; ELSEWHERE is another server's URL.
start_with() { # PROFILE [ARGUMENT]...
	start_scripted "$1" --user "user:$SECRET" "${@:2}"
	write_credentials "$REGISTRY" "user:$SECRET"
	control charts '{"repository": "ns/app", "versions": ["1.0.0"]}' >/dev/null
	ELSEWHERE=http://localhost:$(port_of "$PORTS" blobs)
}

# The other server asks for a token of its own, by a realm that it names.
asks_for_a_token() {
	control faults '{"role": "blobs", "path": "/token", "action": "status", "status": 200, "count": -1,
		"body": {"token": "of-elsewhere"}}' >/dev/null
	control faults "$(jq -n --arg realm "$ELSEWHERE/token" '{role: "blobs", path: "/[!t]*", action: "status", status: 401,
		count: -1, headers: {"WWW-Authenticate": ("Bearer realm=\"" + $realm + "\",service=\"elsewhere\"")}}')" >/dev/null
}

# It was asked, but not for a token, and by nobody who says who he is.
is_told_nothing() {
	[ "$(count role=blobs)" -gt 0 ]
	[ "$(count 'role=blobs&path=/token')" = 0 ]
	control 'log?role=blobs' | jq -e 'all(.scheme == "")'
	is_content
}

@test "an upload at another server that asks for a login" {
	local auth
	for auth in bearer basic; do
		start_with distribution-3 --auth "$auth" --setting 'location="elsewhere"'
		asks_for_a_token
		mount_at "$T/$auth" "oci://$REGISTRY"
		refused "Permission denied" cp "$B" "$T/$auth/ns/app/"
		is_told_nothing
	done
}

@test "a blob and a list of tags at another server that asks for a login" {
	start_with distribution-3 --auth bearer --setting redirect=307
	asks_for_a_token
	mount_chartfs "oci://$REGISTRY" ttl=0
	refused "Permission denied" cat "$M/ns/app/1.0.0/app-1.0.0.tgz"
	is_told_nothing
	control faults '{"path": "/v2/ns/app/tags/list", "action": "redirect", "location": "'"$ELSEWHERE"'/v2/tags", "count": -1}'
	refused "Permission denied" ls "$M/ns/app"
	is_told_nothing
}

@test "a registry's own listing that was redirected, and leads on from there" {
	start_with harbor --made ns --setting 'catalog="missing"'
	control faults '{"path": "/api/v2.0/*", "action": "redirect", "location": "'"$ELSEWHERE"'/list", "count": -1}'
	control faults '{"role": "blobs", "path": "/list", "action": "status", "status": 200, "count": -1, "body": [],
		"headers": {"Link": "</more>; rel=\"next\""}}'
	control faults '{"role": "blobs", "path": "/more", "action": "status", "status": 200, "count": -1, "body": []}'
	mount_chartfs
	ls "$M/ns" || true
	is_told_nothing
}
