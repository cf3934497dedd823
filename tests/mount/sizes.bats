#!/usr/bin/env bats
# Many versions, many repositories, large files, and nothing at all: what is shown, and what it
# costs the daemon.

load lib
load faults

setup_file() {
	local dir=$BATS_FILE_TMPDIR
	start_registry
	start_scripted
	make_chart app 1.0.0 "$dir/app-1.0.0.tgz"
	make_chart big 1.0.0 "$dir/big-1.0.0.tgz" --size 80000000
	export A=$dir/app-1.0.0.tgz BIG=$dir/big-1.0.0.tgz
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

# memory_at_most KB WHAT: the daemon's private memory; of a build with sanitizers only printed.
memory_at_most() {
	local kb
	kb=$(sed -n 's/^RssAnon:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$CHARTFS_PID/status")
	echo "# RssAnon $2: $kb kB" >&3
	[ -n "${CHARTFS_SANITIZED:-}" ] || [ "$kb" -le "$1" ]
}

@test "1,000 versions listed" {
	control charts -d '{"repository": "many/app", "count": 1000, "same": true}' >/dev/null
	mount_chartfs "oci://$SCRIPTED"
	memory_at_most 4096 "after mounting"
	[ "$(ls "$M/many/app" | wc -l)" = 1000 ]
	memory_at_most 6144 "after listing 1,000 versions"
	[ "$(ls -l "$M/many/app" | grep -c ^d)" = 1000 ]
	memory_at_most 6144 "after ls -l of them"
	# A version that is pushed is in its place.
	make_chart app 0.5.0-rc.1 "$T/app-0.5.0-rc.1.tgz"
	cp "$T/app-0.5.0-rc.1.tgz" "$M/many/app/"
	[ "$(ls -U "$M/many/app" | sed -n '499,501p' | tr '\n' ' ')" = "0.4.99 0.5.0-rc.1 0.5.0 " ]
}

@test "20,000 tags by pages, none missing and none twice" {
	start_scripted --profile distribution-3
	control charts -d '{"repository": "ns/huge", "count": 20000, "same": true}' >/dev/null
	mount_chartfs "oci://$SCRIPTED" ttl=600
	ls -U "$M/ns/huge" >"$T/listed"
	[ "$(wc -l <"$T/listed")" = 20000 ]
	[ "$(sort -u "$T/listed" | wc -l)" = 20000 ]
	sort -V -c "$T/listed"
	memory_at_most 16384 "after listing 20,000 versions"
	[ "$(count 'path=/v2/ns/huge/tags/list')" = 20 ]
	# The names past the first thousands have their attributes too.
	[ -d "$M/ns/huge/1.99.99" ]
	[ "$(ls -l "$M/ns/huge" | grep -c ^d)" = 20000 ]
}

@test "300 repositories, nested, and one that is also a namespace" {
	local names=() i
	for i in $(seq 100); do
		names+=("$NS/flat$i" "$NS/a/b/c$i" "$NS/flat1/sub$i")
	done
	control repositories -d "$(printf '%s\n' "${names[@]}" | jq -R . | jq -s '{names: .}')" >/dev/null
	mount_chartfs "oci://$SCRIPTED"
	[ "$(ls "$N" | wc -l)" = 101 ]
	[ "$(ls "$N/a/b" | wc -l)" = 100 ]
	# A chart that is a namespace shows both.
	[ "$(ls "$N/flat1" | wc -l)" = 101 ]
	[ "$(ls -U "$N/flat1" | head -1)" = 0.1.0 ]
	cmp "$N/flat1/0.1.0/flat1-0.1.0.tgz" "$N/flat1/sub7/0.1.0/sub7-0.1.0.tgz"
	[ "$(find "$N" -name '*.tgz' | wc -l)" = 300 ]
	memory_at_most 6144 "after a walk through 300 repositories"
}

@test "an empty registry: the first push goes to a namespace that does not exist yet" {
	(
		start_registry
		mount_chartfs
		[ -z "$(ls -A "$M")" ]
		mkdir -p "$M/first/namespace"
		cp "$A" "$M/first/namespace/"
		[ "$(chart_digest first/namespace/app 1.0.0)" = "$(sha256_of "$A")" ]
		[ "$(cd "$M" && find . | sort | tr '\n' ' ')" = ". ./first ./first/namespace ./first/namespace/app ./first/namespace/app/1.0.0 ./first/namespace/app/1.0.0/app-1.0.0.tgz " ]
		unmount_at "$M"
	)
}

@test "a chart of 80 MB pushed and read" {
	mount_chartfs
	mkdir -p "$N"
	cp "$BIG" "$N/"
	memory_at_most 8192 "after pushing an 80 MB chart"
	unmount_at "$M"
	rm -r "$T/cache/blobs"
	mount_chartfs
	cmp "$BIG" "$N/big/1.0.0/big-1.0.0.tgz"
	memory_at_most 8192 "after reading an 80 MB chart"
}

# The kernel's requests in the log of a mount with -d, from its line LINES on.
kernel_asks() { # LINES
	tail -n "+$(($1 + 1))" "$M.log" | sed -n 's/^unique: [0-9]*, opcode: \([A-Z]*\) .*/\1/p'
}

released() {
	kernel_asks "$1" | grep -q RELEASE
}

# Reads a file and tells whether all its pages are in memory then: the kernel drops some for reasons
# of its own. Opening it once more for that would empty them if chartfs did not say to keep them.
is_warm() { # FILE
	cat "$1" >/dev/null
	[ "$(fincore -b -n -o PAGES "$1")" = $((($(stat -c %s "$1") + 4095) / 4096)) ]
}

@test "a warm cat of a layer of 100 MB costs OPEN, FLUSH at most, and RELEASE" {
	local lines
	head -c 100000000 /dev/zero | tr '\0' x >"$T/large"
	push_artifact "$NS/file" 1.0.0 large.bin="$T/large" >/dev/null
	"$CHARTFS" -d -o "cache_dir=$T/cache,ttl=600" "oci://$REGISTRY" "$M" >>"$M.log" 2>&1 3>&- 4>&- &
	CHARTFS_PID=$!
	echo "$CHARTFS_PID $M" >>"$T/mounts"
	wait_until 60 is_mounted_or_gone "$M" "$CHARTFS_PID"
	cat "$N/file/1.0.0/large.bin" >/dev/null
	cat "$N/file/1.0.0/large.bin" | cmp - "$T/large"
	wait_until 30 is_warm "$N/file/1.0.0/large.bin"
	lines=$(wc -l <"$M.log")
	cat "$N/file/1.0.0/large.bin" >/dev/null
	wait_until 30 released "$lines"
	kernel_asks "$lines"
	not grep -vxE 'OPEN|FLUSH|RELEASE' <<<"$(kernel_asks "$lines")"
	[ "$(kernel_asks "$lines" | grep -cx OPEN)" = 1 ]
	unmount_at "$M"
}
