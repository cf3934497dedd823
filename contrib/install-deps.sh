#!/bin/bash
# Installs what chartfs needs on Debian 12; quick and silent when nothing is missing.
#
# contrib/install-deps.sh [build|demo|test|lint]...   without arguments: build
# contrib/install-deps.sh refresh                only renews apt's lists of packages
set -eu

build=(build-essential pkg-config libfuse3-dev fuse3 libcurl4-openssl-dev libcjson-dev libssl-dev
	zlib1g-dev libyaml-dev)
demo=(curl)
test=(bats rsync apache2-utils jq python3 curl strace openssl procps tzdata util-linux-extra iproute2)
lint=(clang clang-tidy clang-format cppcheck shellcheck mandoc libclang-rt-14-dev)

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		echo "install-deps: neither root nor sudo; as root, type: $*" >&2
		return 1
	fi
}

apt_get() {
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 "$@" </dev/null
}

missing() { # PACKAGE...: those of them that are not installed
	local installed
	installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
		sed -n 's/^installed //p')
	printf '%s\n' "$@" | grep -vxF -f <(printf '%s\n' "$installed") || true
}

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
	pkg-config --exists fuse3 libcurl libcjson libcrypto zlib yaml-0.1 2>/dev/null && exit 0
	echo "install-deps: not a Debian system; install what these packages hold: ${build[*]}" >&2
	exit 1
fi
[ $# -gt 0 ] || set -- build
wanted=()
for set in "$@"; do
	case $set in
	build) wanted+=("${build[@]}") ;;
	demo) wanted+=("${build[@]}" "${demo[@]}") ;;
	test) wanted+=("${build[@]}" "${test[@]}") ;;
	lint) wanted+=("${build[@]}" "${lint[@]}") ;;
	refresh) apt_get update && exit ;;
	*) echo "install-deps: unknown set \"$set\"" >&2 && exit 2 ;;
	esac
done
mapfile -t needed < <(missing "${wanted[@]}")
[ ${#needed[@]} -gt 0 ] || exit 0
echo "installing ${needed[*]}"
apt_get update
apt_get install -y --no-install-recommends "${needed[@]}"
