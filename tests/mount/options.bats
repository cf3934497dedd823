#!/usr/bin/env bats
# The command line: what is refused and how, what is taken, and when the exit status is 0.

load lib
load faults

setup_file() {
	start_registry
	local dir=$BATS_FILE_TMPDIR
	make_chart app 1.0.0 "$dir/app-1.0.0.tgz"
	push_chart ns/app 1.0.0 "$dir/app-1.0.0.tgz" >/dev/null
	export A=$dir/app-1.0.0.tgz
}

teardown_file() {
	clean_up
}

setup() {
	begin
}

teardown() {
	# Those in the background are known by their mount points alone.
	local mount
	for mount in "$M" "$T"/m*; do
		! is_mounted "$mount" || fusermount3 -u "$mount" || fusermount3 -uz "$mount"
	done
	wait_until 30 no_daemon
	finish
}

no_daemon() {
	! pgrep -f -- "chartfs.*$T" >/dev/null
}

# background [OPTION,...]: mounts in the background at M.
in_background() {
	"$CHARTFS" -o "cache_dir=$T/cache${1:+,$1}" "oci://$REGISTRY" "$M" 3>&- 4>&-
}

# refused STATUS TEXT ARGUMENT...: not mounted, with one sentence that has this text.
refused() {
	local expected=$1 text=$2
	shift 2
	run timeout 60 "$CHARTFS" "$@"
	echo "$output"
	[ "$status" = "$expected" ]
	[[ "$output" == "chartfs: "*"$text"* ]]
	[ "${#lines[@]}" = 1 ]
	not is_mounted "$M"
}

@test "--help and --version" {
	run "$CHARTFS" --help
	[ "$status" = 0 ]
	[[ "$output" == *"SOURCE MOUNTPOINT"* ]]
	run "$CHARTFS" --version
	[ "$status" = 0 ]
	[[ "$output" =~ ^chartfs\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
	not "$CHARTFS" --help >/dev/full
	for command in login logout; do
		run "$CHARTFS" "$command" --help
		[ "$status" = 0 ]
		[[ "$output" == *"chartfs $command"* ]]
	done
}

@test "too few and too many arguments" {
	refused 2 "a source and a mount point are needed"
	refused 2 "a source and a mount point are needed" "oci://$REGISTRY"
	refused 2 "one argument too many" "oci://$REGISTRY" "$M" more
	refused 2 "unknown option \"-x\"" -x "oci://$REGISTRY" "$M"
	refused 2 "-o needs options" "oci://$REGISTRY" "$M" -o
}

@test "options that are unknown or have bad values" {
	local word
	refused 2 "unknown option \"nonsense\"" -o nonsense "oci://$REGISTRY" "$M"
	refused 2 "unknown option \"Ro\"" -o Ro "oci://$REGISTRY" "$M"
	refused 2 "unknown option \"cachedir\"" -o cachedir=/x "oci://$REGISTRY" "$M"
	for word in ttl=soon ttl= ttl ttl=-1 ttl=10y timeout=1ms cache_size=much cache_size=10X \
		umask=9 umask=1777 uid=nobody-of-that-name gid=-1 log_level=loud ro=1 allow_other=yes \
		cache_dir= username=u password_file=/x key_file=/x; do
		refused 2 "option \"${word%%=*}\"" -o "$word" "oci://$REGISTRY" "$M"
	done
	refused 2 "password_file" -o password=canary-5ecret "oci://$REGISTRY" "$M"
	[[ "$output" != *canary* ]]
}

@test "sources that are none" {
	local source
	for source in "oci://u:canary-5ecret@$REGISTRY" "$REGISTRY/ns/app:1.0.0" \
		"oci://$REGISTRY/ns/app@sha256:0000000000000000000000000000000000000000000000000000000000000000" \
		"oci://$REGISTRY/Upper" ftp://host nohost ""; do
		refused 2 "" "$source" "$M"
		[[ "$output" != *canary* ]]
	done
}

@test "mount points that are none" {
	refused 1 "does not exist" -o "cache_dir=$T/cache" "oci://$REGISTRY" "$T/nothing"
	# as with a variable that is not set: never the working directory
	cd "$M"
	refused 2 "the mount point is an empty word" -o "cache_dir=$T/cache" "oci://$REGISTRY" ""
	: >"$T/file"
	refused 1 "is no directory" -o "cache_dir=$T/cache" "oci://$REGISTRY" "$T/file"
}

@test "files that are to be read and are not there" {
	refused 1 "$T/nothing" -o "ca_file=$T/nothing,cache_dir=$T/cache" "oci://$REGISTRY" "$M"
	refused 1 "$T/nothing" -o "username=u,password_file=$T/nothing,cache_dir=$T/cache" "oci://$REGISTRY" "$M"
}

@test "in the background: 0 as soon as it serves, and it survives its terminal" {
	in_background
	is_mounted "$M"
	[ "$(ls "$M/ns/app")" = 1.0.0 ]
	# Nothing of the caller's is kept: neither its folder nor its descriptors.
	local pid
	pid=$(pgrep -f -- "$CHARTFS.*$M")
	[ "$(readlink "/proc/$pid/cwd")" = / ]
	[ "$(readlink "/proc/$pid/fd/0")" = /dev/null ]
	[ "$(ps -o sid= -p "$pid" | tr -d ' ')" = "$pid" ]
	fusermount3 -u "$M"
	wait_until 30 is_gone "$pid"
}

@test "started without standard files: none of its own takes their place" {
	timeout 30 "$CHARTFS" -o "cache_dir=$T/cache" "oci://$REGISTRY" "$M" 3>&- 4>&- <&- >&- 2>&-
	is_mounted "$M"
	fusermount3 -u "$M"
	mkdir "$T/m1"
	"$CHARTFS" -f -o "cache_dir=$T/cache,log_level=debug" "oci://$REGISTRY" "$T/m1" 3>&- 4>&- <&- >&- 2>&- &
	CHARTFS_PID=$!
	wait_until 30 is_mounted "$T/m1"
	for fd in 0 1 2; do
		[ "$(readlink "/proc/$CHARTFS_PID/fd/$fd")" = /dev/null ]
	done
	cmp "$T/m1/ns/app/1.0.0/app-1.0.0.tgz" "$A"
	fusermount3 -u "$T/m1"
	wait "$CHARTFS_PID"
}

@test "a pipe that reads the output of the start ends" {
	"$CHARTFS" -o "cache_dir=$T/cache" "oci://$REGISTRY" "$M" 2>&1 3>&- 4>&- | timeout 30 cat
	is_mounted "$M"
}

@test "a relative mount point and cache directory" {
	mkdir -p "$T/m1"
	cd "$T"
	"$CHARTFS" -o cache_dir=cache "oci://$REGISTRY" m1 3>&- 4>&-
	cmp "$A" m1/ns/app/app-1.0.0.tgz
	[ -n "$(find "$T/cache/blobs" -type f)" ]
	cd /
	fusermount3 -u "$T/m1"
}

@test "without cache_dir: XDG_CACHE_HOME, else .cache, both 0700" {
	mkdir -p "$T/m1"
	XDG_CACHE_HOME=$T/xdg "$CHARTFS" "oci://$REGISTRY" "$M" 3>&- 4>&-
	cmp "$A" "$M/ns/app/app-1.0.0.tgz"
	[ "$(stat -c %a "$T/xdg/chartfs")" = 700 ]
	env -u XDG_CACHE_HOME "$CHARTFS" "oci://$REGISTRY" "$T/m1" 3>&- 4>&-
	cmp "$A" "$T/m1/ns/app/app-1.0.0.tgz"
	[ "$(stat -c %a "$HOME/.cache/chartfs")" = 700 ]
}

@test "the source with and without oci://, the host in capitals" {
	mkdir -p "$T/m1"
	"$CHARTFS" -o "cache_dir=$T/cache" "$REGISTRY/ns" "$M" 3>&- 4>&-
	[ "$(ls "$M")" = app ]
	"$CHARTFS" -o "cache_dir=$T/cache" "oci://LOCALHOST:${REGISTRY#*:}/ns/app" "$T/m1" 3>&- 4>&-
	[ "$(ls "$T/m1")" = 1.0.0 ]
	grep -q "^$REGISTRY/ns $M fuse.chartfs .*nosuid,nodev.*default_permissions" /proc/mounts
}

@test "mounted read-only" {
	in_background ro
	grep -q " $M fuse.chartfs ro," /proc/mounts
	run cp "$A" "$M/ns/"
	[ "$status" = 1 ]
	[[ "$output" == *"Read-only file system"* ]]
}

@test "uid, gid and umask" {
	in_background uid=1234,gid=2345,umask=077
	[ "$(stat -c '%u %g %a' "$M/ns/app")" = "1234 2345 700" ]
	[ "$(stat -c '%u %g %a' "$M/ns/app/1.0.0/app-1.0.0.tgz")" = "1234 2345 600" ]
}

@test "the words of mount(8), and fstab's own call" {
	in_background rw,nosuid,nodev,noexec,noatime,relatime,user,users,owner,group,nofail,noauto,auto,_netdev,x-systemd.automount,x-gvfs-hide,defaults,async,,dev,suid
	grep -q " $M fuse.chartfs .*noexec" /proc/mounts
	[ "$(ls "$M/ns")" = app ]
	fusermount3 -u "$M"
	# mount(8) calls: mount.fuse.chartfs SOURCE DIR -o OPTIONS, which runs: chartfs SOURCE DIR -o OPTIONS
	"$CHARTFS" "oci://$REGISTRY" "$M" -o "rw,dev,suid,_netdev,cache_dir=$T/cache" 3>&- 4>&-
	[ "$(ls "$M/ns")" = app ]
}

@test "mount.fuse, which mount(8) calls for the type fuse.chartfs" {
	[ -x /sbin/mount.fuse ] || skip "no mount.fuse"
	mkdir "$T/bin"
	ln -s "$CHARTFS" "$T/bin/chartfs"
	PATH=$T/bin:$PATH /sbin/mount.fuse "oci://$REGISTRY" "$M" -t fuse.chartfs \
		-o "rw,_netdev,noatime,cache_dir=$T/cache" 3>&- 4>&-
	cmp "$A" "$M/ns/app/app-1.0.0.tgz"
	# Its exit status is ours.
	run env PATH="$T/bin:$PATH" /sbin/mount.fuse "oci://$REGISTRY" "$T/nothing" -t fuse.chartfs
	[ "$status" = 1 ]
}

@test "a stale mount point is named, with what to do" {
	local pid
	in_background
	ls "$M" >/dev/null
	pid=$(pgrep -f -- "$CHARTFS.*$M")
	kill -KILL "$pid"
	wait_until 30 is_gone "$pid"
	run timeout 60 "$CHARTFS" -o "cache_dir=$T/cache" "oci://$REGISTRY" "$M"
	echo "$output"
	[ "$status" = 1 ]
	[[ "$output" == *"fusermount3 -u $M"* ]]
	fusermount3 -u "$M"
	in_background
	[ "$(ls "$M/ns")" = app ]
}

@test "-f with -o check against a registry that answers, SIGINT ends it" {
	mount_chartfs "oci://$REGISTRY" check
	[ "$(ls "$M/ns")" = app ]
	# A shell's background jobs ignore SIGINT, and so do their programs unless they ask for it.
	kill -INT "$CHARTFS_PID"
	wait_until 30 is_gone "$CHARTFS_PID"
	wait "$CHARTFS_PID"
	not is_mounted "$M"
	log_of | grep -q "is unmounted"
}

@test "a mount needs no registry" {
	local port
	port=$(free_port)
	"$CHARTFS" -o "cache_dir=$T/cache" "oci://localhost:$port" "$M" 3>&- 4>&-
	is_mounted "$M"
	df "$M" >/dev/null
}

@test "log_level" {
	mount_chartfs "oci://$REGISTRY" log_level=err
	run cat "$M/ns/app/Upper"
	cp /etc/hostname "$M/ns/x.txt" 2>/dev/null || true
	not grep -q "is mounted on" "$M.log"
}
