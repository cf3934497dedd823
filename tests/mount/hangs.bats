#!/usr/bin/env bats
# Nobody waits for what he has not asked for: registries that say nothing, signals, name servers.
#
# The bar is one second; what is asserted leaves room for a busy machine, the times are printed.
# alone: what may take a second at most is asked of a machine that does little else

load lib
load faults

setup_file() {
	local dir=$BATS_FILE_TMPDIR
	start_scripted
	start_registry
	make_chart app 1.0.0 "$dir/app-1.0.0.tgz"
	make_chart app 1.0.0 "$dir/big.tgz" --size 4000000
	push_chart warm/app 1.0.0 "$dir/app-1.0.0.tgz"
	push_chart cold/app 1.0.0 "$dir/app-1.0.0.tgz"
	control charts -d '{"repository": "many/app", "count": 200}' >/dev/null
	export A=$dir/app-1.0.0.tgz BIG=$dir/big.tgz
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
}

teardown() {
	no_faults
	finish
}

pids_are_gone() {
	local pid
	for pid in "$@"; do
		is_gone_or_zombie "$pid" || return 1
	done
}

# killed WHAT PID...: SIGKILL ends them soon.
killed() {
	local what=$1 since
	shift
	since=$(now_ms)
	kill -KILL "$@"
	wait_until 10 pids_are_gone "$@"
	echo "# $what: $(($(now_ms) - since)) ms" >&3
	[ $(($(now_ms) - since)) -lt 5000 ]
}

@test "200 blocked opens on one registry, and all others go on" {
	local pids=() file first
	mount_chartfs oci:// ttl=600,timeout=600
	ls "$M/$REGISTRY/warm/app" >/dev/null
	# Manifests are at hand, blobs never come.
	ls "$M/$SCRIPTED/many/app"/*/ >/dev/null
	fault '{"path": "*/blobs/*", "action": "hang", "count": -1}'
	for file in "$M/$SCRIPTED/many/app"/*/*.tgz; do
		cat "$file" >/dev/null 2>&1 3>&- 4>&- &
		pids+=($!)
	done
	[ "${#pids[@]}" = 200 ]
	wait_until 60 saw 32 "method=GET&path=*/blobs/*"
	within 5 "df" df "$M"
	within 5 "warm ls of another registry" ls "$M/$REGISTRY/warm/app"
	within 5 "warm ls of the registry that hangs" ls "$M/$SCRIPTED/many/app"
	within 5 "cold cp from another registry" cp "$M/$REGISTRY/cold/app/1.0.0/app-1.0.0.tgz" "$T/"
	killed "kill of one that waits for the registry" "${pids[0]}"
	killed "kill of one in the queue" "${pids[199]}"
	killed "kill of ten" "${pids[@]:1:10}"
	within 5 "df again" df "$M"
	killed "kill of all" "${pids[@]:11}"
	no_faults
	first=$(echo "$M/$SCRIPTED/many/app"/*/*.tgz | cut -d' ' -f1)
	within 10 "the registry is back" cat "$first"
	unmount_at "$M"
}

@test "two blocked lookups in one directory, each killed" {
	local first second
	control repositories -d '{"names": ["hang/one", "hang/two"]}' >/dev/null
	mount_chartfs "oci://$SCRIPTED" timeout=600
	ls "$M" >/dev/null
	fault '{"path": "*/tags/list", "action": "hang", "count": -1}'
	stat "$M/nothing-one" >/dev/null 2>&1 3>&- &
	first=$!
	wait_until 60 saw 1 "path=/v2/nothing-one/tags/list"
	stat "$M/nothing-two" >/dev/null 2>&1 3>&- &
	second=$!
	# Both are in flight: the second is not behind the directory's lock.
	wait_until 60 saw 1 "path=/v2/nothing-two/tags/list"
	not is_gone_or_zombie "$first"
	killed "kill of the second lookup" "$second"
	not is_gone_or_zombie "$first"
	killed "kill of the first lookup" "$first"
	within 5 "df" df "$M"
	unmount_at "$M"
}

@test "a lookup and an opendir that hang end when the mount is unmounted by a signal" {
	local job
	mount_chartfs "oci://$SCRIPTED" timeout=600
	ls "$M" >/dev/null
	fault '{"path": "*/tags/list", "action": "hang", "count": -1}'
	stat "$M/nothing-one" >/dev/null 2>&1 3>&- &
	job=$!
	wait_until 60 saw 1 "path=*/tags/list"
	kill -TERM "$CHARTFS_PID"
	ended "$CHARTFS_PID" 30
	wait_until 30 is_gone_or_zombie "$job"
	not is_mounted "$M"
}

# A program with a handler for SIGWINCH writes $BIG to FILE and tells what close said.
write_program() {
	cat >"$T/writer.py" <<-'END'
	import os, signal, sys
	seen = []
	signal.signal(signal.SIGWINCH, lambda number, frame: seen.append(number))
	data = open(sys.argv[1], "rb").read()
	fd = os.open(sys.argv[2], os.O_CREAT | os.O_WRONLY)
	at = 0
	while at < len(data):
	    at += os.write(fd, data[at:at + 65536])
	os.close(fd)
	print("closed", len(seen) > 0)
	END
}

@test "SIGWINCH in the middle of a push does not break it" {
	write_program
	mount_chartfs "oci://$SCRIPTED" timeout=600
	mkdir -p "$N"
	fault '{"method": "PUT", "path": "*/blobs/uploads/*", "action": "slow", "count": -1, "seconds": 600}' \
		'{"method": "PUT", "path": "*/manifests/*", "action": "delay", "seconds": 600}'
	background python3 "$T/writer.py" "$BIG" "$N/app-1.0.0.tgz"
	wait_until 60 saw 1 "method=PUT&path=*/blobs/uploads/*"
	for _ in 1 2 3 4 5; do
		kill -WINCH "$JOB"
		sleep 0.1
	done
	not is_gone_or_zombie "$JOB"
	no_faults
	ended "$JOB"
	[ "$(cat "$T/job")" = "closed True" ]
	curl -fsS "$CONTROL/manifest?repository=$NS/app&reference=1.0.0" | grep -q "$(sha256_of "$BIG")"
	unmount_at "$M"
}

@test "SIGKILL ends a push, and nothing is published" {
	write_program
	mount_chartfs "oci://$SCRIPTED" timeout=600
	mkdir -p "$N"
	fault '{"method": "PUT", "path": "*/blobs/uploads/*", "action": "delay", "seconds": 600, "count": -1}'
	background python3 "$T/writer.py" "$BIG" "$N/app-1.0.0.tgz"
	wait_until 60 saw 1 "method=PUT&path=*/blobs/uploads/*"
	kill -WINCH "$JOB"
	killed "kill of a push" "$JOB"
	no_faults
	wait_until 30 says "app-1.0.0.tgz was not published"
	[ "$(scripted_tag "$NS/app" 1.0.0)" = null ]
	# Its name is free again.
	cp "$A" "$N/app-1.0.0.tgz"
	[ "$(scripted_tag "$NS/app" 1.0.0)" != null ]
	unmount_at "$M"
}

@test "Ctrl-C of a cp cancels its push" {
	mount_chartfs "oci://$SCRIPTED" timeout=600
	mkdir -p "$N"
	fault '{"method": "POST", "path": "*/blobs/uploads/*", "action": "delay", "seconds": 600, "count": -1}'
	# A shell's background jobs ignore SIGINT.
	background python3 -c 'import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execvp("cp", sys.argv[1:])' cp "$A" "$N/"
	wait_until 60 saw 1 "method=POST&path=*/blobs/uploads/*"
	kill -INT "$JOB"
	wait_until 5 is_gone_or_zombie "$JOB"
	no_faults
	[ "$(scripted_tag "$NS/app" 1.0.0)" = null ]
	unmount_at "$M"
}

@test "SIGTERM of the daemon in the middle of a push: the push is finished first" {
	mount_chartfs "oci://$SCRIPTED" timeout=600
	mkdir -p "$N"
	fault '{"method": "PUT", "path": "*/manifests/*", "action": "delay", "seconds": 600}'
	background cp "$BIG" "$N/app-1.0.0.tgz"
	wait_until 60 saw 1 "method=PUT&path=*/manifests/*"
	kill -TERM "$CHARTFS_PID"
	wait_until 30 says "after the pushes in progress"
	is_mounted "$M"
	not is_gone_or_zombie "$JOB"
	no_faults
	ended "$JOB"
	ended "$CHARTFS_PID"
	[ "$(scripted_tag "$NS/app" 1.0.0)" != null ]
	not is_mounted "$M"
}

@test "SIGTERM of the daemon in the middle of an upload: the push is finished first" {
	mount_chartfs "oci://$SCRIPTED" timeout=600
	mkdir -p "$N"
	fault '{"method": "POST", "path": "*/blobs/uploads/*", "action": "delay", "seconds": 600, "count": -1}'
	background cp "$BIG" "$N/app-1.0.0.tgz"
	wait_until 60 saw 1 "method=POST&path=*/blobs/uploads/*"
	kill -TERM "$CHARTFS_PID"
	wait_until 30 says "after the pushes in progress"
	no_faults
	ended "$JOB"
	ended "$CHARTFS_PID"
	[ "$(scripted_tag "$NS/app" 1.0.0)" != null ]
}

@test "a second SIGTERM does not wait for a push" {
	local status=0
	mount_chartfs "oci://$SCRIPTED" timeout=600
	mkdir -p "$N"
	fault '{"method": "POST", "path": "*/blobs/uploads/*", "action": "delay", "seconds": 600, "count": -1}'
	background cp "$BIG" "$N/app-1.0.0.tgz"
	wait_until 60 saw 1 "method=POST&path=*/blobs/uploads/*"
	kill -TERM "$CHARTFS_PID"
	wait_until 30 says "after the pushes in progress"
	kill -TERM "$CHARTFS_PID"
	ended "$CHARTFS_PID" 30
	ended "$JOB" || status=$?
	[ "$status" = 1 ]
	[ "$(scripted_tag "$NS/app" 1.0.0)" = null ]
	cmp "$BIG" "$T"/cache/failed/*
}

@test "a silent name server delays no other transfer" {
	local status=0 alone=(unshare --mount --net --pid --fork --kill-child --mount-proc)
	# An unmount out here is one in there too.
	alone+=(--propagation slave)
	[ "$(id -u)" = 0 ] || alone+=(--map-root-user)
	"${alone[@]}" true 2>/dev/null || skip "unshare is not allowed here"
	timeout -s KILL 120 "${alone[@]}" bash "$ROOT/tests/mount/nameserver.sh" "$T" "$A" \
		>"$T/out" 2>&1 3>&- 4>&- || status=$?
	grep ' ms$' "$T/out" | sed 's/^[# ]*/# /' >&3
	cat "$T/out"
	[ "$status" != 77 ] || skip "no mounts are possible in a namespace of its own"
	[ "$status" = 0 ]
	grep -qx "all well" "$T/out"
}

@test "fusermount3 -u ends the daemon well" {
	mount_chartfs "oci://$REGISTRY"
	mkdir -p "$N"
	cp "$A" "$N/"
	cat "$N/app/1.0.0/app-1.0.0.tgz" >/dev/null
	unmount_at "$M"
	says "is unmounted"
	[ -z "$(find "$T/cache/spool" "$T/cache/failed" -mindepth 1 2>/dev/null)" ]
	# In the background too, though requests hang.
	fault '{"action": "hang", "count": -1}'
	"$CHARTFS" -o "cache_dir=$T/cache,timeout=600" "oci://$SCRIPTED" "$M" 3>&- 4>&-
	is_mounted "$M"
	background ls "$M"
	wait_until 60 saw 1 "path=*"
	kill -KILL "$JOB"
	wait_until 10 is_gone_or_zombie "$JOB"
	fusermount3 -u "$M"
	wait_until 30 no_process_with "$M"
}

no_process_with() { # PART of its arguments
	! pgrep -f -- "$1" >/dev/null
}

@test "an ls in the middle of an unmount is no reason to hang" {
	mount_chartfs "oci://$SCRIPTED" timeout=600
	fault '{"action": "hang", "count": -1}'
	background ls "$M"
	wait_until 60 saw 1 "path=*"
	fusermount3 -uz "$M"
	kill -KILL "$JOB"
	ended "$CHARTFS_PID" 30
}
