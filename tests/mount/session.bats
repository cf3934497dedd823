#!/usr/bin/env bats
# The session that the README shows, line by line, as a user types it: mounts in the background,
# stored credentials, nothing but the programs' defaults.

load lib

setup_file() {
	start_registry htpasswd
	export FIRST=$REGISTRY FIRST_DIR=$REGISTRY_DIR
	start_registry htpasswd
	export SECOND=$REGISTRY
	local dir=$BATS_FILE_TMPDIR
	for version in 0.1.0 0.2.0 0.3.0; do
		make_chart mychart "$version" "$dir/mychart-$version.tgz"
	done
	make_chart other 1.0.0+b.1 "$dir/other-1.0.0+b.1.tgz"
	export D=$dir
	REGISTRY=$FIRST
	for version in 0.1.0 0.2.0; do
		push_chart helm-charts/mychart "$version" "$dir/mychart-$version.tgz"
	done
	push_chart helm-charts/other 1.0.0_b.1 "$dir/other-1.0.0+b.1.tgz"
}

teardown_file() {
	clean_up
}

setup() {
	begin
	rm -r "$HOME/.config"
	REGISTRY=$FIRST
	C=$HOME/charts
	mkdir "$C"
}

teardown() {
	local mount
	for mount in "$HOME"/*; do
		! is_mounted "$mount" || leave "$mount"
	done
	finish
}

# The daemons behind this test's mounts: their command line ends with the mount point.
daemons_of() { # MOUNTPOINT
	pgrep -f -- "^$CHARTFS .*$1\$" || true
}

no_daemon() {
	[ -z "$(daemons_of "$1")" ]
}

# Unmounts, and waits for the daemon.
leave() { # MOUNTPOINT
	fusermount3 -u "$1" || fusermount3 -uz "$1"
	wait_until 60 no_daemon "$1"
}

log_in() { # REGISTRY
	printf 'secret\n' | "$CHARTFS" login -u user --password-stdin "$1"
}

# A daemon keeps no descriptor of the test.
chartfs() {
	"$CHARTFS" "$@" 3>&- 4>&-
}

@test "chartfs login asks for the password on the terminal, without echo, and stores it" {
	run python3 - "$CHARTFS" "$FIRST" <<-'END_OF_PYTHON'
	import os, pty, select, sys, time

	pid, terminal = pty.fork()
	if pid == 0:
	    os.execv(sys.argv[1], [sys.argv[1], "login", "-u", "user", sys.argv[2]])
	said, typed = b"", False
	deadline = time.monotonic() + 60
	while time.monotonic() < deadline:
	    if not select.select([terminal], [], [], 1)[0]:
	        continue
	    try:
	        part = os.read(terminal, 1000)
	    except OSError:
	        break
	    if not part:
	        break
	    said += part
	    if b"Password: " in said and not typed:
	        typed = os.write(terminal, b"secret\n")
	print(said.decode())
	sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
	END_OF_PYTHON
	[ "$status" = 0 ]
	[[ $output == *"Password: "* ]]
	[[ $output != *secret* ]]
	file=$HOME/.config/helm/registry/config.json
	[ "$(stat -c %a "$file")" = 600 ]
	[ "$(jq -r --arg host "$FIRST" '.auths[$host].auth' "$file" | base64 -d)" = user:secret ]
	chartfs "oci://$FIRST" "$C"
	[ "$(ls "$C")" = helm-charts ]
}

@test "chartfs login refuses a wrong password and stores nothing" {
	run "$CHARTFS" login -u user --password-stdin "$FIRST" <<<wrong
	[ "$status" -ne 0 ]
	[[ $output == *"$FIRST"* ]]
	! grep -rqs user "$HOME/.config" || false
}

@test "logout forgets" {
	log_in "$FIRST"
	log_in "$SECOND"
	"$CHARTFS" logout "$FIRST"
	file=$HOME/.config/helm/registry/config.json
	[ "$(jq -c --arg host "$FIRST" '.auths | has($host)' "$file")" = false ]
	[ "$(jq -c --arg host "$SECOND" '.auths | has($host)' "$file")" = true ]
}

@test "helm's login serves chartfs, and chartfs' login helm" {
	need_helm helm-4
	"$PEERS/helm-4" registry login -u user --password-stdin --plain-http "$FIRST" <<<secret
	chartfs "oci://$FIRST" "$C"
	cmp "$D/mychart-0.1.0.tgz" "$C/helm-charts/mychart/0.1.0/mychart-0.1.0.tgz"
	log_in "$SECOND"
	"$PEERS/helm-4" push "$D/mychart-0.1.0.tgz" "oci://$SECOND/by-helm" --plain-http
}

@test "a mount in the background: status 0 only when it serves" {
	log_in "$FIRST"
	chartfs "oci://$FIRST" "$C"
	is_mounted "$C"
	[ "$(ls "$C/helm-charts/mychart")" = "$(printf '0.1.0\n0.2.0')" ]
	[ -n "$(daemons_of "$C")" ]
	# It is nobody's child, in a session of its own, and in no folder that could be unmounted.
	pid=$(daemons_of "$C")
	[ "$(readlink "/proc/$pid/cwd")" = / ]
	[ "$(ps -o sid= -p "$pid" | tr -d ' ')" != "$(ps -o sid= -p $$ | tr -d ' ')" ]
	# The mount point is taken, is none, or the source is nonsense.
	run chartfs "oci://$FIRST" "$C"
	[ "$status" -ne 0 ]
	[[ $output == *"$C"* ]]
	run chartfs "oci://$FIRST" "$HOME/nowhere"
	[ "$status" -ne 0 ]
	[[ $output == *nowhere* ]]
	mkdir "$HOME/m"
	run chartfs "oci://user:secret@$FIRST" "$HOME/m"
	[ "$status" -ne 0 ]
	[[ $output != *secret* ]]
	run chartfs -o no_such_option "oci://$FIRST" "$HOME/m"
	[ "$status" -ne 0 ]
	[[ $output == *no_such_option* ]]
	! is_mounted "$HOME/m" || false
	leave "$C"
}

@test "-o check: status 0 only when the registry answers" {
	mkdir "$HOME/m"
	run chartfs -o check "oci://127.0.0.1:$(free_port)" "$HOME/m"
	[ "$status" -ne 0 ]
	[ -n "$output" ]
	! is_mounted "$HOME/m" || false
	log_in "$FIRST"
	chartfs -o check "oci://$FIRST" "$C"
	is_mounted "$C"
}

@test "ls, pull with cp, push with cp, a version's short name" {
	log_in "$FIRST"
	chartfs "oci://$FIRST" "$C"
	[ "$(ls "$C/helm-charts/mychart")" = "$(printf '0.1.0\n0.2.0')" ]
	mkdir "$T/here" && cd "$T/here"
	cp "$C"/helm-charts/mychart/0.1.0/*.tgz .
	cmp mychart-0.1.0.tgz "$D/mychart-0.1.0.tgz"
	cp "$D/mychart-0.3.0.tgz" .
	cp mychart-0.3.0.tgz "$C/helm-charts/"
	[ "$(chart_digest helm-charts/mychart 0.3.0)" = "$(sha256_of mychart-0.3.0.tgz)" ]
	[ "$(ls "$C/helm-charts/mychart")" = "$(printf '0.1.0\n0.2.0\n0.3.0')" ]
	tar tzf "$C/helm-charts/mychart-0.3.0.tgz" | grep -qx mychart/Chart.yaml
	cd "$T"
}

@test "helm package -d into it, helm pull -d into a new namespace of it" {
	need_helm helm-4
	need_helm helm-3
	log_in "$FIRST"
	chartfs "oci://$FIRST" "$C"
	for helm in helm-4 helm-3; do
		version=7.0.${helm#helm-}
		mkdir -p "$T/$helm/mychart"
		cd "$T/$helm"
		printf 'apiVersion: v2\nname: mychart\nversion: %s\n' "$version" >mychart/Chart.yaml
		"$PEERS/$helm" package -d "$C/helm-charts" ./mychart
		[ "$(ls "$C/helm-charts/mychart/$version")" = "mychart-$version.tgz" ]
		[ "$(chart_digest helm-charts/mychart "$version")" = "$(sha256_of "$C/helm-charts/mychart/$version/mychart-$version.tgz")" ]
		mkdir -p "$C/team-$helm"
		"$PEERS/$helm" pull -d "$C/team-$helm" "oci://$FIRST/helm-charts/mychart" --version 0.1.0 --plain-http
		[ "$(chart_digest "team-$helm/mychart" 0.1.0)" = "$(sha256_of "$D/mychart-0.1.0.tgz")" ]
		[ "$(ls "$C/team-$helm")" = mychart ]
		[ "$(ls "$C/team-$helm/mychart")" = 0.1.0 ]
		cd "$T"
	done
}

@test "rsync of a namespace to another registry's mount: the manifests' digests unchanged" {
	log_in "$FIRST"
	log_in "$SECOND"
	mkdir "$HOME/other-mount"
	chartfs "oci://$FIRST" "$C"
	chartfs "oci://$SECOND" "$HOME/other-mount"
	mkdir -p "$HOME/other-mount/helm-charts"
	rsync -a "$C/helm-charts/" "$HOME/other-mount/helm-charts/"
	for version in 0.1.0 0.2.0; do
		REGISTRY=$FIRST
		digest=$(tag_digest helm-charts/mychart "$version")
		[ -n "$digest" ]
		REGISTRY=$SECOND
		[ "$(tag_digest helm-charts/mychart "$version")" = "$digest" ]
	done
	digest=$(REGISTRY=$FIRST tag_digest helm-charts/other 1.0.0_b.1)
	[ -n "$digest" ]
	[ "$(REGISTRY=$SECOND tag_digest helm-charts/other 1.0.0_b.1)" = "$digest" ]
	# Once more: nothing to do.
	run rsync -ai "$C/helm-charts/" "$HOME/other-mount/helm-charts/"
	[ "$status" = 0 ]
	! grep -q '^[<>]f' <<<"$output" || { echo "$output"; return 1; }
}

@test "oci://: every registry with stored credentials, one directory each" {
	log_in "$FIRST"
	log_in "$SECOND"
	mkdir "$HOME/registries"
	chartfs oci:// "$HOME/registries"
	[ "$(ls "$HOME/registries")" = "$(printf '%s\n' "$FIRST" "$SECOND" | sort)" ]
	cmp "$D/mychart-0.1.0.tgz" "$HOME/registries/$FIRST/helm-charts/mychart/0.1.0/mychart-0.1.0.tgz"
	mkdir -p "$HOME/registries/$SECOND/promoted"
	cp -p "$HOME/registries/$FIRST/helm-charts/mychart-0.1.0.tgz" "$HOME/registries/$SECOND/promoted/"
	REGISTRY=$SECOND
	[ "$(chart_digest promoted/mychart 0.1.0)" = "$(sha256_of "$D/mychart-0.1.0.tgz")" ]
}

@test "fusermount3 -u ends it; what was copied is there at the next mount" {
	log_in "$FIRST"
	chartfs "oci://$FIRST" "$C"
	mkdir -p "$C/kept"
	cp "$D/mychart-0.3.0.tgz" "$C/kept/"
	leave "$C"
	[ -z "$(ls -A "$C")" ]
	chartfs "oci://$FIRST" "$C"
	cmp "$D/mychart-0.3.0.tgz" "$C/kept/mychart/0.3.0/mychart-0.3.0.tgz"
	# A bare host, and a namespace of it as the source.
	mkdir "$HOME/namespace"
	chartfs "$FIRST/helm-charts" "$HOME/namespace"
	ls "$HOME/namespace" | grep -qx mychart
	kill -TERM "$(daemons_of "$C")"
	wait_until 60 no_daemon "$C"
	! is_mounted "$C" || false
}
