#!/usr/bin/env bats
# Browse, pull and push on every kind of registry: on loopback, and under the real service's host
# names where the kind is recognised by them.

load lib
load scripted

PUSHED="pushed renamed moved deep tree tarred synced"

setup_file() {
	local dir=$BATS_FILE_TMPDIR name
	for name in $PUSHED absent; do
		make_chart "$name" 1.0.0 "$dir/$name-1.0.0.tgz"
	done
	make_chart pushed 1.0.0 "$dir/other.tgz" --extra description=other
	make_chart pushed 2.0.0 "$dir/pushed-2.0.0.tgz"
}

teardown_file() {
	clean_up
}

setup() {
	D=$BATS_FILE_TMPDIR
	begin
}

teardown() {
	finish
	local status=$?
	stop_scripted
	return "$status"
}

# What differs. NS: a namespace that takes pushes. LIST: how it is listed: catalog, own (an
# interface of the registry), known (what was given, visited or pushed). ABSENT: where nothing can
# be pushed before something is made, and MAKES, a pattern of the sentence that says how.
# DENIAL, IMMUTABLE, QUOTA: how a refusal reads.
describe() { # PROFILE
	NS=team LIST=catalog ABSENT='' MAKES=''
	DENIAL='No such file' IMMUTABLE='File exists' QUOTA='Disk quota exceeded'
	case $1 in
	ecr) ABSENT=team MAKES="aws ecr create-repository --repository-name team/absent" ;;
	ecr-public) NS=alias LIST=known ABSENT=alias MAKES='aws ecr-public create-repository .*--repository-name absent' ;;
	cloudsmith) NS=owner/charts LIST=known ABSENT=owner/none MAKES='cloudsmith repositories create owner' ;;
	hub) NS=me LIST=own ;;
	gar) NS=project/charts LIST=own ABSENT=project/none MAKES='gcloud artifacts repositories create none --project=project --location=[a-z0-9-]* ' ;;
	harbor) NS=project LIST=catalog ABSENT=none MAKES='harbor project create none' ;;
	ibm) NS=space LIST=known ABSENT=none MAKES='ibmcloud cr namespace-add none' IMMUTABLE='Permission denied' ;;
	artifactory) NS=key LIST=known ABSENT=none MAKES='whose key is none' ;;
	repoflow) LIST=known ;;
	ghcr) NS=owner LIST=known IMMUTABLE='Permission denied' ;;
	# These do not tell what is not there from what is forbidden.
	quay) LIST=own ABSENT=none DENIAL='Permission denied' MAKES='or it has to be created first' ;;
	gitlab) NS=group/project LIST=known ABSENT=group/none DENIAL='Permission denied' MAKES="glab repo create group/none'" ;;
	zot) IMMUTABLE='Permission denied' ;;
	esac
}

load_charts() {
	local name names=()
	control charts "{\"repository\": \"$NS/app\", \"versions\": [\"1.0.0\", \"1.10.0\", \"1.2.0+b\"]}"
	control charts "{\"repository\": \"$NS/given\", \"versions\": [\"1.0.0\"]}"
	case $(setting made_levels) in
	-1) for name in $PUSHED; do names+=("$NS/$name"); done ;;
	0) return ;;
	*) names=("$NS") ;;
	esac
	control made "$(jq -n '{names: $ARGS.positional}' --args "${names[@]}")"
}

browses() {
	local shown
	shown=$(ls "$M/$NS" | tr '\n' ' ')
	if [ "$LIST" = known ]; then
		[ "$shown" = "given " ]
	else
		[ "$shown" = "app given " ]
	fi
	[ "$(ls "$M/$NS/app" | tr '\n' ' ')" = "1.0.0 1.2.0+b 1.10.0 " ] || [ "$(ls -f "$M/$NS/app" | tr '\n' ' ')" = ". .. 1.0.0 1.2.0+b 1.10.0 " ]
	[ "$(ls "$M/$NS/app/1.0.0")" = app-1.0.0.tgz ]
	cp "$M/$NS/app/1.0.0/app-1.0.0.tgz" "$T/out.tgz"
	loaded_archive "$NS/app" 1.0.0 | cmp - "$T/out.tgz"
	[ "$(setting redirect)" = 0 ] || [ "$(count 'role=blobs&method=GET')" = 1 ]
	loaded_archive "$NS/app" 1.2.0_b | cmp - "$M/$NS/app/1.2.0+b/app-1.2.0+b.tgz"
	cmp "$T/out.tgz" "$M/$NS/app/app-1.0.0.tgz"
	cmp "$T/out.tgz" "$M/$NS/app-1.0.0.tgz"
	[ "$(ls "$M/$NS" | tr '\n' ' ')" = "app given " ]
	[ ! -e "$M/$NS/app/9.9.9" ]
	[ ! -e "$M/$NS/app-9.9.9.tgz" ]
	if [ "$LIST" = catalog ]; then
		[ ! -e "$M/$NS/nothing" ]
	else
		[ -z "$(ls "$M/$NS/nothing")" ]
		[ ! -e "$M/$NS/nothing/1.0.0" ]
		[ ! -e "$M/$NS/nothing-1.0.0.tgz" ]
	fi
}

pushes() {
	local name tree=$T/tree
	cp "$D/pushed-1.0.0.tgz" "$M/$NS/"
	has_archive "$NS/pushed" 1.0.0 "$D/pushed-1.0.0.tgz"
	cp "$D/pushed-2.0.0.tgz" "$M/$NS/pushed/"
	has_archive "$NS/pushed" 2.0.0 "$D/pushed-2.0.0.tgz"
	cp "$D/renamed-1.0.0.tgz" "$M/$NS/any.tgz"
	has_archive "$NS/renamed" 1.0.0 "$D/renamed-1.0.0.tgz"
	# As `helm pull --prov -d` writes.
	cat "$D/moved-1.0.0.tgz" >"$M/$NS/moved-1.0.0.tgz123456789"
	mv "$M/$NS/moved-1.0.0.tgz123456789" "$M/$NS/moved-1.0.0.tgz"
	make_prov "$D/moved-1.0.0.tgz" >"$M/$NS/moved-1.0.0.tgz.prov987654321"
	mv "$M/$NS/moved-1.0.0.tgz.prov987654321" "$M/$NS/moved-1.0.0.tgz.prov"
	has_archive "$NS/moved" 1.0.0 "$D/moved-1.0.0.tgz"
	[ "$(ls "$M/$NS/moved/1.0.0" | wc -l)" = 2 ]
	mkdir -p "$M/$NS/deep/1.0.0"
	cp "$D/deep-1.0.0.tgz" "$M/$NS/deep/1.0.0/"
	has_archive "$NS/deep" 1.0.0 "$D/deep-1.0.0.tgz"
	for name in tree tarred synced; do
		mkdir -p "$tree/$name/1.0.0"
		cp -p "$D/$name-1.0.0.tgz" "$tree/$name/1.0.0/"
	done
	cp -r "$tree/tree" "$M/$NS/"
	tar c -C "$tree" tarred | tar x -C "$M/$NS"
	rsync -a "$tree/synced" "$M/$NS/"
	for name in tree tarred synced; do
		has_archive "$NS/$name" 1.0.0 "$D/$name-1.0.0.tgz"
	done
	[ "$(rsync -ai "$tree/synced" "$M/$NS/" | grep -c '^>f')" = 0 ]
	for name in $PUSHED; do
		[ "$(ls "$M/$NS" | grep -cx "$name")" = 1 ]
		cmp "$D/$name-1.0.0.tgz" "$M/$NS/$name/1.0.0/$name-1.0.0.tgz"
	done
	# Another mount, which knows nothing.
	CACHE=$T/other mount_at "$T/again" "oci://$REGISTRY" "${NAMED:-}"
	cmp "$D/tarred-1.0.0.tgz" "$T/again/$NS/tarred/1.0.0/tarred-1.0.0.tgz"
	unmount_at "$T/again"
}

fails_with() { # WORDS COMMAND...
	local words=$1
	shift
	run "$@"
	echo "$output"
	[ "$status" -ne 0 ]
	[[ "$output" == *"$words"* ]]
}

refuses() {
	if [ -n "$ABSENT" ]; then
		mkdir -p "$M/$ABSENT"
		fails_with "$DENIAL" cp "$D/absent-1.0.0.tgz" "$M/$ABSENT/"
		grep "absent-1.0.0.tgz: cannot push .*$MAKES" "$M.log"
	fi
	control settings '{"immutable": true}'
	fails_with "$IMMUTABLE" cp "$D/other.tgz" "$M/$NS/pushed/1.0.0/pushed-1.0.0.tgz"
	has_archive "$NS/pushed" 1.0.0 "$D/pushed-1.0.0.tgz"
	control settings '{"immutable": false, "quota": true}'
	fails_with "$QUOTA" cp "$D/other.tgz" "$M/$NS/pushed/1.0.0/pushed-1.0.0.tgz"
	has_archive "$NS/pushed" 1.0.0 "$D/pushed-1.0.0.tgz"
}

core() {
	load_charts
	mount_chartfs "oci://$REGISTRY" "repository=$NS/given${NAMED:+,$NAMED}"
	browses
	pushes
	refuses
	is_content
	unmount_at "$M"
}

on_loopback() { # PROFILE
	describe "$1"
	start_scripted "$1"
	case $1 in # these are recognised by their names alone
	hub) LIST=known ;;
	gar) LIST=known MAKES='has to be created there first' ;;
	ibm) MAKES='has to be created there first' ;;
	esac
	core
}

by_name() { # PROFILE
	describe "$1"
	start_named "$1"
	core
}

@test "distribution 2" { on_loopback distribution-2; }
@test "distribution 3" { on_loopback distribution-3; }
@test "zot" { on_loopback zot; }
@test "Amazon ECR" { on_loopback ecr; }
@test "Amazon ECR Public" { on_loopback ecr-public; }
@test "Azure" { on_loopback acr; }
@test "Cloudsmith" { on_loopback cloudsmith; }
@test "Docker Hub's interface on a host of another name" { on_loopback hub; }
@test "Google's on a host of another name" { on_loopback gar; }
@test "Harbor" { on_loopback harbor; }
@test "IBM's on a host of another name" { on_loopback ibm; }
@test "Artifactory" { on_loopback artifactory; }
@test "RepoFlow" { on_loopback repoflow; }
@test "GitHub's" { on_loopback ghcr; }
@test "Quay" { on_loopback quay; }
@test "GitLab" { on_loopback gitlab; }
@test "123456789012.dkr.ecr.eu-central-1.amazonaws.com" { by_name ecr; }
@test "public.ecr.aws" { by_name ecr-public; }
@test "example.azurecr.io" { by_name acr; }
@test "docker.cloudsmith.io" { by_name cloudsmith; }
@test "docker.io" { by_name hub; }
@test "europe-west3-docker.pkg.dev" { by_name gar; }
@test "de.icr.io" { by_name ibm; }
@test "example.jfrog.io" { by_name artifactory; }
@test "ghcr.io" { by_name ghcr; }
@test "quay.io" { by_name quay; }
@test "registry.gitlab.com" { by_name gitlab; }

@test "Quay's public namespaces show without a login, and in whoever's" {
	WITHOUT_LOGIN=1 start_named quay
	control repositories '{"count": 250, "prefix": "shop/r"}'
	control charts '{"repository": "shop/app", "versions": ["1.0.0"]}'
	mount_chartfs "oci://$REGISTRY" "$NAMED"
	[ "$(ls "$M/shop" | wc -l)" = 251 ]
	[ "$(ls "$M/shop/app")" = 1.0.0 ]
	loaded_archive shop/app 1.0.0 | cmp - "$M/shop/app-1.0.0.tgz"
	# A login that sees only its own in the catalog.
	control users '{"name": "mine+robot", "password": "robot-pass", "rights": {"mine/*": "pull,push"}}'
	write_credentials quay.io mine+robot:robot-pass
	mount_at "$T/robot" "oci://quay.io" "$NAMED"
	control charts '{"repository": "mine/own", "versions": ["1.0.0"]}'
	[ "$(ls "$T/robot")" = mine ]
	[ "$(ls "$T/robot/shop" | wc -l)" = 251 ]
	loaded_archive shop/app 1.0.0 | cmp - "$T/robot/shop/app/1.0.0/app-1.0.0.tgz"
	is_content
}

@test "Harbor's projects show to who is no administrator" {
	WITHOUT_LOGIN=1 start_scripted harbor
	control users '{"name": "robot$team", "password": "robot-pass", "rights": {"team/*": "pull,push"}, "catalog": false}'
	control repositories '{"count": 150, "prefix": "team/r"}'
	control charts '{"repository": "secret/app", "versions": ["1.0.0"]}'
	write_credentials "$REGISTRY" 'robot$team:robot-pass'
	mount_chartfs
	[ "$(ls "$M/team" | wc -l)" = 150 ]
	[ "$(ls "$M")" = team ]
	run ls "$M/secret"
	[ "$status" = 0 ] && [ -z "$output" ]
	run ls "$M/secret/app"
	[ "$status" != 0 ] || [ -z "$output" ]
	run cat "$M/secret/app/1.0.0/app-1.0.0.tgz"
	[ "$status" != 0 ]
	is_content
}

@test "Docker Hub's pages, login, limit of pulls, and what is public" {
	start_named hub
	control repositories '{"count": 250, "prefix": "me/r"}'
	control charts '{"repository": "me/app", "versions": ["1.0.0", "1.1.0"]}'
	mount_chartfs oci://docker.io/me "$NAMED"
	[ "$(ls "$M" | wc -l)" = 251 ]
	[ "$(count 'role=api&method=POST')" = 1 ]
	# HEADs count nothing, GETs do, and 429 is waited for.
	control settings '{"pull_limit": 0}'
	control faults '{"path": "*/manifests/1.0.0", "action": "status", "status": 429, "headers": {"Retry-After": "1"}, "count": 1}'
	control settings '{"pull_limit": 5}'
	loaded_archive me/app 1.0.0 | cmp - "$M/app/app-1.0.0.tgz"
	control settings '{"pull_limit": 0}'
	run cat "$M/app/1.1.0/app-1.1.0.tgz"
	[[ "$output" == *"Input/output error"* ]]
	grep -q 'pull rate limit' "$M.log"
	is_content
}

@test "docker.io in the root of oci:// is registry-1.docker.io" {
	start_named hub
	control charts '{"repository": "me/app", "versions": ["1.0.0"]}'
	mount_chartfs oci:// "$NAMED,repository=docker.io/library/given"
	[ "$(ls "$M")" = registry-1.docker.io ]
	[ "$(ls "$M/docker.io")" = library ]
	[ "$(ls "$M/docker.io/me/app")" = 1.0.0 ]
	loaded_archive me/app 1.0.0 | cmp - "$M/docker.io/me/app-1.0.0.tgz"
	# The same registry, but not the same directory.
	cmp "$M/docker.io/me/app/1.0.0/app-1.0.0.tgz" "$M/index.docker.io/me/app/1.0.0/app-1.0.0.tgz"
	[ "$(stat -c %i "$M/docker.io/me/app")" != "$(stat -c %i "$M/registry-1.docker.io/me/app")" ]
	[ "$(ls "$M")" = registry-1.docker.io ]
	[ "$(ls -i "$M/docker.io/me" | awk '{ print $1 }')" = "$(stat -c %i "$M/docker.io/me/app")" ]
	# A push by one name shows under the other.
	make_chart app 2.0.0 "$T/app-2.0.0.tgz"
	cp "$T/app-2.0.0.tgz" "$M/docker.io/me/app/"
	cmp "$T/app-2.0.0.tgz" "$M/registry-1.docker.io/me/app/2.0.0/app-2.0.0.tgz"
	grep -qF '"registry-1.docker.io:' "$T/proxy.log"
	not_asked docker.io
	not_asked index.docker.io
	is_content
}

# The proxy was asked for no connection to that host.
not_asked() { # HOST
	! grep -qF "\"$1:" "$T/proxy.log" || { grep -F "\"$1:" "$T/proxy.log"; return 1; }
}

@test "Google's children of a project, and what is no namespace there" {
	start_named gar
	control charts '{"repository": "project/charts/app", "versions": ["1.0.0"]}'
	control charts '{"repository": "project/charts/sub/deep", "versions": ["1.0.0"]}'
	mount_chartfs oci://europe-west3-docker.pkg.dev "$NAMED"
	[ "$(ls "$M/project")" = charts ]
	[ "$(ls "$M/project/charts" | tr '\n' ' ')" = "app sub " ]
	[ "$(ls "$M/project/charts/sub")" = deep ]
	[ ! -e "$M/project/charts/.git" ]
	is_content
}
