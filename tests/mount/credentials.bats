#!/usr/bin/env bats
# Stored credentials as mounts use them: every file and field, helpers, changes while mounted, and
# what is said where they are no good. A canary is the password: it may turn up nowhere else.

load lib
load scripted
load logins

# A helper that hangs is given 30 s: that test begins here, and is looked at as the last.
setup_file() {
	export SLOW=$BATS_FILE_TMPDIR/slow
	mkdir -p "$SLOW"
	bash "$BATS_TEST_DIRNAME/hanging.sh" "$SLOW" >"$SLOW/out" 2>&1 3>&- 4>&- &
	echo $! >>"$BATS_FILE_TMPDIR/pids"
}

teardown_file() {
	clean_up
}

setup() {
	begin
	HELM=$HOME/.config/helm/registry/config.json
	DOCKER=$HOME/.docker/config.json
	export XDG_RUNTIME_DIR=$T/run
	RUNTIME=$T/run/containers/auth.json
	CONTAINERS=$HOME/.config/containers/auth.json
}

teardown() {
	finish
	local status=$?
	stop_scripted
	return "$status"
}

# A registry with the chart ns/app and one account.
start_with() { # basic|bearer [ARGUMENT]...
	WITHOUT_LOGIN=1 start_scripted distribution-2 --auth "$1" --user "user:$SECRET" "${@:2}"
	control charts '{"repository": "ns/app", "versions": ["1.0.0"]}' >/dev/null
}

reads() { # [DIRECTORY]
	cat "${1:-$M}/ns/app/1.0.0/app-1.0.0.tgz" >/dev/null
}

is_refused() {
	! reads
}

# lets_in NAME: a new mount reads the chart.
lets_in() {
	mount_at "$T/$1" "oci://$REGISTRY"
	reads "$T/$1" || { echo "not let in: $1"; log_of "$T/$1"; return 1; }
	unmount_at "$T/$1"
}

@test "every file is read, the first that has the host counts" {
	local file i=0
	start_with basic
	for file in "$HELM" "$DOCKER" "$RUNTIME" "$CONTAINERS"; do
		write_logins "$file" "$(entry "$REGISTRY" "user:$SECRET")"
		lets_in file.$((i += 1))
		# From here on it is wrong: those that come before it must be found first.
		write_logins "$file" "$(entry "$REGISTRY" user:wrong)"
		[ "$i" = 1 ] || mv "$file" "$file.wrong"
		rm -f "$HELM"
	done
	for file in "$DOCKER" "$RUNTIME" "$CONTAINERS"; do
		mv "$file.wrong" "$file"
	done
	write_logins "$HELM" "$(entry "$REGISTRY" "user:$SECRET")"
	lets_in first
	is_content
}

@test "every form of an entry" {
	local text i=0
	start_with basic
	while read -r text; do
		write_logins "$DOCKER" "$(sed "s|HOST|$REGISTRY|g; s|AUTH|$(printf %s "user:$SECRET" | base64 -w0)|g; s|SECRET|$SECRET|g" <<<"$text")"
		lets_in form.$((i += 1))
	done <<-'END'
		{"auths": {"HOST": {"auth": "AUTH"}}}
		{"auths": {"HOST": {"auth": "AUTH\n"}}}
		{"auths": {"HOST": {"username": "user", "password": "SECRET"}}}
		{"auths": {"HOST": {"auth": "", "username": "user", "password": "SECRET"}}}
		{"auths": {"https://HOST": {"auth": "AUTH"}}}
		{"auths": {"http://HOST/v1/": {"auth": "AUTH"}}}
		{"auths": {"https://HOST/v2/": {"auth": "AUTH"}, "HOST/v2": {}}}
		{"auths": {"other.io": {"auth": "eDp5"}, "HOST": {"auth": "AUTH"}}, "credsStore": "", "currentContext": "x"}
	END
	is_content
}

@test "identity tokens are exchanged by POST, an expired one is told" {
	start_with bearer
	control users '{"name": "user", "password": "'"$SECRET"'", "identities": ["identity-canary"]}'
	write_logins "$DOCKER" '{"auths": {"'"$REGISTRY"'": {"auth": "'"$(printf 'user:' | base64)"'", "identitytoken": "identity-canary"}}}'
	lets_in identity
	[ "$(count "method=POST&path=/token")" -ge 1 ]
	write_logins "$DOCKER" '{"auths": {"'"$REGISTRY"'": {"identitytoken": "expired-canary"}}}'
	mount_chartfs
	refused "Permission denied" reads
	says "does not accept the stored identity token.*chartfs login $REGISTRY"
	no_secret identity-canary expired-canary
	is_content
}

@test "registry tokens are sent as they are" {
	start_with bearer --setting 'direct_bearer="raw"'
	write_logins "$DOCKER" '{"auths": {"'"$REGISTRY"'": {"registrytoken": "'"$SECRET"'"}}}'
	lets_in bearer
	[ "$(count "path=/token")" = 0 ]
}

@test "in containers' file the longest namespace counts" {
	start_with basic
	control users '{"name": "team", "password": "team-canary", "rights": {"ns/*": "pull"}}'
	control users '{"name": "deep", "password": "deep-canary", "rights": {"ns/deep/*": "pull,push"}}'
	control charts '{"repository": "ns/deep/app", "versions": ["1.0.0"]}'
	control charts '{"repository": "all/app", "versions": ["1.0.0"]}'
	write_logins "$CONTAINERS" "$(jq -sc '{auths: (map(.auths) | add)}' <<<"$(entry "$REGISTRY" "user:$SECRET")
		$(entry "$REGISTRY/ns" team:team-canary) $(entry "$REGISTRY/ns/deep" deep:deep-canary)")"
	mount_chartfs
	cat "$M/ns/app/1.0.0/app-1.0.0.tgz" "$M/ns/deep/app/1.0.0/app-1.0.0.tgz" "$M/all/app/1.0.0/app-1.0.0.tgz" >/dev/null
	control log | jq -r '.[] | select(.user != "" and (.target | test("manifests"))) | "\(.user) \(.target)"' | sort -u >"$T/users"
	[ "$(cat "$T/users")" = "$(printf '%s\n' "deep /v2/ns/deep/app/manifests/1.0.0" "team /v2/ns/app/manifests/1.0.0" "user /v2/all/app/manifests/1.0.0")" ]
	is_content
}

@test "the key https://index.docker.io/v1/ is docker.io's" {
	WITHOUT_LOGIN=1 start_named hub
	control charts '{"repository": "me/app", "versions": ["1.0.0"]}'
	write_logins "$DOCKER" "$(entry https://index.docker.io/v1/ user:secret-of-hub)"
	mount_chartfs docker.io/me "$NAMED"
	cat "$M/app/1.0.0/app-1.0.0.tgz" >/dev/null
	[ "$(control "log?role=token" | jq -r '[.[].user] | unique | join(" ")')" = user ]
	make_helper test
	helper_keeps https://index.docker.io/v1/ user secret-of-hub
	write_logins "$DOCKER" '{"credsStore": "test"}'
	control reset '{}'
	mount_at "$T/helper" docker.io/me "$NAMED"
	cat "$T/helper/app/1.0.0/app-1.0.0.tgz" >/dev/null
	grep -qx "get https://index.docker.io/v1/" "$T/helper.calls"
	is_content
}

@test "helpers: credHelpers for one host, credsStore for all, asked once" {
	start_with basic
	make_helper test
	helper_keeps "$REGISTRY" user "$SECRET"
	write_logins "$DOCKER" '{"credHelpers": {"'"$REGISTRY"'": "test"}, "credsStore": "absent"}'
	mount_chartfs "oci://$REGISTRY" ttl=0
	reads
	ls "$M" "$M/ns" "$M/ns/app"
	[ "$(helper_calls get)" = 1 ]
	grep -qx "get $REGISTRY" "$T/helper.calls"
	write_logins "$DOCKER" '{"auths": {"'"$REGISTRY"'": {}}, "credsStore": "test"}'
	lets_in for-all
	no_secret "$SECRET"
	is_content
}

@test "a helper sees no secret of ours and no blocked signal" {
	start_with basic
	make_helper test
	helper_keeps "$REGISTRY" user "$SECRET"
	export DOCKER_AUTH_CONFIG='{"auths": {"other.io": {"auth": "b3RoZXI6Y2FuYXJ5"}}}'
	write_logins "$DOCKER" '{"credHelpers": {"'"$REGISTRY"'": "test"}}'
	mount_chartfs
	reads
	run grep -e DOCKER_AUTH -e "$SECRET" "$T/helper.environment"
	[ "$status" = 1 ]
	# 32 and 33 are the C library's own.
	while read -r name bits; do
		[[ $name != Sig@(Blk|Ign): ]] || [ $((0x$bits & ~0x180000000)) = 0 ] || { echo "$name $bits"; return 1; }
	done <"$T/helper.signals"
}

@test "a helper's new answer counts when the old one is refused" {
	start_with basic
	make_helper test
	helper_keeps "$REGISTRY" user "$SECRET"
	write_logins "$DOCKER" '{"credHelpers": {"'"$REGISTRY"'": "test"}}'
	mount_chartfs "oci://$REGISTRY" ttl=0
	reads
	control users '{"name": "user", "password": "rotated-canary"}'
	helper_keeps "$REGISTRY" user rotated-canary
	ls "$M/ns/app"
	[ "$(helper_calls get)" = 2 ]
	is_content
}

@test "helpers that are missing, fail or print junk: the errno and the sentence" {
	local fault errno pattern
	start_with basic
	write_logins "$DOCKER" '{"credHelpers": {"'"$REGISTRY"'": "absent"}}'
	mount_at "$T/absent" "oci://$REGISTRY"
	refused "Permission denied" reads "$T/absent"
	grep -q "docker-credential-absent is not installed: put it on PATH" "$T/absent.log"
	write_logins "$DOCKER" '{"credHelpers": {"'"$REGISTRY"'": "../evil"}}'
	mount_at "$T/evil" "oci://$REGISTRY"
	refused "" reads "$T/evil"
	grep -q "credential helper's name" "$T/evil.log"
	make_helper test
	write_logins "$DOCKER" '{"credHelpers": {"'"$REGISTRY"'": "test"}}'
	while IFS='|' read -r fault errno pattern; do
		echo "$fault" >"$T/helper.fault"
		mount_at "$T/faulty" "oci://$REGISTRY"
		refused "$errno" reads "$T/faulty"
		grep -q "$pattern" "$T/faulty.log" || { cat "$T/faulty.log"; return 1; }
		unmount_at "$T/faulty"
		rm "$T/faulty.log"
	done <<-'END'
		echo no region is set; exit 1|Permission denied|docker-credential-test failed (status 1): no region is set
		echo junk; exit 0|Input/output error|docker-credential-test printed no login
		kill -9 $$|Permission denied|docker-credential-test failed (signal 9)
	END
	is_content
}

# Two users, of whom only the first may read ns, in mounts that share a cache.
share_a_cache() { # basic|bearer
	start_with "$1"
	control users '{"name": "other", "password": "other-canary", "rights": {"free/*": "pull"}}'
	control charts '{"repository": "free/app", "versions": ["1.0.0"]}'
	printf %s "$SECRET" >"$T/one.secret"
	printf other-canary >"$T/two.secret"
	mount_at "$T/one.$1" "oci://$REGISTRY" "ttl=0,username=user,password_file=$T/one.secret"
	reads "$T/one.$1"
	ls -R "$T/one.$1" >/dev/null
	mount_at "$T/two.$1" "oci://$REGISTRY" "ttl=0,username=other,password_file=$T/two.secret"
	cat "$T/two.$1/free/app/1.0.0/app-1.0.0.tgz" >/dev/null
	refused "" reads "$T/two.$1"
	refused "" ls "$T/two.$1/ns/app"
	refused "" stat "$T/two.$1/ns/app/1.0.0/app-1.0.0.tgz"
	refused "" cat "$T/two.$1/ns/app-1.0.0.tgz"
	refused "" cat "$T/two.$1/ns/app/app-1.0.0.tgz"
	reads "$T/one.$1"
	# What is no longer the first one's ends at the next question, in either mount's cache.
	control users '{"name": "user", "password": "'"$SECRET"'", "rights": {"free/*": "pull"}}'
	control revoke '{}'
	refused "" reads "$T/one.$1"
	refused "" ls "$T/one.$1/ns/app"
	is_content
}

@test "two mounts on one cache: nobody reads what is another's, Basic" { share_a_cache basic; }
@test "two mounts on one cache: nobody reads what is another's, tokens" { share_a_cache bearer; }

@test "files are read again when they change while mounted" {
	local file
	start_with basic
	mount_chartfs "oci://$REGISTRY" ttl=0
	refused "Permission denied" reads
	says "asks for a login: run 'chartfs login $REGISTRY'"
	for file in "$HELM" "$DOCKER" "$RUNTIME" "$CONTAINERS"; do
		write_logins "$file" "$(entry "$REGISTRY" "user:$SECRET")"
		wait_until 30 reads
		rm "$file"
		wait_until 30 is_refused
	done
	write_logins "$DOCKER" "$(entry "$REGISTRY" user:wrong)"
	wait_until 30 is_refused
	write_logins "$DOCKER" "$(entry "$REGISTRY" "user:$SECRET")"
	wait_until 30 reads
	no_secret "$SECRET"
}

@test "a broken file is one clear warning, the others count" {
	start_with basic
	write_logins "$HELM" '{"auths": {'
	write_logins "$DOCKER" '{"auths": {"'"$REGISTRY"'": {"auth": "bm9jb2xvbg=="}, "x.io": 5}}'
	write_logins "$CONTAINERS" "$(entry "$REGISTRY" "user:$SECRET")"
	mount_chartfs "oci://$REGISTRY" ttl=0
	reads
	ls "$M" "$M/ns" "$M/ns/app"
	[ "$(log_of | grep -c "$HELM")" = 1 ]
	says "stored logins in $HELM are not used: it is not a JSON object; mend or remove it"
	[ "$(log_of | grep -c "$DOCKER")" = 1 ]
	says "$DOCKER: 2 of its logins cannot be used"
}

@test "a wrong password: EACCES, what to do, and not time and again" {
	start_with bearer
	write_logins "$DOCKER" "$(entry "$REGISTRY" user:wrong-canary)"
	mount_chartfs
	refused "Permission denied" ls "$M"
	refused "Permission denied" reads
	says "does not accept the stored user and password.*chartfs login $REGISTRY"
	no_secret wrong-canary
	is_content
}

@test "fewer rights than are needed: EACCES and which" {
	start_with bearer
	control users '{"name": "user", "password": "'"$SECRET"'", "rights": {"ns/*": "pull"}}'
	write_logins "$DOCKER" "$(entry "$REGISTRY" "user:$SECRET")"
	make_chart app 2.0.0 "$T/app-2.0.0.tgz"
	mount_chartfs
	reads
	refused "Permission denied" cp "$T/app-2.0.0.tgz" "$M/ns/app/"
	says "login of user does not have the right to pull,push here"
	[ "$(control state | jq -c '."ns/app" | keys')" = '["1.0.0"]' ]
	is_content
}

@test "a token server that drips: ETIMEDOUT, soon enough" {
	local began=$SECONDS
	start_with bearer
	write_logins "$DOCKER" "$(entry "$REGISTRY" "user:$SECRET")"
	control faults '{"path": "/token", "action": "drip", "seconds": 0.5, "count": -1}'
	mount_chartfs "oci://$REGISTRY" timeout=2
	refused "timed out" reads
	says "the token server $REGISTRY of $REGISTRY takes too long"
	((SECONDS - began < 60))
	no_faults
	reads
	is_content
}

@test "a token that is revoked or has run out is fetched anew, unseen" {
	start_with bearer
	write_logins "$DOCKER" "$(entry "$REGISTRY" "user:$SECRET")"
	control settings '{"token_lifetime": 11}'
	mount_chartfs "oci://$REGISTRY" ttl=0
	ls "$M/ns/app"
	control revoke '{}'
	ls "$M/ns/app"
	sleep 1.5 # within 10 s of its end: renewed before it is used again
	control reset '{}'
	ls "$M/ns/app"
	[ "$(count "status=401")" = 0 ]
	[ "$(count "path=/token")" -ge 1 ]
	is_content
}

@test "the canary stands in no log, argument, cache or core" {
	start_with bearer --log "$T/access"
	printf '%s\n' "$SECRET" >"$T/password"
	chmod 600 "$T/password"
	mount_chartfs "oci://$REGISTRY" "username=user,password_file=$T/password,log_level=debug"
	make_chart app 2.0.0 "$T/app-2.0.0.tgz"
	reads
	cp "$T/app-2.0.0.tgz" "$M/ns/app/"
	no_secret "$SECRET"
	run grep -qaF "$SECRET" "/proc/$CHARTFS_PID/environ"
	[ "$status" = 1 ]
	grep -Eq '^Max core file size +0 +0 ' "/proc/$CHARTFS_PID/limits"
	is_content
}

# In the background, in another working directory; the daemon's id goes where finish looks.
mount_behind() { # SOURCE OPTIONS
	"$CHARTFS" -o "cache_dir=$T/cache,$2" "$1" "$M" 3>&- 4>&- || return
	CHARTFS_PID=$(pgrep -f -- " $M\$")
	echo "$CHARTFS_PID $M" >>"$T/mounts"
}

@test "relative paths mean those of the start" {
	start_with basic
	mkdir "$T/here"
	cd "$T/here"
	printf %s "$SECRET" >password
	: >"$M.log"
	mount_behind "oci://$REGISTRY" username=user,password_file=password
	[ "$(readlink "/proc/$CHARTFS_PID/cwd")" = / ]
	reads
	fusermount3 -u "$M"
	wait_until 30 is_gone "$CHARTFS_PID"
	DOCKER_CONFIG=docker mount_behind "oci://$REGISTRY" ttl=0
	refused "Permission denied" reads
	write_logins "$T/here/docker/config.json" "$(entry "$REGISTRY" "user:$SECRET")"
	wait_until 30 reads
}

@test "what is wrong with username and password_file is told at the start" {
	REGISTRY=localhost:1
	refused "password_file" "$CHARTFS" -o "cache_dir=$T/cache,username=user,password_file=$T/none" "oci://$REGISTRY" "$M"
	[[ "$output" == *"$T/none"* ]]
	: >"$T/empty"
	refused "is empty" "$CHARTFS" -o "cache_dir=$T/cache,username=user,password_file=$T/empty" "oci://$REGISTRY" "$M"
	refused "needs \"password_file\"" "$CHARTFS" -o "username=user" "oci://$REGISTRY" "$M"
	echo x >"$T/password"
	refused "every registry" "$CHARTFS" -o "username=user,password_file=$T/password" oci:// "$M"
	refused "password_file" "$CHARTFS" -o "password=$SECRET" "oci://$REGISTRY" "$M"
	run is_mounted "$M"
	[ "$status" != 0 ]
}

@test "the root of oci:// lists the hosts of files and of helpers" {
	make_helper test
	helper_keeps kept.example:5000 user x
	helper_keeps https://index.docker.io/v1/ user x
	# A host is a host in any letters; what has neither dot nor port is none.
	write_logins "$HELM" "$(entry In-HELM.example u:p)"
	write_logins "$DOCKER" '{"auths": {"someword": {}, "https://in-docker.example/v1/": {}}, "credHelpers": {"helped.example": "x"}, "credsStore": "test"}'
	write_logins "$CONTAINERS" "$(entry in-containers.example/ns u:p)"
	mount_chartfs oci://
	lists_all() {
		[ "$(ls "$M" | tr '\n' ' ')" = "helped.example in-containers.example in-docker.example in-helm.example kept.example:5000 registry-1.docker.io " ]
	}
	wait_until 30 lists_all
}

@test "a helper that hangs: ETIMEDOUT and the sentence, and it holds up nobody else" {
	wait_until 120 test -e "$SLOW/done" || { cat "$SLOW/out"; return 1; }
	cat "$SLOW/out"
	grep -q "timed out" "$SLOW/listed"
	grep -q "docker-credential-hanging gave no answer within 30 s: run it by hand" "$SLOW/mnt.log"
	[ "$(cat "$SLOW/root")" = "in-helm.example" ]
	[ "$(cat "$SLOW/end")" = 0 ]
	# It was ended, and so was what the root's list had asked.
	while read -r pid; do
		wait_until 30 is_gone "$pid"
	done <"$SLOW/helpers"
}
