#!/usr/bin/env bats
# A real registry behind a token server: tokens.py signs what the registry
# checks.

load lib
load scripted
load logins

setup_file() {
	start_token_registry
	make_chart app 1.0.0 "$BATS_FILE_TMPDIR/app-1.0.0.tgz"
	make_chart app 2.0.0 "$BATS_FILE_TMPDIR/app-2.0.0.tgz"
	export A=$BATS_FILE_TMPDIR/app-1.0.0.tgz B=$BATS_FILE_TMPDIR/app-2.0.0.tgz
}

teardown_file() {
	clean_up
}

setup() {
	begin
	NS=ns$BATS_TEST_NUMBER
	tokens users '{"name": "user", "password": "'"$SECRET"'"}' >/dev/null
	tokens settings '{"anonymous": "", "token_lifetime": 300}' >/dev/null
	tokens reset '{}' >/dev/null
}

teardown() {
	finish
}

login() {
	printf %s "$SECRET" | "$CHARTFS" login -u user --password-stdin "$REGISTRY"
}

well_behaved() {
	[ "$(tokens violations)" = "[]" ] || { tokens violations; return 1; }
}

@test "login, push and pull by tokens" {
	login
	# An identity token has taken the password's place.
	[ "$(jq -r '.auths[].identitytoken | length > 0' "$HOME/.config/helm/registry/config.json")" = true ]
	run grep -q "$(printf %s "user:$SECRET" | base64 -w0)" "$HOME/.config/helm/registry/config.json"
	[ "$status" = 1 ]
	mount_chartfs
	mkdir -p "$M/$NS"
	cp "$A" "$M/$NS/"
	CACHE=$T/cold
	mkdir -m 700 "$CACHE"
	mount_at "$T/other" "oci://$REGISTRY"
	cmp "$A" "$T/other/$NS/app/1.0.0/app-1.0.0.tgz"
	[ "$(tokens "log" | jq -r '[.[].method] | unique | join(" ")')" = "GET POST" ]
	no_secret "$SECRET"
	well_behaved
}

@test "a wrong password is refused, and stores nothing" {
	refused "does not accept the given user and password" "$CHARTFS" login -u user --password-stdin "$REGISTRY" <<<wrong
	[ ! -e "$HOME/.config/helm/registry/config.json" ]
}

@test "a cold pull is four requests, with a token two" {
	login
	mount_chartfs "oci://$REGISTRY/$NS" ttl=600
	cp "$A" "$B" "$M/"
	CACHE=$T/cold
	mkdir -m 700 "$CACHE"
	mount_at "$T/cold.mnt" "oci://$REGISTRY/$NS" ttl=600
	mark_requests
	tokens reset '{}'
	cat "$T/cold.mnt/app/1.0.0/app-1.0.0.tgz" >/dev/null
	# Tags are asked as well: five and the token.
	requests_since | tee "$T/asked"
	[ "$(grep -c . "$T/asked")" -le 5 ]
	[ "$(tokens count)" -le 2 ]
	mark_requests
	tokens reset '{}'
	cat "$T/cold.mnt/app/2.0.0/app-2.0.0.tgz" >/dev/null
	requests_since | tee "$T/asked"
	[ "$(grep -c . "$T/asked")" = 2 ]
	[ "$(tokens count)" = 0 ]
	well_behaved
}

@test "everybody may pull, who has a login may push" {
	login
	mount_chartfs "oci://$REGISTRY/$NS"
	cp "$A" "$M/"
	"$CHARTFS" logout "$REGISTRY"
	tokens settings '{"anonymous": "pull"}'
	mount_at "$T/nobody" "oci://$REGISTRY/$NS" ttl=0
	cmp "$A" "$T/nobody/app/1.0.0/app-1.0.0.tgz"
	refused "Permission denied" cp "$B" "$T/nobody/app/"
	grep -q "chartfs login $REGISTRY" "$T/nobody.log"
	well_behaved
}

@test "a login with fewer rights" {
	login
	mount_chartfs "oci://$REGISTRY/$NS"
	cp "$A" "$M/"
	tokens users '{"name": "reader", "password": "reader-canary", "rights": {"*": "pull"}}'
	printf reader-canary | "$CHARTFS" login -u reader --password-stdin "$REGISTRY"
	mount_at "$T/reader" "oci://$REGISTRY/$NS"
	cmp "$A" "$T/reader/app/1.0.0/app-1.0.0.tgz"
	refused "Permission denied" cp "$B" "$T/reader/app/"
	grep -q "of reader does not have the right to pull,push here: ask for it" "$T/reader.log"
	[ "$(ls "$T/reader/app")" = 1.0.0 ]
	well_behaved
}

@test "a token that runs out in the middle of the work is renewed" {
	login
	tokens settings '{"token_lifetime": 11}'
	mount_chartfs "oci://$REGISTRY/$NS" ttl=0
	cp "$A" "$M/"
	for _ in 1 2 3; do
		sleep 1
		ls "$M/app"
		cp "$B" "$M/"
	done
	[ "$(tokens count)" -ge 3 ]
	[ "$(ls "$M/app" | tr '\n' ' ')" = "1.0.0 2.0.0 " ]
	well_behaved
}

@test "an identity token that the server has forgotten" {
	login
	local config=$HOME/.config/helm/registry/config.json
	write_logins "$config" "$(jq -c '.auths[].identitytoken = "expired-canary"' "$config")"
	mount_chartfs
	refused "Permission denied" ls "$M"
	says "does not accept the stored identity token.*chartfs login $REGISTRY"
	no_secret expired-canary
	login
	wait_until 30 ls "$M"
}

