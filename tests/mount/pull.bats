#!/usr/bin/env bats
# Reading is pulling: bytes, sharing, failures and sizes (DESIGN 3).

load lib

setup_file() {
	start_registry
	local dir=$BATS_FILE_TMPDIR
	make_chart app 1.0.0 "$dir/app-1.0.0.tgz"
	make_chart app 1.1.0 "$dir/app-1.1.0.tgz"
	make_chart big 1.0.0 "$dir/big-1.0.0.tgz" --size 30000000
	export A=$dir/app-1.0.0.tgz B=$dir/app-1.1.0.tgz BIG=$dir/big-1.0.0.tgz
	push_chart ns/app 1.0.0 "$A"
	push_chart ns/app 1.1.0 "$B"
	push_chart ns/big 1.0.0 "$BIG"
}

teardown_file() {
	clean_up
}

setup() {
	begin
}

teardown() {
	finish
}

# The errno's name that opening a file ends with.
errno_of() {
	python3 - "$1" <<-'END'
	import errno, sys
	try:
	    open(sys.argv[1]).close()
	    print("OK")
	except OSError as error:
	    print(errno.errorcode[error.errno])
	END
}

resident() { # PID: private memory in kB
	sed -n 's/^RssAnon:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$1/status"
}

is_sanitized() {
	nm "$CHARTFS" 2>/dev/null | grep -Eq '__(asan|tsan)_init'
}

@test "cp, cat, dd, tar and sha256sum read what was pushed" {
	mount_chartfs
	v=$M/ns/app/1.0.0/app-1.0.0.tgz
	cp "$v" "$T/cp" && cmp "$A" "$T/cp"
	cat "$v" | cmp - "$A"
	dd if="$v" of="$T/dd" bs=7 status=none && cmp "$A" "$T/dd"
	[ "$(tar xzOf "$v" app/Chart.yaml)" = "$(tar xzOf "$A" app/Chart.yaml)" ]
	[ "$(sha256_of "$v")" = "$(chart_digest ns/app 1.0.0)" ]
	cmp "$BIG" "$M/ns/big/1.0.0/big-1.0.0.tgz"
	rsync -a "$M/ns/" "$T/rsync"
	cmp "$B" "$T/rsync/app/1.1.0/app-1.1.0.tgz"
}

@test "helm shows and pulls out of the mount" {
	need_helm helm-4
	mount_chartfs
	"$PEERS/helm-4" show chart "$M/ns/app/1.0.0/app-1.0.0.tgz" | grep -q '^version: 1.0.0'
	"$PEERS/helm-4" template x "$M/ns/app-1.0.0.tgz" | grep -q ConfigMap
}

@test "what has been read is there when the registry is gone, while it is fresh" {
	mount_chartfs "oci://$REGISTRY" ttl=600
	cat "$M/ns/app/1.0.0/app-1.0.0.tgz" >/dev/null
	kill -STOP "$REGISTRY_PID"
	cmp "$A" "$M/ns/app/1.0.0/app-1.0.0.tgz"
	ls "$M/ns/app"
	kill -CONT "$REGISTRY_PID"
}

@test "a second mount with the same cache downloads nothing again" {
	mount_chartfs
	cat "$M/ns/big/1.0.0/big-1.0.0.tgz" >/dev/null
	mark_requests
	mount_at "$T/2" "oci://$REGISTRY"
	cmp "$BIG" "$T/2/ns/big/1.0.0/big-1.0.0.tgz"
	! requests_since | grep -q /blobs/ || false
}

@test "wrong bytes are EIO, told, and never shown; the right ones are fetched again" {
	mount_chartfs
	push_chart wrong/app 1.0.0 "$B"
	digest=$(chart_digest wrong/app 1.0.0)
	file=$(stored_blob wrong/app "$digest")
	cp "$file" "$T/kept"
	tr 'a-z' 'b-za' <"$T/kept" >"$file"
	[ "$(errno_of "$M/wrong/app/1.0.0/app-1.0.0.tgz")" = EIO ]
	log_of | grep -q "$digest"
	[ -z "$(find "$T/cache/blobs" -type f -name "*${digest:9:20}*")" ]
	head -c 100 "$T/kept" >"$file"
	[ "$(errno_of "$M/wrong/app/1.0.0/app-1.0.0.tgz")" = EIO ]
	cp "$T/kept" "$file"
	cmp "$B" "$M/wrong/app/1.0.0/app-1.0.0.tgz"
}

@test "a blob that the registry has lost is told" {
	mount_chartfs
	make_chart lost 1.0.0 "$T/lost.tgz"
	push_chart lost/lost 1.0.0 "$T/lost.tgz"
	rm "$(stored_blob lost/lost "$(chart_digest lost/lost 1.0.0)")"
	[ "$(errno_of "$M/lost/lost/1.0.0/lost-1.0.0.tgz")" != OK ]
	log_of | grep -q lost/lost
}

@test "a registry that is not there is no missing file" {
	port=$(free_port)
	mount_chartfs "oci://127.0.0.1:$port/ns"
	[ "$(errno_of "$M/app/1.0.0/app-1.0.0.tgz")" = EHOSTUNREACH ]
	run ls "$M"
	[ "$status" != 0 ]
	[[ $output == *"No route to host"* ]]
	log_of | grep -q "$port"
}

@test "a registry that goes and comes back" {
	start_registry
	push_chart ns/app 1.0.0 "$A"
	mount_chartfs "oci://$REGISTRY" ttl=0,timeout=2
	ls "$M/ns/app"
	stop_process "$REGISTRY_PID"
	run ls "$M/ns/app"
	[ "$status" != 0 ]
	[[ $output != *"No such file"* ]]
	restart_registry
	[ "$(ls "$M/ns/app")" = 1.0.0 ]
	cmp "$A" "$M/ns/app/1.0.0/app-1.0.0.tgz"
	stop_process "$REGISTRY_PID"
}

@test "behind a password: with it, without it, with a wrong one" {
	start_registry htpasswd
	push_chart ns/app 1.0.0 "$A"
	write_credentials "$REGISTRY" "$REGISTRY_USER"
	mount_chartfs
	cmp "$A" "$M/ns/app/1.0.0/app-1.0.0.tgz"
	ls "$M" | grep -qx ns
	write_credentials "$REGISTRY" user:wrong
	mount_at "$T/wrong" "oci://$REGISTRY"
	[ "$(errno_of "$T/wrong/ns/app/1.0.0/app-1.0.0.tgz")" = EACCES ]
	run ls "$T/wrong"
	[[ $output == *"Permission denied"* ]]
	grep -q login "$T/wrong.log"
	rm "$HOME/.config/helm/registry/config.json"
	mount_at "$T/none" "oci://$REGISTRY"
	run ls "$T/none/ns"
	[[ $output == *"Permission denied"* ]]
	# One cache, but nothing of another's in it.
	run ls "$T/none/ns/app/1.0.0"
	[ "$status" != 0 ]
	stop_process "$REGISTRY_PID"
}

@test "a tag that moves gives new bytes within ttl, and open files keep theirs" {
	mount_chartfs "oci://$REGISTRY" ttl=1
	push_chart moves/app 1.0.0 "$A"
	v=$M/moves/app/1.0.0/app-1.0.0.tgz
	exec 7<"$v"
	push_chart moves/app 1.0.0 "$B"
	is_new() {
		cmp -s "$B" "$v"
	}
	wait_until 30 is_new
	cmp "$A" /dev/fd/7
	exec 7<&-
}

@test "a tag that moves to a manifest of the same chart shows the other one's time" {
	created() { # SECONDS: pushes the manifest with this time
		manifest_of times/app 1.0.0 | jq -c --arg time "$1" '.annotations["org.opencontainers.image.created"] = $time' |
			ask -f -X PUT -H "Content-Type: ${ACCEPT#* }" --data-binary @- "http://$REGISTRY/v2/times/app/manifests/1.0.0"
	}
	shows() { # SECONDS
		[ "$(stat -c %Y "$v")" = "$1" ]
	}
	push_chart times/app 1.0.0 "$A"
	created 2020-01-01T00:00:00Z
	mount_chartfs "oci://$REGISTRY" ttl=1
	v=$M/times/app/1.0.0/app-1.0.0.tgz
	shows 1577836800
	local inode
	inode=$(stat -c %i "$v")
	created 2021-01-01T00:00:00Z
	wait_until 30 shows 1609459200
	[ "$(stat -c %i "$v")" = "$inode" ]
	# what the user sets holds until then
	python3 -c 'import os, sys; os.utime(sys.argv[1], (1e9, 1e9))' "$v"
	sleep 2
	shows 1000000000
}

@test "a file of any title that was not there appears" {
	push_artifact free/files 1.0.0 one.txt="$A"
	mount_chartfs "oci://$REGISTRY" ttl=1
	v=$M/free/files/1.0.0
	run cat "$v/Read me (1).txt"
	[ "$status" != 0 ]
	run cat "$v/data.tgz.part"
	[ "$status" != 0 ]
	push_artifact free/files 1.0.0 "Read me (1).txt=$A" data.tgz.part="$B"
	wait_until 30 cmp "$A" "$v/Read me (1).txt"
	cmp "$B" "$v/data.tgz.part"
}

@test "an empty registry" {
	start_registry
	mount_chartfs
	[ -z "$(ls "$M")" ]
	[ ! -e "$M/ns" ]
	stop_process "$REGISTRY_PID"
}

@test "1,200 versions: their order, one request a page, little memory" {
	push_chart many/app 1.0 "$A" --count 1200 >/dev/null
	mount_chartfs "oci://$REGISTRY" ttl=600
	ls "$M" >/dev/null
	mark_requests
	[ "$(ls -U "$M/many/app" | wc -l)" = 1200 ]
	# Distribution 2 gives all at once; others a thousand, and a second page.
	[ "$(requests_since | grep -c '^GET /v2/many/app/tags/list')" = "$(requests_since | wc -l)" ]
	if [ "$REGISTRY_KIND" = distribution-2 ]; then
		[ "$(requests_since)" = "GET /v2/many/app/tags/list?n=1000" ]
	else
		[ "$(requests_since | wc -l)" -le 2 ]
	fi
	diff <(ls -U "$M/many/app") <(seq -f '1.0.%g' 1200)
	[ "$(ls -l "$M/many/app" | grep -c '^d')" = 1200 ]
	ls -f "$M/many/app" >/dev/null
	is_sanitized || [ "$(resident "$CHARTFS_PID")" -le 6144 ]
}

@test "300 repositories, nested ones among them" {
	start_registry
	repositories=()
	for i in $(seq 150); do
		repositories+=("ns/app$i" "deep/$((i % 10))x/sub$i")
	done
	spread_chart 1.0.0 "$A" "${repositories[@]}" >/dev/null
	mount_chartfs
	[ "$(ls "$M/ns" | wc -l)" = 150 ]
	[ "$(find "$M/deep" -mindepth 2 -maxdepth 2 | wc -l)" = 150 ]
	[ "$(find "$M" -name '*.tgz' | wc -l)" = 300 ]
	stop_process "$REGISTRY_PID"
}

@test "a large file leaves no trace in memory, and read again the daemon only opens it" {
	head -c 100000000 /dev/zero | tr '\0' x >"$T/large"
	push_artifact large/file 1.0.0 large.bin="$T/large"
	mount_chartfs "oci://$REGISTRY" ttl=600
	cmp "$T/large" "$M/large/file/1.0.0/large.bin"
	is_sanitized || [ "$(resident "$CHARTFS_PID")" -le 8192 ]
}
