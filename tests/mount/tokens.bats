#!/usr/bin/env bats
# Tokens: what they cost, whose they are, when they end; and that no secret goes where it must not.

load lib
load scripted

setup() {
	begin
	make_chart app 1.0.0 "$T/app-1.0.0.tgz"
}

teardown() {
	finish
	local status=$?
	stop_scripted
	BATS_FILE_TMPDIR=$T clean_up
	return "$status"
}

# start_registry starts this one: auth by the token server, whose port is TOKENS.
write_registry_config() { # FOLDER PORT
	cat >"$1/config.yml" <<-END
	version: 0.1
	log: {level: info, accesslog: {disabled: false}}
	storage: {filesystem: {rootdirectory: $1/data}, delete: {enabled: true}}
	http: {addr: "127.0.0.1:$2"}
	auth: {token: {realm: "http://127.0.0.1:$TOKENS/token", service: registry, issuer: chartfs-test, rootcertbundle: $T/jwt/token.pem}}
	END
}

start_token_registry() { # [argument of tokens.py]...
	[ -x "$PEERS/registry" ] || skip "no docker-registry"
	REGISTRY_KIND=distribution-2
	start_program "$T/tokens" tokens.py --directory "$T/jwt" --user user:secret "$@"
	TOKENS=$(port_of "$T/tokens" token)
	CONTROL=$(port_of "$T/tokens" control)
	BATS_FILE_TMPDIR=$T start_registry
	write_credentials "$REGISTRY" user:secret
}

# The scripted registry with tokens.
start_bearer() { # [argument]...
	WITHOUT_LOGIN=1 start_scripted distribution-3 --auth bearer --user user:secret "$@"
	control charts '{"repository": "ns/app", "versions": ["1.0.0", "1.1.0"]}'
	control charts '{"repository": "other/app", "versions": ["1.0.0"]}'
	write_credentials "$REGISTRY" user:secret
}

write_login() { # JSON of the registry's entry
	mkdir -p "$HOME/.config/helm/registry"
	printf '{"auths": {"%s": %s}}' "$REGISTRY" "$1" >"$HOME/.config/helm/registry/config.json"
}

token_count() {
	count 'path=/token'
}

fails_with() { # WORDS COMMAND...
	local words=$1
	shift
	run "$@"
	echo "$output"
	[ "$status" -ne 0 ]
	[[ "$output" == *"$words"* ]]
}

denied() {
	fails_with 'Permission denied' "$@"
}

@test "docker-registry by tokens: push, pull, what it costs, who has fewer rights" {
	start_token_registry
	control users '{"name": "reader", "password": "reads", "rights": {"ns/*": "pull"}}'
	mount_chartfs "oci://$REGISTRY" ttl=600
	mkdir -p "$M/ns"
	cp "$T/app-1.0.0.tgz" "$M/ns/"
	cmp "$T/app-1.0.0.tgz" "$M/ns/app/1.0.0/app-1.0.0.tgz"
	# Warm tags and a cached token: two requests.
	CACHE=$T/cold mount_at "$T/second" "oci://$REGISTRY" ttl=600
	ls "$T/second/ns/app"
	mark_requests
	control reset '{}'
	cmp "$T/app-1.0.0.tgz" "$T/second/ns/app/1.0.0/app-1.0.0.tgz"
	requests_since >"$T/requests"
	cat "$T/requests"
	[ "$(wc -l <"$T/requests")" = 2 ]
	[ "$(token_count)" = 0 ]
	# A login with fewer rights.
	write_credentials "$REGISTRY" reader:reads
	CACHE=$T/reader mount_at "$T/third" "oci://$REGISTRY"
	cmp "$T/app-1.0.0.tgz" "$T/third/ns/app-1.0.0.tgz"
	make_chart app 2.0.0 "$T/app-2.0.0.tgz"
	denied cp "$T/app-2.0.0.tgz" "$T/third/ns/app/"
	[ "$(token_count)" -le 8 ]
	is_content
}

@test "a cold pull with warm tags and no token is four requests, with a token two" {
	start_bearer
	mount_chartfs "oci://$REGISTRY" ttl=600
	ls "$M/ns/app"
	control revoke '{}'
	control reset '{}'
	cp "$M/ns/app/1.0.0/app-1.0.0.tgz" "$T/out"
	seen | sed 's/?.*//; s/sha256:.*/DIGEST/' | tee "$T/seen"
	[ "$(cat "$T/seen")" = "$(printf '%s\n' 'GET /v2/ns/app/manifests/1.0.0' 'GET /token' 'GET /v2/ns/app/manifests/1.0.0' 'GET /v2/ns/app/blobs/DIGEST')" ]
	control reset '{}'
	cp "$M/ns/app/1.1.0/app-1.1.0.tgz" "$T/out"
	[ "$(seen | wc -l)" = 2 ]
	is_content
}

@test "without a login: anonymous tokens read and do not write" {
	start_bearer --setting 'anonymous="pull"'
	rm "$HOME/.config/helm/registry/config.json"
	mount_chartfs
	loaded_archive ns/app 1.0.0 | cmp - "$M/ns/app/app-1.0.0.tgz"
	denied cp "$T/app-1.0.0.tgz" "$M/ns/"
	grep -q "chartfs login $REGISTRY" "$M.log"
	is_content
}

@test "identity tokens and registry tokens" {
	local token
	start_bearer
	control users '{"name": "user", "password": "secret", "identities": ["refresh-me-please"]}'
	write_login '{"identitytoken": "refresh-me-please"}'
	mount_chartfs
	loaded_archive ns/app 1.0.0 | cmp - "$M/ns/app/app-1.0.0.tgz"
	[ "$(count 'path=/token&method=POST')" -ge 1 ]
	[ "$(count 'path=/token&method=GET')" = 0 ]
	token=$(curl -s -u user:secret "http://$REGISTRY/token?service=registry&scope=repository:ns/app:pull" | jq -r .token)
	control reset '{}'
	write_login "{\"registrytoken\": \"$token\"}"
	CACHE=$T/cold mount_at "$T/second" "oci://$REGISTRY/ns/app"
	loaded_archive ns/app 1.0.0 | cmp - "$T/second/app-1.0.0.tgz"
	[ "$(token_count)" = 0 ]
	is_content
}

@test "a token is renewed before it ends, and one that has ended once a request" {
	start_bearer --setting token_lifetime=12
	mount_chartfs "oci://$REGISTRY/ns/app" ttl=0
	# Good for two seconds: renewed without another 401.
	wait_until 30 renewed
	[ "$(count 'status=401')" -le 2 ]
	control settings '{"token_lifetime": 300}'
	wait_until 30 renewed
	# The server forgets them all the time: each request asks once more, then gives up.
	control faults '{"path": "/v2/*", "action": "status", "status": 401, "count": -1, "headers": {"WWW-Authenticate": "Bearer realm=\"http://'"$REGISTRY"'/token\",service=\"registry\",error=\"invalid_token\""}}'
	control reset '{}'
	denied ls "$M"
	[ "$(token_count)" -le 6 ]
	[ "$(seen | wc -l)" -le 16 ]
	no_faults
	ls "$M"
}

renewed() {
	ls "$M" >/dev/null
	[ "$(token_count)" -ge 3 ]
}

@test "what one login may not read it does not get from the cache of another" {
	start_bearer
	control users '{"name": "few", "password": "rights", "rights": {"other/*": "pull"}}'
	mount_chartfs "oci://$REGISTRY" ttl=600
	cat "$M/ns/app/1.0.0/app-1.0.0.tgz" >/dev/null
	write_credentials "$REGISTRY" few:rights
	mount_at "$T/few" "oci://$REGISTRY" ttl=600
	ls "$T/few/other/app"
	denied ls "$T/few/ns/app"
	denied cat "$T/few/ns/app/1.0.0/app-1.0.0.tgz"
	run cat "$T/few/ns/app-1.0.0.tgz"
	[ "$status" -ne 0 ]
	run stat "$T/few/ns/app/1.0.0/app-1.0.0.tgz"
	[ "$status" -ne 0 ]
	run ls "$T/few/ns/app/1.0.0"
	[ "$status" -ne 0 ]
	is_content
}

@test "a right that is taken away ends at the next question, by 401 and by 403" {
	local status
	start_bearer
	mount_chartfs "oci://$REGISTRY" ttl=1
	cat "$M/ns/app/1.0.0/app-1.0.0.tgz" >/dev/null
	control users '{"name": "user", "password": "secret", "rights": {"other/*": "pull"}}'
	control revoke '{}'
	wait_until 30 no_more
	denied cat "$M/ns/app/1.0.0/app-1.0.0.tgz"
	ls "$M/other/app"
	control users '{"name": "user", "password": "secret"}'
	control revoke '{}'
	wait_until 30 ls "$M/ns/app"
	cat "$M/ns/app/1.0.0/app-1.0.0.tgz" >/dev/null
	control settings '{"insufficient": [403, "DENIED", "no"]}'
	control users '{"name": "user", "password": "secret", "rights": {"other/*": "pull"}}'
	control revoke '{}'
	wait_until 30 no_more
	denied cat "$M/ns/app/1.0.0/app-1.0.0.tgz"
	is_content
}

no_more() {
	! ls "$M/ns/app"
}

# A second server; every secret of the first one is a canary there.
start_elsewhere() { # [argument]...
	local control=$CONTROL registry=$REGISTRY
	WITHOUT_LOGIN=1 start_scripted distribution-3 "$@"
	ELSEWHERE=$REGISTRY
	control canaries '{"secret": "secret", "allowed": []}'
	control canaries '{"secret": "dXNlcjpzZWNyZXQ", "allowed": []}'
	control canaries '{"secret": "crt.", "allowed": []}'
	ELSEWHERE_CONTROL=$CONTROL
	# It does see them.
	curl -s -o /dev/null -u user:secret "http://$ELSEWHERE/v2/"
	[ "$(count canary=1)" = 1 ]
	control reset '{}'
	CONTROL=$control REGISTRY=$registry
}

elsewhere_saw_no_secret() {
	CONTROL=$ELSEWHERE_CONTROL is_content unknown,location,name
	[ "$(CONTROL=$ELSEWHERE_CONTROL count 'canary=1')" = 0 ]
	CONTROL=$ELSEWHERE_CONTROL control log | jq -e 'all(.[]; .scheme == "")'
}

@test "no secret goes with redirects, uploads, pages and realms that lead elsewhere" {
	start_bearer
	start_elsewhere
	mount_chartfs "oci://$REGISTRY" "timeout=10"
	ls "$M/ns/app"
	# Redirects, of blobs and of everything.
	control faults "{\"path\": \"*/blobs/*\", \"method\": \"GET\", \"action\": \"redirect\", \"location\": \"http://$ELSEWHERE/v2/blob\", \"count\": 2}"
	run cat "$M/ns/app/1.0.0/app-1.0.0.tgz"
	[ "$status" -ne 0 ]
	control faults "{\"path\": \"*/manifests/*\", \"method\": \"GET\", \"action\": \"redirect\", \"location\": \"http://$ELSEWHERE/v2/manifest\", \"count\": 2}"
	run cat "$M/ns/app/1.1.0/app-1.1.0.tgz"
	[ "$status" -ne 0 ]
	[ "$(CONTROL=$ELSEWHERE_CONTROL count '')" -ge 2 ]
	elsewhere_saw_no_secret
	# Locations of uploads.
	no_faults
	control faults "{\"path\": \"*/blobs/uploads/*\", \"method\": \"POST\", \"action\": \"headers\", \"headers\": {\"Location\": \"http://$ELSEWHERE/v2/upload\"}, \"count\": -1}"
	run cp "$T/app-1.0.0.tgz" "$M/third.tgz"
	[ "$status" -ne 0 ]
	elsewhere_saw_no_secret
	# Pages.
	no_faults
	control faults "{\"path\": \"*/other/app/tags/list\", \"action\": \"headers\", \"headers\": {\"Link\": \"<http://$ELSEWHERE/v2/other/app/tags/list?n=1>; rel=\\\"next\\\"\"}, \"count\": -1}"
	run ls "$M/other/app"
	[ "$status" -ne 0 ]
	elsewhere_saw_no_secret
	is_content
}

@test "a login for https goes to no realm and no redirect of plain http" {
	local tls=$BATS_FILE_TMPDIR/tls
	make_tls "$tls"
	start_bearer --tls-cert "$tls/server.pem" --tls-key "$tls/server.key"
	start_elsewhere
	control faults "{\"path\": \"*\", \"action\": \"status\", \"status\": 401, \"count\": -1, \"headers\": {\"WWW-Authenticate\": \"Bearer realm=\\\"http://$ELSEWHERE/token\\\",service=\\\"registry\\\"\"}}"
	mount_chartfs "oci://$REGISTRY" "ca_file=$tls/ca.pem"
	run ls "$M/ns/app"
	[ "$status" -ne 0 ]
	[ "$(CONTROL=$ELSEWHERE_CONTROL count '')" = 0 ]
	no_faults
	mount_at "$T/second" "oci://$REGISTRY" "ca_file=$tls/ca.pem"
	ls "$T/second/ns/app"
	control faults "{\"path\": \"*/blobs/*\", \"action\": \"redirect\", \"location\": \"http://$ELSEWHERE/blob\", \"count\": -1}"
	run cat "$T/second/ns/app/1.0.0/app-1.0.0.tgz"
	[ "$status" -ne 0 ]
	[ "$(CONTROL=$ELSEWHERE_CONTROL count '')" = 0 ]
	elsewhere_saw_no_secret
	is_content
}

@test "uploads to another origin carry no token there and arrive" {
	start_bearer --setting 'location="elsewhere"'
	mount_chartfs
	mkdir -p "$M/up"
	cp "$T/app-1.0.0.tgz" "$M/up/"
	has_archive up/app 1.0.0 "$T/app-1.0.0.tgz"
	[ "$(count 'role=blobs&method=PUT')" = 2 ]
	is_content
}
