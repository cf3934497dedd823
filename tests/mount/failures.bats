#!/usr/bin/env bats
# What goes wrong at the registry, on the way to it, and here: each with its errno and its
# sentence, nothing half done, and all well again afterwards.

load lib
load faults

setup_file() {
	local dir=$BATS_FILE_TMPDIR
	start_scripted
	make_chart app 1.0.0 "$dir/app-1.0.0.tgz"
	make_chart app 1.0.0 "$dir/other.tgz" --extra description=other
	make_chart app 1.0.0 "$dir/big.tgz" --size 4000000
	export D=$dir A=$dir/app-1.0.0.tgz OTHER=$dir/other.tgz BIG=$dir/big.tgz
}

teardown_file() {
	clean_up
}

setup() {
	begin
	NS=ns$BATS_TEST_NUMBER
	N=$M/$NS
	no_faults
}

teardown() {
	no_faults
	finish
}

# Version 1.0.0 of NS/app, with these bytes, in the scripted registry.
stored() { # FILE
	curl -fsS --data-binary "@$1" "$CONTROL/archive?repository=$NS/app&tag=1.0.0" >/dev/null
}

published() { # FILE
	curl -fsS "$CONTROL/manifest?repository=$NS/app&reference=1.0.0" |
		jq -r '.layers[].digest' | grep -qx "$(sha256_of "$1")"
}

quarantined() {
	find "$T/cache/quarantine" -type f 2>/dev/null | wc -l
}

# A mount of the scripted registry that does not wait long.
mount_scripted() { # [OPTION,...]
	mount_chartfs "oci://$SCRIPTED" "timeout=3,ttl=0${1:+,$1}"
}

# Waits a port on which nobody listens, and which nobody else gets, for as long as the test runs.
hold_port() {
	python3 -c '
import socket, sys, time
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1], flush=True)
time.sleep(600)' >"$T/port" 3>&- 4>&- &
	echo $! >>"$BATS_FILE_TMPDIR/pids"
	wait_until 30 test -s "$T/port"
	PORT=$(cat "$T/port")
}

@test "a registry where nobody listens" {
	hold_port
	mount_chartfs "oci://localhost:$PORT"
	fails "No route to host" ls "$M"
	fails "No route to host" ls "$N"
	fails "No route to host" cat "$N/app/1.0.0/app-1.0.0.tgz"
	fails "No route to host" stat "$N/app/app-1.0.0.tgz"
	says "cannot connect to localhost:$PORT .*is the registry running"
	df "$M" >/dev/null
	unmount_at "$M"
}

@test "a registry that has gone away: what is local goes on" {
	start_relay "${SCRIPTED#*:}"
	mount_chartfs "oci://$RELAY" ttl=0,timeout=3
	mkdir -p "$N/.scratch"
	relay down ''
	fails "No route to host" cp "$A" "$N/"
	fails "No route to host" ls "$N"
	echo hello >"$N/.scratch/note"
	[ "$(cat "$N/.scratch/note")" = hello ]
	rm -r "$N/.scratch"
	mkdir "$N/made"
	mkdir "$N/made/in"
	mkdir "$N/made/in/here"
	touch "$N/made/in/app-2.0.0.tgz"
	fails "No route to host" cp "$A" "$N/made/in/here/"
	cmp "$A" "$N/made/in/here/app-1.0.0.tgz"
	rm "$N/made/in/here/app-1.0.0.tgz" "$N/made/in/app-2.0.0.tgz"
	rmdir "$N/made/in/here" "$N/made/in" "$N/made"
	fails "No route to host" mkdir "$M/other$NS"
	rm "$N/app-1.0.0.tgz"
	rmdir "$N"
	relay up ''
	# What others have published there meanwhile, once seen, is never said not to be there.
	mkdir -p "$N"
	stored "$A"
	cmp "$A" "$N/app/1.0.0/app-1.0.0.tgz"
	relay down ''
	fails "No route to host" stat "$N/app/1.0.0"
	fails "No route to host" mkdir "$N/made"
	relay up ''
	cp "$OTHER" "$N/"
	published "$OTHER"
	unmount_at "$M"
	[ -z "$(find "$T/cache/spool" "$T/cache/failed" -type f)" ]
}

@test "a host of which there is no address" {
	# A name server that does not answer is given up after a second.
	export RES_OPTIONS="timeout:1 attempts:1"
	mount_chartfs oci://nosuch.invalid
	fails "No route to host" ls "$M"
	fails "No route to host" cat "$N/app/1.0.0/app-1.0.0.tgz"
	says "cannot find the address of nosuch.invalid"
	unmount_at "$M"
}

@test "-o check asks first" {
	hold_port
	run timeout 60 "$CHARTFS" -o "check,cache_dir=$T/cache" "oci://localhost:$PORT" "$M"
	[ "$status" = 1 ]
	[[ "$output" == *"cannot connect to localhost:$PORT"* ]]
	not is_mounted "$M"
}

@test "a registry that says nothing is waited for as long as -o timeout says" {
	start_relay "${SCRIPTED#*:}"
	relay set '{"mode": "hole"}'
	mount_chartfs "oci://$RELAY" timeout=2
	fails "timed out" ls "$M"
	fails "timed out" cat "$N/app/1.0.0/app-1.0.0.tgz"
	says "$RELAY does not answer in time"
	relay set '{"mode": "pass"}'
	ls "$M" >/dev/null
	unmount_at "$M"
}

@test "an answer that stops in the middle; one that comes slowly" {
	stored "$A"
	mount_scripted "timeout=2"
	fault '{"path": "*/blobs/*", "action": "hang", "after": 50, "count": -1}'
	fails "timed out" cat "$N/app/1.0.0/app-1.0.0.tgz"
	no_faults
	# More than two seconds in all, but never without a byte.
	fault '{"path": "*/blobs/*", "action": "drip", "seconds": 0.01, "count": -1}'
	cmp "$A" "$N/app/1.0.0/app-1.0.0.tgz"
}

@test "wrong bytes are never served" {
	stored "$A"
	mount_scripted
	fault '{"path": "*/blobs/*", "action": "corrupt", "count": -1}'
	run cat "$N/app/1.0.0/app-1.0.0.tgz"
	[ "$status" = 1 ]
	[ "$output" = "cat: $N/app/1.0.0/app-1.0.0.tgz: Input/output error" ]
	says "$(sha256_of "$A").*sha256:[0-9a-f]{64}|sha256:[0-9a-f]{64}.*$(sha256_of "$A")"
	[ "$(quarantined)" -ge 1 ]
	[ -z "$(find "$T/cache/blobs" -type f -name "$(sha256sum "$A" | cut -d' ' -f1)")" ]
	# Again, and through the alias: the same.
	fails "Input/output error" cmp "$A" "$N/app/app-1.0.0.tgz"
	no_faults
	cmp "$A" "$N/app/1.0.0/app-1.0.0.tgz"
	unmount_at "$M"
}

@test "a manifest with wrong bytes, none at all, and one that is not JSON" {
	stored "$A"
	mount_scripted
	fault '{"method": "GET", "path": "*/manifests/*", "action": "corrupt", "count": -1}'
	fails "Input/output error" ls "$N/app/1.0.0/"
	no_faults
	fault '{"method": "GET", "path": "*/manifests/*", "action": "truncate", "count": -1}'
	fails "Input/output error" ls "$N/app/1.0.0/"
	no_faults
	fault '{"method": "GET", "path": "*/manifests/*", "action": "replace", "body": "<html>", "count": -1}'
	fails "Input/output error" ls "$N/app/1.0.0/"
	no_faults
	cmp "$A" "$N/app/1.0.0/app-1.0.0.tgz"
}

@test "listings that are none" {
	stored "$A"
	mount_scripted
	fault '{"path": "*/tags/list", "action": "replace", "body": "<html>", "count": -1}'
	fails "Input/output error" ls "$N/app"
	no_faults
	fault '{"path": "*/tags/list", "action": "pages", "kind": "endless", "count": -1}'
	fails "Input/output error" ls "$N/app"
	no_faults
	fault '{"path": "*/tags/list", "action": "pages", "kind": "repeat", "count": -1}'
	fails "Input/output error" ls "$N/app"
	no_faults
	[ "$(ls "$N/app")" = 1.0.0 ]
}

@test "an answer that is cut is asked for again" {
	stored "$A"
	mount_scripted
	fault '{"path": "*/blobs/*", "action": "cut", "after": 100}' \
		'{"path": "*/manifests/*", "action": "cut", "after": 100, "reset": true}' \
		'{"path": "*/tags/list", "action": "refuse"}'
	cmp "$A" "$N/app/1.0.0/app-1.0.0.tgz"
	unmount_at "$M"
}

@test "answers that are always cut, or too short, are errors and never served" {
	stored "$A"
	mount_scripted
	ls "$N/app/1.0.0" >/dev/null
	fault '{"path": "*/blobs/*", "action": "cut", "after": 100, "count": -1}'
	run timeout -s KILL 60 cat "$N/app/1.0.0/app-1.0.0.tgz"
	[ "$status" = 1 ]
	[[ "$output" == *"No route to host" || "$output" == *"Input/output error" ]]
	no_faults
	fault '{"path": "*/blobs/*", "action": "truncate", "after": 100, "count": -1}'
	fails "Input/output error" cat "$N/app/1.0.0/app-1.0.0.tgz"
	no_faults
	fault '{"path": "*/blobs/*", "action": "replace", "body": "more than there should be, to be sure, but from here on it must be longer than the chart itself, which has some hundred bytes; so this goes on for a while, as long as it takes: 0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789", "count": -1}'
	fails "Input/output error" cat "$N/app/1.0.0/app-1.0.0.tgz"
	no_faults
	cmp "$A" "$N/app/1.0.0/app-1.0.0.tgz"
}

@test "429 and 503 with Retry-After are waited for" {
	stored "$A"
	mount_scripted "timeout=30"
	fault '{"path": "*/tags/list", "action": "status", "status": 503, "headers": {"Retry-After": "1"}}' \
		'{"path": "*/manifests/*", "action": "status", "status": 429, "headers": {"Retry-After": "1"}}' \
		'{"path": "*/blobs/*", "action": "status", "status": 502}'
	cmp "$A" "$N/app/1.0.0/app-1.0.0.tgz"
	[ "$(control faults | jq '[.[].hits] | add')" = 3 ]
	# A push as well.
	no_faults
	fault '{"method": "POST", "action": "status", "status": 429, "headers": {"Retry-After": "1"}}' \
		'{"method": "PUT", "path": "*/manifests/*", "action": "status", "status": 503, "headers": {"Retry-After": "1"}}'
	cp "$OTHER" "$N/app/1.0.0/app-1.0.0.tgz"
	published "$OTHER"
}

@test "500 for ever is an error, and so is a Retry-After that is not worth the wait" {
	stored "$A"
	mount_scripted
	fault '{"action": "status", "status": 500, "count": -1}'
	fails "Input/output error" ls "$N/app"
	fails "Input/output error" cat "$N/app/1.0.0/app-1.0.0.tgz"
	says "localhost:[0-9]+ answers 500"
	no_faults
	fault '{"path": "*/tags/list", "action": "status", "status": 429, "headers": {"Retry-After": "3600"}, "count": -1}'
	fails "Input/output error" ls "$N/app"
	no_faults
	cmp "$A" "$N/app/1.0.0/app-1.0.0.tgz"
}

@test "500 for ever on a push: nothing is published, and then it is" {
	mount_scripted
	mkdir -p "$N"
	fault '{"method": "PUT", "path": "*/manifests/*", "action": "status", "status": 500, "count": -1}'
	fails "Input/output error" cp "$A" "$N/"
	[ "$(scripted_tag "$NS/app" 1.0.0)" = null ]
	not grep -q tgz <<<"$(ls -A "$N")"
	cmp "$A" "$N/app-1.0.0.tgz"
	no_faults
	cp "$A" "$N/"
	published "$A"
	cmp "$A" "$N/app/1.0.0/app-1.0.0.tgz"
	unmount_at "$M"
}

@test "what copies only what is newer or differs copies again after a failed push" {
	local copy
	mount_scripted
	mkdir -p "$N"
	for copy in "cp -au" "rsync -a" "rsync -a --inplace" "cp -u"; do
		fault '{"method": "PUT", "path": "*/manifests/*", "action": "status", "status": 400}'
		fails "failed to close" cp -p "$A" "$N/name.tgz"
		cmp "$A" "$N/name.tgz"
		$copy "$A" "$N/name.tgz"
		published "$A"
		[ "$(stat -c %Y "$N/name.tgz")" -ge "$(stat -c %Y "$A")" ]
		rm "$N/name.tgz"
		curl -fsS -d "{\"repository\": \"$NS/app\", \"tag\": \"1.0.0\", \"digest\": null}" "$CONTROL/tag" >/dev/null
	done
	# Nor is one that ends too early taken for the whole one.
	head -c 100 "$A" >"$T/short.tgz"
	fails "Invalid argument" cp -p "$T/short.tgz" "$N/name.tgz"
	fails "Invalid argument" cp -u "$T/short.tgz" "$N/name.tgz"
	# What may wait keeps its time.
	make_prov "$A" >"$N/other.tgz.prov"
	[ "$(stat -c %Y "$N/other.tgz.prov")" -gt 1000000000 ]
}

@test "a provenance that comes while its archive is being pushed is published as well" {
	mount_scripted
	mkdir -p "$N"
	make_prov "$A" >"$T/prov"
	fault '{"method": "PUT", "path": "*/uploads/*", "action": "delay", "seconds": 2, "count": 2}'
	background cp "$A" "$N/app-1.0.0.tgz"
	wait_until 30 saw 1 "method=PUT&path=*$NS/app*"
	cp "$T/prov" "$N/app-1.0.0.tgz.prov"
	ended "$JOB"
	published "$A"
	published "$T/prov"
	cmp "$T/prov" "$N/app/1.0.0/app-1.0.0.tgz.prov"
}

@test "a file renamed onto one that is being pushed is what stays" {
	mount_scripted
	mkdir -p "$N"
	cp "$OTHER" "$N/.next"
	fault '{"method": "PUT", "path": "*/uploads/*", "action": "delay", "seconds": 2, "count": 2}'
	background cp "$A" "$N/app-1.0.0.tgz"
	wait_until 30 saw 1 "method=PUT&path=*$NS/app*"
	mv "$N/.next" "$N/app-1.0.0.tgz"
	published "$OTHER"
	ended "$JOB"
	published "$OTHER"
	cmp "$OTHER" "$N/app-1.0.0.tgz"
	cmp "$OTHER" "$N/app/1.0.0/app-1.0.0.tgz"
}

@test "the answer of the manifest's PUT is lost: the tag decides" {
	mount_scripted
	mkdir -p "$N"
	fault '{"method": "PUT", "path": "*/manifests/*", "action": "drop", "count": -1}'
	cp "$A" "$N/"
	published "$A"
	no_faults
	# Not carried out, for ever: then it is a failure, and the old version stays.
	fault '{"method": "PUT", "path": "*/manifests/*", "action": "refuse", "count": -1}'
	run timeout -s KILL 60 cp "$OTHER" "$N/app/1.0.0/app-1.0.0.tgz"
	[ "$status" = 1 ]
	published "$A"
	cmp "$A" "$N/app/1.0.0/app-1.0.0.tgz"
	says "bytes are kept in $T/cache/failed/"
	cmp "$OTHER" "$T"/cache/failed/*
}

@test "an upload that breaks is made again, or is an error" {
	mount_scripted
	mkdir -p "$N"
	fault '{"method": "PUT", "path": "*/blobs/uploads/*", "action": "upload", "after": 100000}'
	cp "$BIG" "$N/app-1.0.0.tgz"
	published "$BIG"
	fault '{"method": "POST", "path": "*/blobs/uploads/*", "action": "refuse", "reset": true, "count": -1}'
	run timeout -s KILL 60 cp "$OTHER" "$N/app/1.0.0/app-1.0.0.tgz"
	[ "$status" = 1 ]
	published "$BIG"
}

# The mount of a registry of its own through a slow relay, with a big chart's push under way.
begin_slow_push() { # TARGET
	relay set '{"rate": 400000}'
	background cp "$BIG" "$1"
	wait_until 60 relay_passed 400000
	not is_gone_or_zombie "$JOB"
}

relay_passed() {
	[ "$(curl -fsS "$RELAY_CONTROL/seen" | jq .up)" -ge "$1" ]
}

@test "the registry is killed in the middle of a push, and comes back" {
	local status=0 before
	start_registry
	start_relay "${REGISTRY#*:}"
	push_chart "$NS/app" 1.0.0 "$A"
	before=$(tag_digest "$NS/app" 1.0.0)
	mount_chartfs "oci://$RELAY" timeout=3,ttl=1
	begin_slow_push "$N/app/1.0.0/app-1.0.0.tgz"
	kill -KILL "$REGISTRY_PID"
	ended "$JOB" || status=$?
	cat "$T/job"
	[ "$status" = 1 ]
	grep -qE 'No route to host|timed out|Input/output' "$T/job"
	says "bytes are kept in $T/cache/failed/"
	cmp "$BIG" "$T"/cache/failed/*
	relay set '{"rate": 0}'
	restart_registry
	[ "$(tag_digest "$NS/app" 1.0.0)" = "$before" ]
	cmp "$A" "$N/app/1.0.0/app-1.0.0.tgz"
	cp "$BIG" "$N/app/1.0.0/app-1.0.0.tgz"
	[ "$(chart_digest "$NS/app" 1.0.0)" = "$(sha256_of "$BIG")" ]
	unmount_at "$M"
}

@test "the registry is killed in the middle of a push of a new version" {
	local status=0
	start_registry
	start_relay "${REGISTRY#*:}"
	mount_chartfs "oci://$RELAY" timeout=3,ttl=1
	mkdir -p "$N"
	begin_slow_push "$N/app-1.0.0.tgz"
	kill -KILL "$REGISTRY_PID"
	ended "$JOB" || status=$?
	cat "$T/job"
	[ "$status" = 1 ]
	grep -qE 'No route to host|timed out|Input/output' "$T/job"
	# It resolves by its name, unlisted.
	not grep -q tgz <<<"$(ls -A "$N")"
	cmp "$BIG" "$N/app-1.0.0.tgz"
	relay set '{"rate": 0}'
	restart_registry
	[ -z "$(tag_digest "$NS/app" 1.0.0)" ]
	rm "$N/app-1.0.0.tgz"
	[ ! -e "$N/app-1.0.0.tgz" ]
	cp "$BIG" "$N/"
	[ "$(chart_digest "$NS/app" 1.0.0)" = "$(sha256_of "$BIG")" ]
	unmount_at "$M"
}

# kill -9 of the daemon, and that a second start says what to do about the mount point.
crash() {
	kill -KILL "$CHARTFS_PID"
	wait_until 30 is_gone_or_zombie "$CHARTFS_PID"
	not "$CHARTFS" -o "cache_dir=$T/cache" "oci://$SCRIPTED" "$M" >"$T/stale" 2>&1
	cat "$T/stale"
	grep -q "$M.*fusermount3 -u $M" "$T/stale"
	fusermount3 -u "$M"
}

@test "the daemon is killed and started again on its cache" {
	stored "$A"
	mount_scripted
	cmp "$A" "$N/app/1.0.0/app-1.0.0.tgz"
	crash
	control reset -X POST >/dev/null
	mount_scripted
	cmp "$A" "$N/app/1.0.0/app-1.0.0.tgz"
	[ "$(count 'method=GET&path=*/blobs/*')" = 0 ]
	unmount_at "$M"
}

@test "the daemon is killed in the middle of a pull" {
	local status=0
	stored "$BIG"
	mount_scripted
	fault '{"path": "*/blobs/*", "action": "hang", "after": 1000000}'
	background cat "$N/app/1.0.0/app-1.0.0.tgz"
	wait_until 60 saw 1 "method=GET&path=*$NS/app/blobs/*"
	crash
	ended "$JOB" || status=$?
	[ "$status" = 1 ]
	no_faults
	mount_scripted
	cmp "$BIG" "$N/app/1.0.0/app-1.0.0.tgz"
	unmount_at "$M"
	# What the first had got is not left lying about.
	[ "$(find "$T/cache" -type f -size +100k | wc -l)" = 1 ]
}

@test "the daemon is killed in the middle of a push" {
	local status=0
	stored "$A"
	mount_scripted
	fault '{"method": "PUT", "path": "*/blobs/uploads/*", "action": "hang", "count": -1}'
	background cp "$BIG" "$N/app/1.0.0/app-1.0.0.tgz"
	wait_until 60 saw 1 "method=PUT&path=*$NS/app/blobs/uploads/*"
	crash
	ended "$JOB" || status=$?
	[ "$status" = 1 ]
	no_faults
	published "$A"
	mount_scripted
	says "unpublished file of a process that ended was kept: $T/cache/failed/"
	cmp "$BIG" "$T"/cache/failed/*
	cmp "$A" "$N/app/1.0.0/app-1.0.0.tgz"
	cp "$BIG" "$N/app/1.0.0/app-1.0.0.tgz"
	published "$BIG"
	unmount_at "$M"
}

@test "the same version pushed from two mounts at once" {
	local first second status
	mount_scripted
	CACHE=$T/cache2 mount_at "$T/second" "oci://$SCRIPTED" ttl=0
	mkdir -p "$N" "$T/second/$NS"
	for _ in 1 2 3 4 5; do
		status=0
		cp "$A" "$N/app-1.0.0.tgz" 3>&- &
		first=$!
		cp "$OTHER" "$T/second/$NS/app-1.0.0.tgz" 3>&- &
		second=$!
		wait "$first" || status=$?
		wait "$second" || status=$?
		[ "$status" = 0 ]
		published "$A" || published "$OTHER"
		# Both see the one that it is.
		cp "$N/app/1.0.0/app-1.0.0.tgz" "$T/seen"
		published "$T/seen"
		cmp "$T/seen" "$T/second/$NS/app/1.0.0/app-1.0.0.tgz"
	done
	unmount_at "$M"
	unmount_at "$T/second"
}

@test "who may not push into a repository is told so by the next open, for a while" {
	local opened=(dd if=/dev/null conv=notrunc status=none)
	mount_chartfs "oci://$SCRIPTED" ttl=600
	mkdir -p "$N/app/1.0.0" "$N/app/2.0.0"
	fault '{"method": "POST", "path": "*/'"$NS"'/app/blobs/uploads/*", "action": "status", "status": 403, "count": -1}'
	fails "failed to close" cp "$A" "$N/app-1.0.0.tgz"
	control reset -X POST >/dev/null
	fails "Permission denied" "${opened[@]}" of="$N/app-1.0.0.tgz"
	says "open /$NS/app-1.0.0.tgz: refused just now: push to $SCRIPTED/$NS/app: .*answers 403"
	cmp "$A" "$N/app-1.0.0.tgz"
	[ "$(count 'method=*')" = 0 ]
	# The same repository in other places, and no other repository.
	fails "Permission denied" "${opened[@]}" of="$N/app-2.0.0.tgz"
	fails "Permission denied" "${opened[@]}" of="$N/app/app-2.0.0.tgz"
	fails "Permission denied" "${opened[@]}" of="$N/app/2.0.0/x.tgz"
	"${opened[@]}" of="$N/app-1.0.0.tgz.part"
	"${opened[@]}" of="$N/web-1.0.0.tgz"
	"${opened[@]}" of="$N/x.tgz"
	rm "$N/web-1.0.0.tgz" "$N/x.tgz" "$N/app-1.0.0.tgz.part"
	no_faults
	# Who has the right by now waits for ten seconds at most; a login is seen within one.
	write_credentials "$SCRIPTED" user:secret
	wait_until 5 cp "$A" "$N/app-1.0.0.tgz"
	published "$A"
	fault '{"method": "POST", "path": "*/'"$NS"'/app/blobs/uploads/*", "action": "status", "status": 403, "count": -1}'
	fails "Permission denied" cp "$OTHER" "$N/app/1.0.0/app-1.0.0.tgz"
	fails "Permission denied" "${opened[@]}" of="$N/app/1.0.0/app-1.0.0.tgz"
	no_faults
	# What is published is still there.
	[ "$(ls "$N")" = app ]
	cmp "$A" "$N/app/1.0.0/app-1.0.0.tgz"
	wait_until 20 cp "$OTHER" "$N/app/1.0.0/app-1.0.0.tgz"
	published "$OTHER"
}

@test "a file that is opened while it is being pushed: to read it, to write it anew" {
	local reader writer
	mount_scripted
	mkdir -p "$N"
	fault '{"method": "PUT", "path": "*/manifests/*", "action": "delay", "seconds": 2}'
	background cp "$A" "$N/app-1.0.0.tgz"
	wait_until 60 saw 1 "method=PUT&path=*$NS/app/manifests/*"
	cat "$N/app-1.0.0.tgz" >"$T/read" 2>"$T/read.err" 3>&- &
	reader=$!
	cp "$OTHER" "$N/app-1.0.0.tgz" 2>"$T/write.err" 3>&- &
	writer=$!
	ended "$JOB"
	wait "$reader" || { cat "$T/read.err"; return 1; }
	wait "$writer" || { cat "$T/write.err"; return 1; }
	cmp "$A" "$T/read" || cmp "$OTHER" "$T/read"
	published "$OTHER"
	unmount_at "$M"
	[ -z "$(find "$T/cache/spool" "$T/cache/failed" -type f)" ]
}

@test "a renamed file that is opened while it is being pushed: to write it anew" {
	mount_scripted
	mkdir -p "$N"
	touch "$N/.new"
	mv "$N/.new" "$N/name.tgz"
	fault '{"method": "PUT", "path": "*/manifests/*", "action": "delay", "seconds": 2, "count": 1}'
	background cp "$A" "$N/name.tgz"
	wait_until 30 saw 1 "method=PUT&path=*$NS/app/manifests*"
	cp "$OTHER" "$N/name.tgz"
	ended "$JOB"
	published "$OTHER"
}

@test "a version is replaced though each lookup takes longer than a second" {
	stored "$A"
	start_relay "${SCRIPTED#*:}"
	mount_chartfs "oci://$RELAY" ttl=0
	cmp "$A" "$N/app/1.0.0/app-1.0.0.tgz"
	relay set '{"delay": 600}'
	cp "$OTHER" "$N/app/1.0.0/app-1.0.0.tgz"
	relay set '{"delay": 0}'
	published "$OTHER"
	cmp "$OTHER" "$N/app/1.0.0/app-1.0.0.tgz"
	unmount_at "$M"
}

@test "two mounts on one cache fetch a blob once" {
	local first second
	stored "$BIG"
	mount_scripted "timeout=60"
	mount_at "$T/second" "oci://$SCRIPTED" timeout=60
	fault '{"path": "*/blobs/*", "action": "hang", "after": 1000000}'
	control reset -X POST >/dev/null
	cat "$N/app/1.0.0/app-1.0.0.tgz" >"$T/one" 3>&- &
	first=$!
	wait_until 60 saw 1 "method=GET&path=*$NS/app/blobs/*"
	cat "$T/second/$NS/app/1.0.0/app-1.0.0.tgz" >"$T/two" 3>&- &
	second=$!
	wait_until 60 saw 2 "method=GET&path=*$NS/app/manifests/*"
	# The first is cut and asks again, the second waits for it.
	no_faults
	wait "$first"
	wait "$second"
	cmp "$BIG" "$T/one"
	cmp "$BIG" "$T/two"
	[ "$(control "log?method=GET&path=*$NS/app/blobs/*" | jq '[.[] | select(.status == 200 and .sent > 3000000)] | length')" -le 2 ]
	unmount_at "$M"
	unmount_at "$T/second"
}

@test "the disk of the cache is full" {
	mkdir "$T/small"
	mount -t tmpfs -o size=2m,mode=700 tmpfs "$T/small" 2>/dev/null || skip "only root can mount a tmpfs"
	stored "$BIG"
	mkdir -m 700 "$T/small/cache"
	CACHE=$T/small/cache mount_scripted
	fails "No space left on device" cat "$N/app/1.0.0/app-1.0.0.tgz"
	mkdir -p "$M/full$NS"
	fails "No space left on device" cp "$BIG" "$M/full$NS/app-1.0.0.tgz"
	[ "$(scripted_tag "full$NS/app" 1.0.0)" = null ]
	says "write /full.*: writing app-1.0.0.tgz: the cache directory .* is full; make room there"
	rm -f "$M/full$NS/app-1.0.0.tgz"
	# What fits still works.
	cp "$A" "$M/full$NS/"
	cmp "$A" "$M/full$NS/app/1.0.0/app-1.0.0.tgz"
	unmount_at "$M"
	umount "$T/small"
}

@test "more than cache_size is refused at the write" {
	mount_scripted "cache_size=1G"
	mkdir -p "$N/.scratch"
	fails "No space left on device" dd if=/dev/zero of="$N/.scratch/x" bs=4096 count=1 seek=300000
	fails "No space left on device" truncate -s 2G "$N/.scratch/y"
	fails "No space left on device" dd if=/dev/zero of="$N/app-1.0.0.tgz" bs=4096 count=1 seek=300000
	says "cache_size"
	# What was refused is not counted.
	truncate -s 1000M "$N/.scratch/z"
	rm -r "$N/.scratch"
	truncate -s 0 "$N/app-1.0.0.tgz"
	rm "$N/app-1.0.0.tgz"
	cp "$A" "$N/"
	published "$A"
}

@test "the cache is emptied while it is in use" {
	stored "$A"
	mount_scripted
	cmp "$A" "$N/app/1.0.0/app-1.0.0.tgz"
	find "$T/cache" -mindepth 1 -delete
	[ ! -e "$T/cache/blobs" ]
	curl -fsS --data-binary "@$OTHER" "$CONTROL/archive?repository=$NS/app&tag=2.0.0" >/dev/null
	cmp "$OTHER" "$N/app/2.0.0/app-2.0.0.tgz"
}

@test "a cache directory of others, or open to others, is refused" {
	chmod 755 "$T/cache"
	run "$CHARTFS" -o "cache_dir=$T/cache" "oci://$SCRIPTED" "$M"
	[ "$status" = 1 ]
	[[ "$output" == *"$T/cache"*"chmod"* ]]
	[ "$(id -u)" = 0 ] || skip "only root can give a directory away"
	chmod 700 "$T/cache"
	chown 12345 "$T/cache"
	run "$CHARTFS" -o "cache_dir=$T/cache" "oci://$SCRIPTED" "$M"
	chown 0 "$T/cache"
	[ "$status" = 1 ]
	[[ "$output" == *"$T/cache"*"belong"* ]]
	not is_mounted "$M"
}
