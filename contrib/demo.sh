#!/bin/bash
# A demonstration: a registry on a free loopback port, a mount of it, a chart copied in and out.
# Leaves both running. All of it is in .build/demo ($DEMO), and no configuration of yours is touched.
#
# contrib/demo.sh start | stop
set -eu
cd "$(dirname "$0")/.."

demo=${DEMO:-$PWD/.build/demo}
mount=$demo/charts
registry=$PWD/.build/peers/registry
export PATH=$PWD/.build:$PATH HOME=$demo/home
unset XDG_CACHE_HOME HELM_REGISTRY_CONFIG DOCKER_CONFIG REGISTRY_AUTH_FILE

is_registry() { # PID: and not somebody else's process by now
	[ "$(readlink "/proc/$1/exe" 2>/dev/null)" = "$registry" ]
}

is_mounted() {
	grep -qF " $mount fuse" /proc/self/mounts
}

# wait_for SECONDS COMMAND...: until it succeeds.
wait_for() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		((SECONDS < end)) || return 1
		sleep 0.05
	done
}

registry_port() {
	sed -n 's/.*listening on 127\.0\.0\.1:\([0-9]*\).*/\1/p' "$demo/registry.log" | head -1
}

registry_listens() {
	[ -n "$(registry_port)" ] || ! kill -0 "$(cat "$demo/registry.pid")" 2>/dev/null
}

start_registry() {
	cat >"$demo/registry.yml" <<-END
	version: 0.1
	storage: {filesystem: {rootdirectory: $demo/registry}}
	http: {addr: "127.0.0.1:0"}
	END
	: >"$demo/registry.log"
	setsid "$registry" serve "$demo/registry.yml" </dev/null >>"$demo/registry.log" 2>&1 3>&- 4>&- &
	echo $! >"$demo/registry.pid"
	wait_for 60 registry_listens || true
	[ -n "$(registry_port)" ] || {
		echo "demo: the registry does not start:" >&2
		cat "$demo/registry.log" >&2
		return 1
	}
}

make_chart() { # NAME VERSION: the archive in $demo
	local chart=$demo/source/$1
	mkdir -p "$chart/templates"
	printf '%s\n' 'apiVersion: v2' "name: $1" "version: $2" 'description: says hello' >"$chart/Chart.yaml"
	echo 'greeting: hello' >"$chart/values.yaml"
	cat >"$chart/templates/greeting.yaml" <<-'END'
	apiVersion: v1
	kind: ConfigMap
	metadata:
	  name: {{ .Release.Name }}-greeting
	data:
	  greeting: {{ .Values.greeting }}
	END
	tar -C "$demo/source" -czf "$demo/$1-$2.tgz" "$1"
}

# show COMMAND: as typed, then what it says.
show() {
	printf '\n$ %s\n' "$1"
	(cd "$demo" && eval "$1")
}

start() {
	[ -w /dev/fuse ] || { echo "demo: /dev/fuse is not there or not yours to use" >&2; return 1; }
	stop
	mkdir -p "$mount" "$demo/home"
	start_registry
	make_chart hello 0.1.0
	make_chart hello 0.2.0
	echo "In $demo:"
	show "chartfs oci://localhost:$(registry_port) charts"
	show 'mkdir charts/demo'
	show 'cp hello-0.1.0.tgz hello-0.2.0.tgz charts/demo/        # push'
	show 'ls charts/demo/hello'
	show 'ls -l charts/demo/hello/0.2.0'
	show 'cp charts/demo/hello/0.2.0/hello-0.2.0.tgz pulled.tgz  # pull'
	show 'cmp hello-0.2.0.tgz pulled.tgz && sha256sum pulled.tgz'
	show 'tar -xzOf charts/demo/hello-0.1.0.tgz hello/Chart.yaml'
	show "curl -s localhost:$(registry_port)/v2/demo/hello/tags/list"
	cat <<-END

	The registry localhost:$(registry_port) and its mount stay until \`make demo-stop\`:
	  $mount
	END
}


# The mount's daemon: no other chartfs has this HOME.
daemon() {
	local each
	for each in /proc/[0-9]*; do
		if [ "$(cat "$each/comm" 2>/dev/null)" = chartfs ] && grep -qzsxF "HOME=$HOME" "$each/environ"; then
			basename "$each"
		fi
	done
}

stop() {
	local pid
	[ -d "$demo" ] || return 0
	if is_mounted && ! fusermount3 -u "$mount"; then
		echo "demo: something still uses $mount (a shell in it?)" >&2
		return 1
	fi
	wait_for 30 daemon_is_gone || { echo "demo: chartfs does not end" >&2; return 1; }
	pid=$(cat "$demo/registry.pid" 2>/dev/null || true)
	if [ -n "$pid" ] && is_registry "$pid"; then
		kill "$pid"
		wait_for 30 registry_is_gone "$pid" || { echo "demo: the registry does not end" >&2; return 1; }
	fi
	rm -rf --one-file-system -- "$demo"
}

daemon_is_gone() {
	[ -z "$(daemon)" ]
}

registry_is_gone() {
	! is_registry "$1"
}

case ${1:-} in
start | stop) "$1" ;;
*) echo "usage: contrib/demo.sh start | stop" >&2 && exit 2 ;;
esac
