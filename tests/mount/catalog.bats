#!/usr/bin/env bats
# A registry that answers everything but its catalog: what is there is found, read and pushed by
# its name, and nobody waits for the catalog twice.

load lib
load faults

setup_file() {
	local dir=$BATS_FILE_TMPDIR
	start_scripted
	make_chart app 1.0.0 "$dir/app-1.0.0.tgz"
	make_chart other 2.0.0 "$dir/other-2.0.0.tgz"
	export A=$dir/app-1.0.0.tgz OTHER=$dir/other-2.0.0.tgz
}

teardown_file() {
	clean_up
}

setup() {
	begin
	NS=ns$BATS_TEST_NUMBER
	N=$M/$NS
	no_faults
	control reset -X POST >/dev/null
	curl -fsS --data-binary "@$A" "$CONTROL/archive?repository=$NS/app&tag=1.0.0" >/dev/null
}

teardown() {
	no_faults
	finish
}

# How a catalog fails, by a word.
catalog_is() { # broken|hanging|nonsense
	local answer
	case $1 in
	broken) answer='"action": "status", "status": 500' ;;
	hanging) answer='"action": "hang"' ;;
	nonsense) answer='"action": "replace", "body": "<html>"' ;;
	esac
	fault "{\"path\": \"/v2/_catalog\", $answer, \"count\": -1}"
}

# works_by_name ERROR: what is there by its names; listings of namespaces fail with that error.
works_by_name() {
	stat "$N/app/1.0.0" >/dev/null
	[ "$(ls "$N/app")" = 1.0.0 ]
	[ "$(ls "$N/app/1.0.0")" = app-1.0.0.tgz ]
	cmp "$A" "$N/app/1.0.0/app-1.0.0.tgz"
	cmp "$A" "$N/app-1.0.0.tgz"
	run ls -d "$N/.git" "$N/README.md" "$N/app/9.9.9" "$N/app/none"
	[ "$(grep -c 'No such file' <<<"$output")" = 4 ]
	[ -d "$N/new" ]
	fails "$1" ls "$N"
	fails "$1" ls "$N/new"
	fails "$1" ls "$M"
	[ "$(count 'path=/v2/_catalog')" -le 6 ]
	[ "$(log_of | grep -c 'warning: .*catalog of .*names are found without it')" = 1 ]
}

@test "a catalog that fails is none that is waited for, and no reason to fail" {
	catalog_is broken
	mount_chartfs "oci://$SCRIPTED" ttl=600,timeout=3
	works_by_name "Input/output error"
	# Tried again when that time is over, and all is listed.
	unmount_at "$M"
	mount_chartfs "oci://$SCRIPTED" ttl=1,timeout=3
	[ "$(ls "$N/app")" = 1.0.0 ]
	no_faults
	wait_until 60 ls "$N"
	[ "$(ls "$N")" = app ]
	[ ! -e "$N/new" ]
}

@test "a catalog that hangs is waited for once" {
	local since
	catalog_is hanging
	mount_chartfs "oci://$SCRIPTED" ttl=600,timeout=3
	works_by_name "timed out"
	[ "$(count 'path=/v2/_catalog')" = 1 ]
	unmount_at "$M"
	# Later it is tried again, but by nobody who only wants a chart.
	mount_chartfs "oci://$SCRIPTED" ttl=0,timeout=6
	stat "$N/app" >/dev/null
	[ "$(ls "$N/app")" = 1.0.0 ]
	sleep 7
	since=$(now_ms)
	[ "$(ls "$N/app")" = 1.0.0 ]
	[ -d "$N/new" ]
	[ $(($(now_ms) - since)) -lt 5000 ]
	wait_until 10 saw 3 'path=/v2/_catalog'
}

@test "a catalog that is none" {
	catalog_is nonsense
	mount_chartfs "oci://$SCRIPTED" ttl=600,timeout=3
	works_by_name "Input/output error"
}

@test "a source that is the chart needs no catalog" {
	catalog_is broken
	mount_chartfs "oci://$SCRIPTED/$NS/app" timeout=3
	[ "$(ls "$M")" = 1.0.0 ]
	cmp "$A" "$M/1.0.0/app-1.0.0.tgz"
}

@test "what -o repository= gives is found and listed though the catalog fails" {
	catalog_is broken
	mount_chartfs "oci://$SCRIPTED" "ttl=600,timeout=3,repository=$NS/app,repository=$NS/gone"
	stat "$N" >/dev/null
	[ "$(count 'path=/v2/_catalog')" = 0 ]
	[ "$(ls "$N" | tr '\n' ' ')" = "app gone " ]
	[ "$(ls "$M")" = "$NS" ]
	[ "$(ls "$N/app")" = 1.0.0 ]
	fails "Input/output error" ls "$M/elsewhere"
}

@test "pushing into a registry whose catalog fails" {
	catalog_is broken
	mount_chartfs "oci://$SCRIPTED" timeout=3
	mkdir -p "$N/made/app/1.0.0" "$N/plain"
	cp "$A" "$N/made/app/1.0.0/"
	cp "$OTHER" "$N/plain/"
	cmp "$A" "$N/made/app/1.0.0/app-1.0.0.tgz"
	[ "$(ls "$N/plain/other")" = 2.0.0 ]
	mkdir -p "$T/from/app/1.0.0" "$T/from/other/2.0.0"
	cp -p "$A" "$T/from/app/1.0.0/"
	cp -p "$OTHER" "$T/from/other/2.0.0/"
	tar c -C "$T/from" . | (mkdir -p "$N/tar" && tar x -C "$N/tar")
	rsync -a "$T/from/" "$N/rsync/"
	cp -r "$T/from/app" "$N/plain/"
	rsync -a "$T/from/" "$N/rsync/"
	for place in made/app:1.0.0 tar/app:1.0.0 tar/other:2.0.0 rsync/app:1.0.0 rsync/other:2.0.0 \
		plain/app:1.0.0 plain/other:2.0.0; do
		[ "$(scripted_tag "$NS/${place%:*}" "${place#*:}")" != null ]
	done
}

@test "refused credentials and a registry that is away are told as such" {
	catalog_is broken
	mount_chartfs "oci://$SCRIPTED" ttl=0,timeout=2
	fault '{"path": "/v2/", "action": "status", "status": 403, "count": -1}'
	fails "Permission denied" stat "$N"
	no_faults
	fault '{"action": "hang", "count": -1}'
	mount_at "$T/second" "oci://$SCRIPTED" timeout=2
	fails "timed out" stat "$T/second/$NS"
	fails "timed out" ls "$T/second"
}
