#!/usr/bin/env bats
# DESIGN 4, "What each command does", row by row: onto a new name and over a published version.

load lib

setup_file() {
	start_registry
	local dir=$BATS_FILE_TMPDIR
	make_chart app 1.0.0 "$dir/app-1.0.0.tgz"
	make_chart app 1.0.0 "$dir/other.tgz" --extra description=other --mtime 1741000000
	make_chart app 2.0.0 "$dir/app-2.0.0.tgz"
	export A=$dir/app-1.0.0.tgz OTHER=$dir/other.tgz A2=$dir/app-2.0.0.tgz
}

teardown_file() {
	clean_up
}

setup() {
	begin
	# Each test has a namespace of its own.
	NS=ns$BATS_TEST_NUMBER
	N=$M/$NS
}

teardown() {
	finish
}

# published DIGEST-OF-FILE [TAG]: the registry holds these bytes.
published() {
	[ "$(chart_digest "$NS/app" "${2:-1.0.0}")" = "$(sha256_of "$1")" ]
}

# The mount with an empty namespace, made the way users do.
new_name() {
	mount_chartfs
	mkdir -p "$N"
}

# The same with version 1.0.0 of app published.
over_published() {
	push_chart "$NS/app" 1.0.0 "$A" >/dev/null
	BEFORE=$(tag_digest "$NS/app" 1.0.0)
	mount_chartfs
}

unchanged() {
	[ "$(tag_digest "$NS/app" 1.0.0)" = "$BEFORE" ]
}

nothing_published() {
	[ -z "$(tag_digest "$NS/app" 1.0.0)" ]
}

@test "cp onto a new name" {
	new_name
	cp "$A" "$N/"
	published "$A"
	[ "$(ls "$N")" = app ]
	[ "$(ls "$N/app")" = 1.0.0 ]
	[ "$(ls "$N/app/1.0.0")" = app-1.0.0.tgz ]
	cmp "$A" "$N/app/1.0.0/app-1.0.0.tgz"
	cmp "$A" "$N/app/app-1.0.0.tgz"
	cmp "$A" "$N/app-1.0.0.tgz"
	unmount_at "$M"
}

@test "cp over a published version" {
	over_published
	cp "$OTHER" "$N/app/1.0.0/app-1.0.0.tgz"
	published "$OTHER"
	cmp "$OTHER" "$N/app/1.0.0/app-1.0.0.tgz"
	cmp "$OTHER" "$N/app/app-1.0.0.tgz"
	unmount_at "$M"
}

@test "cp -p keeps the time, and the manifest has it" {
	new_name
	cp -p "$A" "$N/app-1.0.0.tgz"
	published "$A"
	[ "$(stat -c %Y "$N/app/1.0.0/app-1.0.0.tgz")" = "$(stat -c %Y "$A")" ]
	manifest_of "$NS/app" 1.0.0 | grep -q '"org.opencontainers.image.created":"2025-03-04T05:06:07Z"'
}

@test "cp -a onto a new name and over it" {
	new_name
	cp -a "$A" "$N/"
	published "$A"
	cp -a "$OTHER" "$N/app-1.0.0.tgz"
	published "$OTHER"
}

@test "cp -r of a chart's tree" {
	mkdir -p "$T/tree/app/1.0.0" "$T/tree/app/2.0.0"
	cp "$A" "$T/tree/app/1.0.0/"
	cp "$A2" "$T/tree/app/2.0.0/"
	new_name
	cp -r "$T/tree/app" "$N/"
	published "$A"
	published "$A2" 2.0.0
	[ "$(ls "$N/app")" = "$(printf '1.0.0\n2.0.0')" ]
	# And out again, which is the same tree.
	cp -r "$N/app" "$T/out"
	diff -r "$T/tree/app" "$T/out"
}

@test "cp -r over published versions" {
	over_published
	mkdir -p "$T/tree/app/1.0.0"
	cp "$OTHER" "$T/tree/app/1.0.0/app-1.0.0.tgz"
	cp -r "$T/tree/app" "$N/"
	published "$OTHER"
}

@test "mv onto a new name" {
	new_name
	cp "$A" "$T/app-1.0.0.tgz"
	mv "$T/app-1.0.0.tgz" "$N/"
	published "$A"
	[ ! -e "$T/app-1.0.0.tgz" ]
}

@test "mv over a published version is EPERM and loses nothing" {
	over_published
	cp "$OTHER" "$T/app-1.0.0.tgz"
	run mv -f "$T/app-1.0.0.tgz" "$N/app/1.0.0/app-1.0.0.tgz"
	[ "$status" -ne 0 ]
	[[ "$output" == *"not permitted"* ]]
	unchanged
	cmp "$OTHER" "$T/app-1.0.0.tgz"
	log_of | grep -q "use cp or rsync"
}

@test "mv of a published file is EPERM" {
	over_published
	run mv "$N/app/1.0.0/app-1.0.0.tgz" "$T/"
	[ "$status" -ne 0 ]
	run mv "$N/app/1.0.0/app-1.0.0.tgz" "$N/app/1.0.0/x.tgz"
	[ "$status" -ne 0 ]
	[[ "$output" == *"not permitted"* ]]
	unchanged
}

@test "install onto a new name" {
	new_name
	install -p -m 644 "$A" "$N/app-1.0.0.tgz"
	published "$A"
	install "$A2" "$N/renamed.tgz"
	published "$A2" 2.0.0
}

@test "install over a published version is EPERM" {
	over_published
	run install "$OTHER" "$N/app/1.0.0/app-1.0.0.tgz"
	[ "$status" -ne 0 ]
	unchanged
}

@test "dd onto a new name and over it" {
	new_name
	dd if="$A" of="$N/app-1.0.0.tgz" bs=100 status=none
	published "$A"
	dd if="$OTHER" of="$N/app-1.0.0.tgz" status=none
	published "$OTHER"
}

@test "cat > onto a new name and over it" {
	new_name
	cat "$A" >"$N/app-1.0.0.tgz"
	published "$A"
	cat "$OTHER" >"$N/app/1.0.0/app-1.0.0.tgz"
	published "$OTHER"
}

@test "two cats write the parts of one archive" {
	new_name
	head -c 150 "$A" >"$T/p1"
	tail -c +151 "$A" >"$T/p2"
	(cat "$T/p1" && cat "$T/p2") >"$N/app-1.0.0.tgz"
	published "$A"
}

@test "two cats over a published version" {
	over_published
	head -c 150 "$OTHER" >"$T/p1"
	tail -c +151 "$OTHER" >"$T/p2"
	(cat "$T/p1" && cat "$T/p2") >"$N/app/1.0.0/app-1.0.0.tgz"
	published "$OTHER"
}

@test "tar x onto new names" {
	mkdir -p "$T/tree/app/1.0.0"
	cp -p "$A" "$T/tree/app/1.0.0/"
	tar -C "$T/tree" -cf "$T/tree.tar" app
	new_name
	tar -C "$N" -xf "$T/tree.tar"
	published "$A"
	manifest_of "$NS/app" 1.0.0 | grep -q 2025-03-04T05:06:07Z
}

@test "tar x over a published version is an error, and nothing is lost" {
	mkdir -p "$T/tree/app/1.0.0"
	cp "$OTHER" "$T/tree/app/1.0.0/app-1.0.0.tgz"
	tar -C "$T/tree" -cf "$T/tree.tar" app
	over_published
	run tar -C "$N" -xf "$T/tree.tar"
	[ "$status" -ne 0 ]
	unchanged
}

@test "rsync -a onto a new name, then nothing to do" {
	mkdir -p "$T/tree/app/1.0.0"
	cp -p "$A" "$T/tree/app/1.0.0/"
	new_name
	rsync -a "$T/tree/" "$N/"
	published "$A"
	local first
	first=$(tag_digest "$NS/app" 1.0.0)
	rsync -ai "$T/tree/" "$N/" >"$T/again"
	! grep -q '^>f' "$T/again" || false
	[ "$(tag_digest "$NS/app" 1.0.0)" = "$first" ]
}

@test "rsync -a over a published version" {
	over_published
	mkdir -p "$T/tree/app/1.0.0"
	cp -p "$OTHER" "$T/tree/app/1.0.0/app-1.0.0.tgz"
	rsync -a "$T/tree/" "$N/"
	published "$OTHER"
	manifest_of "$NS/app" 1.0.0 | grep -q 2025-03-03T11:06:40Z
}

@test "rsync --inplace onto a new name and over it, and settles" {
	new_name
	cp -p "$A" "$T/app-1.0.0.tgz"
	rsync -a --inplace "$T/app-1.0.0.tgz" "$N/"
	published "$A"
	[ "$(rsync -ai --inplace "$T/app-1.0.0.tgz" "$N/" | grep -c '^>f')" = 0 ]
	cp -p "$OTHER" "$T/app-1.0.0.tgz"
	rsync -a --inplace "$T/app-1.0.0.tgz" "$N/app/1.0.0/app-1.0.0.tgz"
	published "$OTHER"
}

@test "python's shutil.copy2 onto a new name and over it" {
	new_name
	python3 -c 'import shutil, sys; shutil.copy2(*sys.argv[1:])' "$A" "$N/app-1.0.0.tgz"
	published "$A"
	[ "$(stat -c %Y "$N/app-1.0.0.tgz")" = "$(stat -c %Y "$A")" ]
	python3 -c 'import shutil, sys; shutil.copy2(*sys.argv[1:])' "$OTHER" "$N/app-1.0.0.tgz"
	published "$OTHER"
}

@test "touch and : > make a file without a byte, which publishes nothing" {
	new_name
	touch "$N/app-1.0.0.tgz"
	: >"$N/x.tgz"
	nothing_published
	[ "$(stat -c %s "$N/app-1.0.0.tgz")" = 0 ]
	rm "$N/app-1.0.0.tgz" "$N/x.tgz"
	[ -z "$(ls -A "$N")" ]
}

@test "touch and : > over a published version leave it" {
	over_published
	touch "$N/app/1.0.0/app-1.0.0.tgz"
	unchanged
	: >"$N/app/1.0.0/app-1.0.0.tgz"
	unchanged
	cmp "$A" "$N/app/1.0.0/app-1.0.0.tgz"
}

@test "rm -r of what is published is EPERM; of what is not, works" {
	over_published
	run rm -r "$N/app/1.0.0"
	[ "$status" -ne 0 ]
	unchanged
	mkdir -p "$N/fresh/1.2.3"
	touch "$N/fresh/1.2.3/fresh-1.2.3.tgz"
	rm -r "$N/fresh"
	[ ! -e "$N/fresh/1.2.3" ]
}

@test "readers keep the old bytes while the version is replaced" {
	over_published
	exec 7<"$N/app/1.0.0/app-1.0.0.tgz"
	cp "$OTHER" "$N/app/1.0.0/app-1.0.0.tgz"
	cmp "$A" /dev/fd/7
	exec 7<&-
	cmp "$OTHER" "$N/app/1.0.0/app-1.0.0.tgz"
}

@test "while a version is written others read the published one, a second writer is EBUSY" {
	over_published
	exec 8>"$N/app/1.0.0/app-1.0.0.tgz"
	head -c 50 "$OTHER" >&8 || true
	cmp "$A" "$N/app/1.0.0/app-1.0.0.tgz"
	run cp "$OTHER" "$N/app/1.0.0/app-1.0.0.tgz"
	[ "$status" -ne 0 ]
	[[ "$output" == *busy* ]]
	exec 8>&- || true
	unchanged
}

@test "an archive written with appends in the middle is pushed once it is whole" {
	over_published
	cp "$OTHER" "$N/app/1.0.0/app-1.0.0.tgz"
	python3 - "$N/app/1.0.0/app-1.0.0.tgz" "$A" <<-'END'
	import sys
	data = open(sys.argv[2], "rb").read()
	with open(sys.argv[1], "r+b") as file:
	    file.write(data)
	    file.truncate(len(data))
	END
	published "$A"
}

@test "the same again costs one HEAD and no blob byte" {
	new_name
	cp -p "$A" "$N/"
	published "$A"
	ls "$N/app" >/dev/null
	mark_requests
	cp -p "$A" "$N/app/1.0.0/app-1.0.0.tgz"
	[ "$(requests_since)" = "HEAD /v2/$NS/app/manifests/1.0.0" ]
}

@test "a scratch name and a rename push at the rename" {
	new_name
	cp "$A" "$N/app-1.0.0.tgz.part"
	nothing_published
	[ "$(ls "$N")" = app-1.0.0.tgz.part ]
	mv "$N/app-1.0.0.tgz.part" "$N/app-1.0.0.tgz"
	published "$A"
	[ "$(ls "$N")" = app ]
}

@test "scratch below a directory that begins with a dot" {
	new_name
	mkdir "$N/.tmp"
	echo hello >"$N/.tmp/README"
	[ "$(cat "$N/.tmp/README")" = hello ]
	cp "$A" "$N/.tmp/app-1.0.0.tgz"
	nothing_published
	mv "$N/.tmp/app-1.0.0.tgz" "$N/"
	published "$A"
	rm -r "$N/.tmp"
	[ "$(ls -A "$N")" = app ]
}

@test "a whole namespace to another registry's mount by rsync, manifest digests unchanged" {
	new_name
	cp -p "$A" "$A2" "$N/"
	mount_at "$T/second" "oci://$REGISTRY" "ttl=0"
	mkdir -p "$T/second/copy$NS"
	rsync -a "$N/" "$T/second/copy$NS/"
	for version in 1.0.0 2.0.0; do
		[ "$(tag_digest "copy$NS/app" $version)" = "$(tag_digest "$NS/app" $version)" ]
	done
}

@test "helm pushes, packages and pulls through the mount" {
	need_helm helm-4
	new_name
	mkdir "$T/src"
	tar -C "$T/src" -xzf "$A"
	"$PEERS/helm-4" package -d "$N" "$T/src/app" >/dev/null
	[ -n "$(tag_digest "$NS/app" 1.0.0)" ]
	mkdir -p "$M/pulled$NS"
	"$PEERS/helm-4" pull -d "$M/pulled$NS" "oci://$REGISTRY/$NS/app" --version 1.0.0 --plain-http
	[ "$(chart_digest "pulled$NS/app" 1.0.0)" = "$(chart_digest "$NS/app" 1.0.0)" ]
	"$PEERS/helm-4" show chart "$N/app/1.0.0/app-1.0.0.tgz" | grep -q 'name: app'
}
