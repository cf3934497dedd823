#!/usr/bin/env bats
# What is there and how it looks: every level, every source, names and attributes (DESIGN 2).

load lib

setup_file() {
	start_registry
	local dir=$BATS_FILE_TMPDIR v
	make_chart app 1.0.0 "$dir/app.tgz"
	make_chart my-app 1.0.0 "$dir/my-app.tgz"
	export A=$dir/app.tgz MY=$dir/my-app.tgz
	make_prov "$A" >"$dir/app.tgz.prov"
	for v in 1.0.0 1.10.0 1.9.0 2.0.0-rc.1 2.0.0 v3.0 latest not_a_version 1.0.0_build.5; do
		push_chart ns/app "$v" "$A"
	done
	push_chart ns/app 0.9.0 "$A" --prov "$dir/app.tgz.prov"
	push_chart ns/my-app 1.0.0 "$MY"
	push_chart ns/app/child 0.1.0 "$A"
	push_chart ns/app/1.0.0 0.1.0 "$A"
	push_chart ns/2.0 0.1.0 "$A"
	push_chart ns/app-9.0.0.tgz 0.1.0 "$A"
	push_chart a/b/c/d 1.0.0 "$A"
	push_chart top 1.0.0 "$A"
	echo one >"$dir/one"
	echo two >"$dir/two"
	push_artifact ns/files 1.0.0 values.yaml="$dir/one" values.yaml="$dir/two" .hidden="$dir/two" a/b="$dir/app.tgz"
	put_manifest ns/files 2.0.0 application/vnd.oci.image.index.v1+json \
		'{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}'
	legacy_chart ns/old 1.0.0 "$A"
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

put_manifest() { # REPOSITORY TAG TYPE JSON
	ask -f -X PUT -H "Content-Type: $3" --data-binary "$4" "http://$REGISTRY/v2/$1/manifests/$2"
}

# As Helm before 3.7 stored charts: another type of the layer.
legacy_chart() { # REPOSITORY TAG FILE
	local manifest
	push_chart "$1" "$2" "$3"
	manifest=$(manifest_of "$1" "$2" | jq -c '.layers[0].mediaType = "application/tar+gzip"')
	put_manifest "$1" "$2" application/vnd.oci.image.manifest.v1+json "$manifest"
}

# The names that a directory shows, in the order in which it does.
names() {
	ls -U "$1" | paste -sd' '
}

@test "each level lists what the registry stores" {
	mount_chartfs
	[ "$(names "$M")" = "a ns top" ]
	[ "$(names "$M/ns")" = "2.0 app files my-app old" ]
	[ "$(names "$M/a/b/c")" = "d" ]
	[ "$(names "$M/top")" = "1.0.0" ]
	[ "$(names "$M/top/1.0.0")" = "top-1.0.0.tgz" ]
}

@test "versions in their order, with + for _, then child repositories; other tags are not listed" {
	mount_chartfs
	[ "$(names "$M/ns/app")" = "0.9.0 1.0.0 1.0.0+build.5 1.9.0 1.10.0 2.0.0-rc.1 2.0.0 v3.0 child" ]
	[ "$(names "$M/ns/app/latest")" = "app-latest.tgz" ]
	[ "$(names "$M/ns/app/not_a_version")" = "app-not_a_version.tgz" ]
	[ "$(names "$M/ns/app/1.0.0+build.5")" = "app-1.0.0+build.5.tgz" ]
	[ ! -e "$M/ns/app/1.0.0_build.5" ]
	[ ! -e "$M/ns/app/3.0" ]
	[ ! -e "$M/ns/app/nothing" ]
}

@test "a tag hides the child of its name, and a namespace may read as a version" {
	mount_chartfs
	[ "$(names "$M/ns/app/1.0.0")" = "app-1.0.0.tgz" ]
	[ "$(names "$M/ns/2.0")" = "0.1.0" ]
	[ "$(names "$M/ns/2.0/0.1.0")" = "2.0-0.1.0.tgz" ]
	mount_at "$T/child" "oci://$REGISTRY/ns/app/1.0.0"
	[ "$(names "$T/child")" = "0.1.0" ]
}

@test "version directories: provenance, artifacts by their titles, indexes, the legacy layer" {
	mount_chartfs
	[ "$(names "$M/ns/app/0.9.0")" = "app-0.9.0.tgz app-0.9.0.tgz.prov" ]
	two=$(sha256sum <"$BATS_FILE_TMPDIR/two" | cut -c-12)
	tgz=$(sha256sum <"$A" | cut -c-12)
	[ "$(names "$M/ns/files/1.0.0")" = "values.yaml $two $tgz" ]
	[ "$(cat "$M/ns/files/1.0.0/values.yaml")" = one ]
	[ "$(cat "$M/ns/files/1.0.0/$two")" = two ]
	[ "$(names "$M/ns/files")" = "1.0.0 2.0.0" ]
	[ -z "$(names "$M/ns/files/2.0.0")" ]
	cmp "$A" "$M/ns/old/1.0.0/old-1.0.0.tgz"
}

@test "every kind of source" {
	mount_at "$T/1" "$REGISTRY"
	[ "$(names "$T/1")" = "a ns top" ]
	mount_at "$T/2" "oci://$REGISTRY/ns"
	[ "$(names "$T/2")" = "2.0 app files my-app old" ]
	cmp "$A" "$T/2/app-1.0.0.tgz"
	mount_at "$T/3" "oci://$REGISTRY/ns/my-app"
	[ "$(names "$T/3")" = "1.0.0" ]
	cmp "$MY" "$T/3/1.0.0/my-app-1.0.0.tgz"
	cmp "$MY" "$T/3/my-app-1.0.0.tgz"
	mount_at "$T/4" "oci://$REGISTRY/not/there"
	[ -z "$(names "$T/4")" ]
}

@test "a mount of a chart shows its child repositories" {
	mount_chartfs "oci://$REGISTRY/ns/app"
	[ "$(names "$M")" = "0.9.0 1.0.0 1.0.0+build.5 1.9.0 1.10.0 2.0.0-rc.1 2.0.0 v3.0 child" ]
}

@test "every registry at once" {
	write_credentials "$REGISTRY" user:secret
	mount_chartfs oci://
	[ "$(names "$M")" = "$REGISTRY" ]
	[ "$(names "$M/$REGISTRY/a/b")" = "c" ]
	other=127.0.0.1:${REGISTRY#*:}
	cmp "$A" "$M/$other/ns/app/1.0.0/app-1.0.0.tgz"
	[ "$(names "$M")" = "$other $REGISTRY" ]
	for name in word app-1.0.0.tgz .git UPPER.example no.such.host.invalid 169.254.169.254; do
		[ ! -e "$M/$name" ]
	done
}

@test "aliases in charts and namespaces" {
	mount_chartfs
	for name in app-1.0.0.tgz app-1.0.0+build.5.tgz app-latest.tgz app-v3.0.tgz app-0.9.0.tgz; do
		cmp "$A" "$M/ns/app/$name"
		cmp "$A" "$M/ns/$name"
	done
	cmp "$MY" "$M/ns/my-app-1.0.0.tgz"
	cmp "$A" "$M/top-1.0.0.tgz"
	cmp "$A.prov" "$M/ns/app-0.9.0.tgz.prov"
	cmp "$A.prov" "$M/ns/app/app-0.9.0.tgz.prov"
	for name in app-1.0.0.tgz.prov app-7.0.0.tgz app.tgz none-1.0.0.tgz app-1.0.0_build.5.tgz; do
		[ ! -e "$M/ns/$name" ]
		[ ! -e "$M/ns/app/$name" ]
	done
	[ ! -e "$M/ns/app/my-app-1.0.0.tgz" ]
}

@test "files and directories as stat shows them" {
	mount_chartfs
	v=$M/ns/app/1.0.0
	size=$(stat -c %s "$A")
	[ "$(stat -c '%F %a %s %b %h %Y %U' "$v/app-1.0.0.tgz")" = "regular file 644 $size $(((size + 511) / 512)) 1 1741064767 $(id -un)" ]
	[ "$(stat -c '%F %a %h' "$v")" = "directory 755 1" ]
	[ "$(stat -c %Y "$M/ns/files/1.0.0/values.yaml")" = 0 ]
	before=$(stat -c %Y "$v" "$M/ns/app" "$M")
	cat "$v/app-1.0.0.tgz" >/dev/null
	ls -lR "$M" >/dev/null
	[ "$(stat -c %Y "$v" "$M/ns/app" "$M")" = "$before" ]
	mount_at "$T/ro" "oci://$REGISTRY" ro
	[ "$(stat -c %a "$T/ro/ns/app/1.0.0/app-1.0.0.tgz" "$T/ro/ns" | paste -sd' ')" = "444 555" ]
	mount_at "$T/own" "oci://$REGISTRY" uid=12,gid=34,umask=077
	[ "$(stat -c '%u %g %a' "$T/own/ns/app/1.0.0/app-1.0.0.tgz" "$T/own/ns" | paste -sd' ')" = "12 34 600 12 34 700" ]
	df "$M" | tail -1 | grep -q /
}

@test "inode numbers: by place, the same in listing and stat, the same after a remount" {
	mount_chartfs
	inodes() {
		(cd "$M" && find . -printf '%i %p\n' | LC_ALL=C sort -k2)
	}
	inodes >"$T/first"
	# What readdir says is what stat says.
	python3 - "$M" <<-'END'
	import os, sys
	for folder, names, files in os.walk(sys.argv[1]):
	    for entry in os.scandir(folder):
	        assert entry.inode() == os.lstat(entry.path).st_ino, entry.path
	END
	[ -z "$(cut -d' ' -f1 "$T/first" | sort | uniq -d)" ]
	[ "$(stat -c %i "$M/ns/app/app-1.0.0.tgz")" != "$(stat -c %i "$M/ns/app/1.0.0/app-1.0.0.tgz")" ]
	cp "$M/ns/app/1.0.0/app-1.0.0.tgz" "$T/" && cp "$M/ns/app/1.9.0/app-1.9.0.tgz" "$T/app-1.0.0.tgz"
	unmount_at "$M"
	mount_chartfs
	inodes >"$T/second"
	diff "$T/first" "$T/second"
}

@test "a tree that is walked twice is the same, and copies whole" {
	mount_chartfs
	cp -r "$M/ns" "$T/copy"
	diff -r "$M/ns" "$T/copy"
	tar cf "$T/x.tar" -C "$M" ns
	[ "$(tar tf "$T/x.tar" | grep -vc '/$')" = "$(find "$T/copy" -type f | wc -l)" ]
}

@test "what others push is seen within ttl, and what this mount pushed at once" {
	mount_chartfs "oci://$REGISTRY" ttl=1
	ns=seen$BATS_TEST_NUMBER
	push_chart "$ns/app" 1.0.0 "$A"
	[ "$(names "$M/$ns/app")" = "1.0.0" ]
	push_chart "$ns/app" 1.1.0 "$A"
	push_chart "$ns/more" 1.0.0 "$A"
	wait_until 30 test -e "$M/$ns/app/1.1.0"
	wait_until 30 test -e "$M/$ns/more"
	is_listed() {
		names "$M/$ns" | grep -qx "app more"
	}
	wait_until 30 is_listed
	[ "$(names "$M/$ns/app")" = "1.0.0 1.1.0" ]
}

@test "a listing stays what it was while it is read" {
	mount_chartfs
	python3 - "$M/ns/app" <<-'END'
	import os, sys
	first = os.listdir(sys.argv[1])
	for i in range(50):
	    assert os.listdir(sys.argv[1]) == first
	END
}
