#!/usr/bin/env bats
# X.tgz.prov beside X.tgz: one manifest with both layers in the end (DESIGN 4, Provenance).

load lib

setup_file() {
	start_registry
	local dir=$BATS_FILE_TMPDIR
	make_chart app 1.0.0 "$dir/app-1.0.0.tgz"
	make_prov "$dir/app-1.0.0.tgz" >"$dir/app-1.0.0.tgz.prov"
	make_chart app 1.0.0 "$dir/other.tgz" --extra description=other
	export A=$dir/app-1.0.0.tgz P=$dir/app-1.0.0.tgz.prov OTHER=$dir/other.tgz
}

teardown_file() {
	clean_up
}

setup() {
	begin
	NS=ns$BATS_TEST_NUMBER
	N=$M/$NS
	mount_chartfs
	mkdir -p "$N"
}

teardown() {
	finish
}

layers() {
	manifest_of "$NS/app" 1.0.0 | jq -r '.layers[].digest' | sort
}

both() {
	[ "$(layers)" = "$(printf '%s\n%s\n' "$(sha256_of "$A")" "$(sha256_of "$P")" | sort)" ]
}

@test "after its archive" {
	cp -p "$A" "$N/"
	[ "$(layers)" = "$(sha256_of "$A")" ]
	cp "$P" "$N/"
	both
	[ "$(ls "$N/app/1.0.0")" = "$(printf 'app-1.0.0.tgz\napp-1.0.0.tgz.prov')" ]
	cmp "$P" "$N/app/1.0.0/app-1.0.0.tgz.prov"
	cmp "$P" "$N/app-1.0.0.tgz.prov"
}

@test "before its archive: kept, not published, then both" {
	cp "$P" "$N/"
	[ -z "$(tag_digest "$NS/app" 1.0.0)" ]
	cmp "$P" "$N/app-1.0.0.tgz.prov"
	cp -p "$A" "$N/"
	both
	cmp "$P" "$N/app/1.0.0/app-1.0.0.tgz.prov"
}

@test "the manifest is the one helm makes of both" {
	need_helm helm-4
	cp -p "$A" "$N/"
	cp "$P" "$N/"
	"$PEERS/helm-4" push "$A" "oci://$REGISTRY/by-helm$NS" --plain-http
	[ "$(tag_digest "$NS/app" 1.0.0)" = "$(tag_digest "by-helm$NS/app" 1.0.0)" ]
}

@test "one that does not name the archive's digest is EINVAL, after it and before it" {
	cp "$OTHER" "$N/app-1.0.0.tgz"
	run cp "$P" "$N/app-1.0.0.tgz.prov"
	[ "$status" -ne 0 ]
	[[ "$output" == *"Invalid argument"* ]]
	[ "$(layers)" = "$(sha256_of "$OTHER")" ]
	cp "$P" "$N/new-1.0.0.tgz.prov"
	run cp "$OTHER" "$N/new-1.0.0.tgz"
	[ "$status" -ne 0 ]
	[[ "$output" == *"Invalid argument"* ]]
	log_of | grep -q "copy the one of this archive, or remove it"
	rm "$N/new-1.0.0.tgz.prov"
	cp "$OTHER" "$N/new-1.0.0.tgz"
}

@test "an identical one again is nothing to do" {
	cp -p "$A" "$N/"
	cp "$P" "$N/"
	local before
	before=$(tag_digest "$NS/app" 1.0.0)
	mark_requests
	cp "$P" "$N/app/1.0.0/app-1.0.0.tgz.prov"
	! requests_since | grep -Eq '^(PUT|POST)' || false
	[ "$(tag_digest "$NS/app" 1.0.0)" = "$before" ]
}

@test "one for a version that somebody else published" {
	push_chart "$NS/app" 1.0.0 "$A" >/dev/null
	cp "$P" "$N/app/1.0.0/app-1.0.0.tgz.prov"
	both
}

@test "rsync -a and helm pull --prov bring both" {
	mkdir -p "$T/tree/app/1.0.0"
	cp -p "$A" "$P" "$T/tree/app/1.0.0/"
	rsync -a "$T/tree/" "$N/"
	both
	need_helm helm-4
	mkdir -p "$M/pulled$NS"
	"$PEERS/helm-4" pull --prov -d "$M/pulled$NS" "oci://$REGISTRY/$NS/app" --version 1.0.0 --plain-http
	[ "$(manifest_of "pulled$NS/app" 1.0.0 | jq '.layers | length')" = 2 ]
}

@test "helm package --sign style: both names closed one after the other" {
	cat "$A" >"$N/app-1.0.0.tgz"
	cat "$P" >"$N/app-1.0.0.tgz.prov"
	both
}

@test "one that ends too early is EINVAL" {
	cp -p "$A" "$N/"
	head -c 100 "$P" >"$T/short.prov"
	run cp "$T/short.prov" "$N/app-1.0.0.tgz.prov"
	[ "$status" -ne 0 ]
	[[ "$output" == *"Invalid argument"* ]]
	[ "$(layers)" = "$(sha256_of "$A")" ]
}

@test "one whose archive is no .tgz is EINVAL" {
	run cp "$P" "$N/app.prov"
	[ "$status" -ne 0 ]
	[[ "$output" == *"Invalid argument"* ]]
}

@test "a staged one is the user's: rm removes it" {
	cp "$P" "$N/"
	rm "$N/app-1.0.0.tgz.prov"
	[ ! -e "$N/app-1.0.0.tgz.prov" ]
	cp -p "$A" "$N/"
	[ "$(layers)" = "$(sha256_of "$A")" ]
}
