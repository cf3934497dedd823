#!/usr/bin/env bats
# What things cost, counted by the registry's access log.

load lib

setup_file() {
	start_registry
	local dir=$BATS_FILE_TMPDIR
	make_chart app 1.0.0 "$dir/app-1.0.0.tgz"
	make_chart app 1.1.0 "$dir/app-1.1.0.tgz"
	export A=$dir/app-1.0.0.tgz B=$dir/app-1.1.0.tgz
	push_chart ns/app 1.0.0 "$A"
	push_chart ns/app 1.1.0 "$B"
	push_chart other/app 1.0.0 "$A"
}

teardown_file() {
	clean_up
}

setup() {
	begin
	mount_chartfs "oci://$REGISTRY" ttl=600
	# The connection is warm: the scheme is known.
	ls "$M" >/dev/null
}

teardown() {
	finish
}

since() {
	requests_since | tee "$T/requests"
}

@test "ls of a chart is one list of tags, again none" {
	mark_requests
	ls "$M/ns/app"
	[ "$(since)" = "GET /v2/ns/app/tags/list?n=1000" ]
	mark_requests
	ls "$M/ns/app"
	ls -l "$M/ns/app"
	[ -z "$(since)" ]
}

@test "a cold cp of one chart with its tags warm is two requests, again none" {
	ls "$M/ns/app"
	mark_requests
	cp "$M/ns/app/1.0.0/app-1.0.0.tgz" "$T/"
	cmp "$A" "$T/app-1.0.0.tgz"
	since | sed 's/sha256:.*/DIGEST/'
	[ "$(sed 's/sha256:.*/DIGEST/' "$T/requests")" = "$(printf '%s\n' "GET /v2/ns/app/manifests/1.0.0" "GET /v2/ns/app/blobs/DIGEST")" ]
	mark_requests
	cp "$M/ns/app/1.0.0/app-1.0.0.tgz" "$T/again"
	[ -z "$(since)" ]
}

@test "cold by name is at most five" {
	mount_at "$T/cold" "oci://$REGISTRY"
	mark_requests
	cp "$T/cold/ns/app/1.1.0/app-1.1.0.tgz" "$T/"
	cmp "$B" "$T/app-1.1.0.tgz"
	[ "$(since | grep -vcE ' /v2/$')" -le 5 ]
}

@test "an alias in a warm chart is the same two" {
	ls "$M/ns/app"
	mark_requests
	cp "$M/ns/app/app-1.1.0.tgz" "$T/"
	[ "$(since | wc -l)" = 2 ]
}

@test "names outside the grammar and tools' probes send nothing" {
	ls "$M/ns/app" "$M/ns/app/1.0.0"
	mark_requests
	for name in .git .Trash .DS_Store ._x .hidden HEAD Upper a..b x~ "a b" README.md .chart .oci; do
		[ ! -e "$M/$name" ]
		[ ! -e "$M/ns/$name" ]
		[ ! -e "$M/ns/app/$name" ]
		[ ! -e "$M/ns/app/1.0.0/$name" ]
	done
	since
	[ ! -s "$T/requests" ]
}

@test "df asks nobody" {
	mark_requests
	df "$M" >/dev/null
	stat -f "$M" >/dev/null
	[ -z "$(since)" ]
}

@test "ls -lR asks for no manifest it has, and each at most once" {
	ls -lR "$M" >/dev/null
	mark_requests
	ls -lR "$M" >/dev/null
	[ -z "$(since)" ]
}

@test "a push to a new name and its way back" {
	make_chart fresh 1.0.0 "$T/fresh-1.0.0.tgz"
	mkdir -p "$M/push$BATS_TEST_NUMBER"
	mark_requests
	cp "$T/fresh-1.0.0.tgz" "$M/push$BATS_TEST_NUMBER/"
	since
	[ "$(grep -c '^PUT .*/manifests/' "$T/requests")" = 1 ]
	[ "$(grep -c '^PUT .*/blobs/' "$T/requests")" = 2 ]
	# No request twice.
	! sort "$T/requests" | uniq -d | grep -v POST || false
	mark_requests
	cmp "$T/fresh-1.0.0.tgz" "$M/push$BATS_TEST_NUMBER/fresh/1.0.0/fresh-1.0.0.tgz"
	! since | grep -q /blobs/ || false
}

@test "64 readers of a cold chart cost one download" {
	ls "$M/other/app" >/dev/null
	mark_requests
	local pids=() i
	for i in $(seq 64); do
		cat "$M/other/app/1.0.0/app-1.0.0.tgz" >"$T/out.$i" &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i"
	done
	for i in $(seq 64); do
		cmp "$A" "$T/out.$i"
	done
	[ "$(since | grep -c /blobs/)" = 1 ]
}
