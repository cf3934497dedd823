#!/bin/bash
# For hangs.bats, in network and mount namespaces of its own: a name server that takes every
# question and never answers, a registry beside it, and a mount that shows both.
#
# nameserver.sh FOLDER CHART: prints times and "all well"; 77 where it cannot be tried here.
set -eu

folder=$1 A=$2
BATS_FILE_TMPDIR=$folder/private BATS_TEST_TMPDIR=$folder/private
mkdir "$BATS_FILE_TMPDIR"
# shellcheck source=tests/mount/lib.bash
. "$(dirname "$0")/lib.bash"
# shellcheck source=tests/mount/faults.bash
. "$(dirname "$0")/faults.bash"
exec 3>&1

trap clean_up EXIT

# This namespace has copies of all mounts. Those of other tests go at once: a daemon does not end
# before the last copy of its mount is gone.
while read -r _ copy type _; do
	[ "$type" != fuse.chartfs ] || umount -l "$(printf %b "$copy")" || true
done </proc/self/mounts

python3 -c '
import fcntl, socket, struct
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
fcntl.ioctl(socket.socket(), SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", IFF_UP))' || exit 77
printf 'nameserver 127.0.0.1\noptions timeout:30 attempts:5\n' >"$folder/resolv.conf"
printf '127.0.0.1 localhost\n' >"$folder/hosts"
printf 'hosts: files dns\n' >"$folder/nsswitch.conf"
for file in resolv.conf hosts nsswitch.conf; do
	mount --bind "$folder/$file" "/etc/$file" || exit 77
done
python3 -c '
import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 53))
print("listens", flush=True)
while True:
    s.recv(4096)
    print("asked", flush=True)' >"$folder/dns" 2>&1 &
echo $! >>"$BATS_FILE_TMPDIR/pids"
wait_until 30 grep -q listens "$folder/dns"

start_scripted --profile distribution-2
control charts -d '{"repository": "ns/app", "count": 3}' >/dev/null
begin
"$CHARTFS" -f -o "cache_dir=$T/cache,timeout=600" oci:// "$M" >"$M.log" 2>&1 &
daemon=$!
echo "$daemon" >>"$BATS_FILE_TMPDIR/pids"
wait_until 60 is_mounted_or_gone "$M" "$daemon"
is_mounted "$M" || { cat "$M.log"; exit 77; }

ls "$M/$SCRIPTED/ns/app" >/dev/null
pids=()
for i in $(seq 40); do
	stat "$M/silent$i.example.com" >/dev/null 2>&1 &
	pids+=($!)
done
asked() {
	[ "$(grep -c asked "$folder/dns")" -ge 8 ]
}
wait_until 60 asked
within 5 "warm ls" ls "$M/$SCRIPTED/ns/app"
within 10 "cold pull" cat "$M/$SCRIPTED/ns/app/0.0.2/app-0.0.2.tgz"
# Not -p, which would begin at the root, whose lock the lookups there hold in the kernel.
mkdir "$M/$SCRIPTED/new"
within 10 "push" cp "$A" "$M/$SCRIPTED/new/"
within 5 "df" df "$M"
since=$(now_ms)
kill -KILL "${pids[@]}"
for pid in "${pids[@]}"; do
	wait_until 10 is_gone_or_zombie "$pid"
done
echo "kill of all lookups: $(($(now_ms) - since)) ms"
since=$(now_ms)
fusermount3 -u "$M"
status=0
ended "$daemon" 60 || status=$?
echo "end of the daemon: $(($(now_ms) - since)) ms"
[ "$status" = 0 ] || { cat "$M.log"; exit 1; }
echo "all well"
