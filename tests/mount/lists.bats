#!/usr/bin/env bats
# Large listings on every style of pages, and pages that never end.

load lib
load scripted

# Under sanitizers there are fewer: more than two pages of the longest kind, as there.
if [ -n "${CHARTFS_SANITIZED:-}" ]; then
	MANY=2500
else
	MANY=20000
fi

setup() {
	begin
}

teardown() {
	finish
	local status=$?
	stop_scripted
	return "$status"
}

# lists_all PROFILE [SETTING=JSON]...: so many repositories and so many tags come out whole.
lists_all() {
	local profile=$1 settings=()
	shift
	for setting in "$@"; do
		settings+=(--setting "$setting")
	done
	start_scripted "$profile" "${settings[@]}"
	control charts "{\"repository\": \"big/app\", \"count\": $MANY, \"same\": true}"
	control repositories "{\"count\": $MANY, \"prefix\": \"load/r\"}"
	control limits '{"no-token": 1000}'
	mount_chartfs "oci://$REGISTRY" ttl=600
	ls -f "$M/big/app" >"$T/tags"
	[ "$(wc -l <"$T/tags")" = $((MANY + 2)) ]
	[ "$(sort -u "$T/tags" | wc -l)" = $((MANY + 2)) ]
	# In the order of versions.
	[ "$(tail -n +3 "$T/tags")" = "$(tail -n +3 "$T/tags" | sort -t. -k1,1n -k2,2n -k3,3n)" ]
	is_content
}

lists_catalog() {
	ls -f "$M/load" >"$T/repositories"
	[ "$(wc -l <"$T/repositories")" = $((MANY + 2)) ]
	[ "$(sort -u "$T/repositories" | wc -l)" = $((MANY + 2)) ]
	[ "$(ls "$M" | tr '\n' ' ')" = "big load " ]
	[ -d "$M/load/r$(printf %05d $((MANY - 1)))" ]
	[ "$(setting name)" = quay ] || [ ! -e "$M/load/r$(printf %05d "$MANY")" ]
	is_content
}

@test "no pages: distribution 2" { lists_all distribution-2; lists_catalog; }
@test "by last: distribution 3" { lists_all distribution-3; lists_catalog; }
@test "by a last that must exist, not escaped: zot" { lists_all zot 'page_max=1000' 'catalog_max=1000'; lists_catalog; }
@test "all at once: zot" { lists_all zot; lists_catalog; }
@test "by opaque tokens: ECR" { lists_all ecr; lists_catalog; }
@test "by links with orderby: Azure" { lists_all acr; lists_catalog; }
@test "at most 100 and by absolute links: Quay" { lists_all quay; lists_catalog; }
@test "a catalog of an administrator: Harbor" { lists_all harbor; lists_catalog; }
@test "absolute links by last" { lists_all distribution-3 'link="absolute"' 'page_default=50'; lists_catalog; }
@test "n above the most is refused" { lists_all distribution-3 'page_over="error"' 'page_max=500' 'catalog_over="error"' 'catalog_max=500' 'page_default=500'; lists_catalog; }

@test "tags by pages of 100 where there is no catalog" {
	lists_all ghcr
}

# never_ends KIND: pages of that kind are an error of listings, soon enough, and of nothing else.
never_ends() {
	local began=$SECONDS
	start_scripted distribution-3
	control charts '{"repository": "ns/app", "count": 50, "same": true}'
	control charts '{"repository": "ns/other", "versions": ["1.0.0"]}'
	control faults "{\"path\": \"*/ns/app/tags/list\", \"action\": \"pages\", \"kind\": \"$1\", \"count\": -1}"
	mount_chartfs "oci://$REGISTRY" timeout=2
	run ls "$M/ns/app"
	[ "$status" -ne 0 ]
	[[ "$output" == *"Input/output error"* ]]
	[ "$(ls "$M/ns/other")" = 1.0.0 ]
	control faults "{\"path\": \"*/_catalog\", \"action\": \"pages\", \"kind\": \"$1\", \"count\": -1}"
	mount_at "$T/second" "oci://$REGISTRY" timeout=2
	run ls "$T/second"
	[ "$status" -ne 0 ]
	# What is asked by its name is found without the catalog.
	[ "$(ls "$T/second/ns/other")" = 1.0.0 ]
	grep -E 'does not end|takes too long|repeats a page' "$M.log"
	grep -E 'does not end|takes too long|repeats a page' "$T/second.log"
	# Ten times the timeout for a listing, and there are four.
	((SECONDS - began < 150))
}

@test "endless pages" { never_ends endless; }
@test "a page that leads to itself" { never_ends repeat; }

@test "a page that leads to another server, and pages that drip" {
	local began=$SECONDS
	start_scripted distribution-3
	control charts '{"repository": "ns/app", "count": 2500, "same": true}'
	mount_chartfs "oci://$REGISTRY" timeout=2
	control faults '{"path": "*/app/tags/list", "count": -1, "action": "headers", "headers": {"Link": "<http://127.0.0.1:1/v2/ns/app/tags/list?n=1000&last=x>; rel=\"next\""}}'
	run ls "$M/ns/app"
	[[ "$output" == *"Input/output error"* ]]
	grep -q 'another server' "$M.log"
	no_faults
	control faults '{"path": "*/app/tags/list", "action": "drip", "seconds": 0.5, "count": -1}'
	run ls "$M/ns/app"
	[[ "$output" == *"Input/output error"* ]]
	grep -q 'takes too long' "$M.log"
	((SECONDS - began < 150))
	no_faults
	[ "$(ls -f "$M/ns/app" | wc -l)" = 2502 ]
}

@test "a listing of the registry's own that drips, or leads to itself" {
	local began=$SECONDS
	start_scripted harbor --made ns --setting 'catalog="missing"'
	control charts '{"repository": "ns/app", "versions": ["1.0.0"]}'
	mount_chartfs "oci://$REGISTRY" timeout=1,ttl=0
	[ "$(ls "$M/ns")" = app ]
	control faults '{"path": "/api/v2.0/*", "action": "drip", "seconds": 0.5, "count": -1}'
	run ls "$M/ns"
	[[ "$output" == *"Input/output error"* ]]
	grep -q 'takes too long' "$M.log"
	no_faults
	control faults '{"path": "/api/v2.0/*", "action": "pages", "kind": "repeat", "count": -1}'
	run ls "$M/ns"
	[[ "$output" == *"Input/output error"* ]]
	grep -q 'does not end' "$M.log"
	((SECONDS - began < 100))
}
