#!/usr/bin/env bats
# `make demo` and `make demo-stop`, as a newcomer types them, in a folder of their own.
#
# not sanitized: it shows the ordinary build

load lib

setup() {
	export DEMO=$BATS_TEST_TMPDIR/demo
	unset MAKEFLAGS MFLAGS MAKELEVEL CI
}

teardown() {
	DEMO=$BATS_TEST_TMPDIR/demo make -s -C "$ROOT" demo-stop
}

# The registry is no child of ours: nobody may have reaped it yet.
has_ended() { # PID
	[ -z "$(readlink "/proc/$1/exe")" ]
}

tags() { # PORT
	curl -s "localhost:$1/v2/demo/hello/tags/list" | jq -r '.tags | sort[]'
}

@test "make demo pushes, pulls and shows; make demo-stop ends all of it" {
	run make -s -C "$ROOT" demo
	[ "$status" = 0 ]
	[[ $output == *'$ cp hello-0.1.0.tgz hello-0.2.0.tgz charts/demo/'*'# push'* ]]
	[[ $output == *$'$ ls charts/demo/hello\n0.1.0\n0.2.0'* ]]
	[[ $output == *$'\nname: hello\n'* ]]
	[[ $output == *"$DEMO/charts"* ]]

	local port pid
	port=$(sed -n 's/.*The registry localhost:\([0-9]*\) .*/\1/p' <<<"$output")
	pid=$(cat "$DEMO/registry.pid")
	mountpoint "$DEMO/charts"
	[ "$(tags "$port")" = $'0.1.0\n0.2.0' ]
	cmp "$DEMO/hello-0.2.0.tgz" "$DEMO/charts/demo/hello/0.2.0/hello-0.2.0.tgz"
	cmp "$DEMO/hello-0.2.0.tgz" "$DEMO/pulled.tgz"

	make -s -C "$ROOT" demo-stop
	[ ! -e "$DEMO" ]
	has_ended "$pid"
}

@test "make demo again starts afresh; demo-stop without a demo does nothing" {
	make -s -C "$ROOT" demo >/dev/null
	local pid
	pid=$(cat "$DEMO/registry.pid")
	make -s -C "$ROOT" demo >/dev/null
	has_ended "$pid"
	mountpoint "$DEMO/charts"
	make -s -C "$ROOT" demo-stop
	make -s -C "$ROOT" demo-stop
}
