#!/usr/bin/env bats
# What is refused: the errno, the sentence, and nothing left in the registry.

load lib

setup_file() {
	start_registry htpasswd
	local dir=$BATS_FILE_TMPDIR
	make_chart app 1.0.0 "$dir/app-1.0.0.tgz"
	make_chart app 2.0.0 "$dir/app-2.0.0.tgz"
	make_chart App 1.0.0 "$dir/App-1.0.0.tgz"
	head -c 200 "$dir/app-1.0.0.tgz" >"$dir/short.tgz"
	echo "no archive" | gzip >"$dir/nochart.tgz"
	tar -C "$dir" -czf "$dir/tarball.tgz" short.tgz
	echo hello >"$dir/README.md"
	export D=$dir A=$dir/app-1.0.0.tgz A2=$dir/app-2.0.0.tgz
}

teardown_file() {
	clean_up
}

setup() {
	begin
	NS=ns$BATS_TEST_NUMBER
	N=$M/$NS
}

teardown() {
	finish
}

# refused ERRNO-TEXT COMMAND...: it fails with that text.
refused() {
	local text=$1
	shift
	run "$@"
	[ "$status" -ne 0 ] || { echo "not refused: $*"; return 1; }
	[[ "$output" == *"$text"* ]] || { echo "got: $output"; return 1; }
}

# Nothing of this test's namespace is in the registry.
nothing_left() {
	! ask "http://$REGISTRY/v2/_catalog?n=1000" | jq -r '.repositories[]' | grep -q "^$NS/" || false
}

says() {
	log_of | grep -q "$1" || { log_of; return 1; }
}

@test "a file that is no .tgz" {
	mount_chartfs
	mkdir -p "$N"
	refused "Invalid argument" cp "$D/README.md" "$N/"
	says "README.md: only packaged charts"
	[ -z "$(ls -A "$N")" ]
	nothing_left
}

@test "a .tgz that is no chart" {
	mount_chartfs
	mkdir -p "$N"
	refused "Invalid argument" cp "$D/tarball.tgz" "$N/"
	says "tarball.tgz is no chart"
	refused "Invalid argument" cp "$D/nochart.tgz" "$N/x.tgz"
	cp "$D/README.md" "$T/plain.tgz"
	refused "Invalid argument" cp "$T/plain.tgz" "$N/"
	nothing_left
}

@test "a truncated archive" {
	mount_chartfs
	mkdir -p "$N"
	refused "Invalid argument" cp "$D/short.tgz" "$N/"
	says "short.tgz is not whole"
	nothing_left
}

@test "the wrong version's directory" {
	push_chart "$NS/app" 1.0.0 "$A"
	mount_chartfs
	refused "Invalid argument" cp "$A2" "$N/app/1.0.0/"
	says "version 2.0.0 of app does not belong in the directory of version 1.0.0"
	[ "$(ls "$N/app")" = 1.0.0 ]
	[ -z "$(tag_digest "$NS/app" 2.0.0)" ]
}

@test "another chart's directory" {
	push_chart "$NS/app" 1.0.0 "$A"
	make_chart other 1.0.0 "$T/other-1.0.0.tgz"
	mount_chartfs
	refused "Invalid argument" cp "$T/other-1.0.0.tgz" "$N/app/"
	says "chart other does not belong in $NS/app"
	refused "Invalid argument" cp "$T/other-1.0.0.tgz" "$N/app/1.0.0/"
	[ "$(ls "$N")" = app ]
}

@test "a chart whose name is no repository" {
	mount_chartfs
	mkdir -p "$N"
	refused "Invalid argument" cp "$D/App-1.0.0.tgz" "$N/"
	says "chart name App is no name for a repository"
	nothing_left
}

@test "names outside the grammar, and reserved ones" {
	mount_chartfs
	mkdir -p "$N"
	refused "Invalid argument" mkdir "$N/Upper"
	refused "Invalid argument" mkdir "$N/a..b"
	refused "Invalid argument" mkdir "$N/.oci"
	refused "Invalid argument" mkdir "$N/x.tgz"
	[ ! -e "$N/Upper" ]
}

@test "read-only" {
	push_chart "$NS/app" 1.0.0 "$A"
	mount_chartfs "oci://$REGISTRY" ro
	refused "Read-only file system" cp "$A2" "$N/app/"
	refused "Read-only file system" mkdir "$N/new"
	refused "Read-only file system" rm "$N/app/1.0.0/app-1.0.0.tgz"
	cmp "$A" "$N/app/1.0.0/app-1.0.0.tgz"
	[ "$(stat -c %a "$N/app/1.0.0/app-1.0.0.tgz" "$N/app" | tr '\n' ' ')" = "444 555 " ]
}

@test "a wrong password" {
	push_chart "$NS/app" 1.0.0 "$A"
	write_credentials "$REGISTRY" user:canary-5ecret
	mount_chartfs
	refused "Permission denied" ls "$M"
	refused "Permission denied" cat "$N/app/1.0.0/app-1.0.0.tgz"
	says "login"
	! log_of | grep -q canary || false
}

@test "no credentials at all" {
	push_chart "$NS/app" 1.0.0 "$A"
	rm "$HOME/.config/helm/registry/config.json"
	mount_chartfs
	refused "Permission denied" ls "$M"
	refused "Permission denied" cp "$A2" "$N/app/"
	[ -z "$(tag_digest "$NS/app" 2.0.0)" ]
}

@test "what is not there" {
	push_chart "$NS/app" 1.0.0 "$A"
	mount_chartfs
	refused "No such file" ls "$M/nothing-$NS"
	refused "No such file" ls "$N/app/9.9.9"
	refused "No such file" cat "$N/app/1.0.0/app-1.0.0.tgz.prov"
	refused "No such file" cat "$N/app-9.9.9.tgz"
}

@test "links, devices and extended attributes" {
	push_chart "$NS/app" 1.0.0 "$A"
	mount_chartfs
	refused "not permitted" ln -s x "$N/link"
	refused "not permitted" ln "$N/app/1.0.0/app-1.0.0.tgz" "$N/hard"
	refused "not permitted" mkfifo "$N/fifo"
	refused "not supported" python3 -c 'import os, sys; os.setxattr(sys.argv[1], "user.x", b"y")' "$N/app"
}

@test "deleting what is published" {
	push_chart "$NS/app" 1.0.0 "$A"
	mount_chartfs
	refused "not permitted" rm "$N/app/1.0.0/app-1.0.0.tgz"
	refused "not permitted" rmdir "$N/app/1.0.0"
	refused "not permitted" rmdir "$N"
	[ -n "$(tag_digest "$NS/app" 1.0.0)" ]
}

@test "truncating what is published" {
	push_chart "$NS/app" 1.0.0 "$A"
	mount_chartfs
	refused "not permitted" python3 -c 'import os, sys; os.truncate(sys.argv[1], 10)' "$N/app/1.0.0/app-1.0.0.tgz"
	cmp "$A" "$N/app/1.0.0/app-1.0.0.tgz"
}

@test "chmod and chown say yes and change nothing" {
	push_chart "$NS/app" 1.0.0 "$A"
	mount_chartfs
	chmod 600 "$N/app/1.0.0/app-1.0.0.tgz"
	chmod 555 "$N/app"
	[ "$(stat -c %a "$N/app/1.0.0/app-1.0.0.tgz" "$N/app" | tr '\n' ' ')" = "644 755 " ]
}

@test "a file larger than helm takes" {
	mount_chartfs
	mkdir -p "$N"
	mkdir -p "$T/big"
	head -c 5242881 /dev/zero >"$T/big/huge.bin"
	printf 'apiVersion: v2\nname: big\nversion: 1.0.0\n' >"$T/big/Chart.yaml"
	tar -C "$T" -czf "$T/big-1.0.0.tgz" big
	refused "File too large" cp "$T/big-1.0.0.tgz" "$N/"
	nothing_left
}
