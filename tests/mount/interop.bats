#!/usr/bin/env bats
# Other clients beside chartfs: oras (the peers' folder has it where Go could build it).

load lib

setup_file() {
	start_registry
	make_chart app 1.0.0 "$BATS_FILE_TMPDIR/app-1.0.0.tgz"
	export A=$BATS_FILE_TMPDIR/app-1.0.0.tgz
}

teardown_file() {
	clean_up
}

setup() {
	[ -x "$PEERS/oras" ] || skip "no oras: it needs Go 1.25 or newer (make peers)"
	begin
	mount_chartfs "oci://$REGISTRY" ttl=0
}

teardown() {
	finish
}

oras() {
	"$PEERS/oras" "$@"
}

@test "what oras pushes is shown by the titles of its layers" {
	mkdir "$T/src"
	cd "$T/src"
	echo one >one.txt
	head -c 100000 /dev/urandom >two.bin
	oras push --plain-http "$REGISTRY/ns/thing:1.0.0" one.txt two.bin
	[ "$(ls "$M/ns/thing")" = 1.0.0 ]
	[ "$(ls "$M/ns/thing/1.0.0")" = "$(printf 'one.txt\ntwo.bin')" ]
	cmp one.txt "$M/ns/thing/1.0.0/one.txt"
	cmp two.bin "$M/ns/thing/1.0.0/two.bin"
}

@test "oras fetches what chartfs pushed" {
	mkdir -p "$M/pushed"
	cp -p "$A" "$M/pushed/"
	oras manifest fetch --plain-http "$REGISTRY/pushed/app:1.0.0" >"$T/manifest"
	[ "$(sha256_of "$T/manifest")" = "$(tag_digest pushed/app 1.0.0)" ]
	oras blob fetch --plain-http -o "$T/app.tgz" "$REGISTRY/pushed/app@$(sha256_of "$A")"
	cmp "$A" "$T/app.tgz"
	[ "$(oras repo tags --plain-http "$REGISTRY/pushed/app")" = 1.0.0 ]
}

@test "a chart that oras copies to another repository reads the same" {
	mkdir -p "$M/from"
	cp -p "$A" "$M/from/"
	oras cp --from-plain-http --to-plain-http "$REGISTRY/from/app:1.0.0" "$REGISTRY/to/app:1.0.0"
	# A namespace made elsewhere is seen when the catalog has been asked again.
	wait_until 30 test -e "$M/to/app/1.0.0"
	cmp "$A" "$M/to/app/1.0.0/app-1.0.0.tgz"
	[ "$(tag_digest from/app 1.0.0)" = "$(tag_digest to/app 1.0.0)" ]
}
