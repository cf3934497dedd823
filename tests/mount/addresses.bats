#!/usr/bin/env bats
# Where credentials and requests may go by address. A network of these tests' own, whose only
# interface is lo, has public, private and link-local addresses: a registry at a public one must
# not be able to send anybody to a private one.
# no tsan: its threads do what browse, pull, push, writing, failures, hangs and tokens have them do

load lib
load scripted
load logins

PUBLIC=203.0.113.7 OTHER=203.0.113.8 PRIVATE=10.1.2.3 METADATA=169.254.169.254

setup_file() {
	export NETWORK='' INSIDE=$BATS_FILE_TMPDIR/inside TLS=$BATS_FILE_TMPDIR/tls
	has_network || return 0
	python3 "$ROOT/tests/registry/certificates.py" "$TLS" localhost 127.0.0.1 ::1 "$PUBLIC" "$OTHER" \
		"$PRIVATE" "$METADATA" registry.example auth.example
	put_inside "$(command -v python3)" "$(command -v curl)" "$CHARTFS"
}

teardown_file() {
	clean_up
}

setup() {
	if [ -z "$NETWORK" ]; then
		[ "${CI:-}" != true ] || { echo "a network namespace takes root and ip (iproute2)"; return 1; }
		skip "a network namespace takes root and ip (iproute2)"
	fi
	PATH=$INSIDE:$PATH CHARTFS=$INSIDE/chartfs
	begin
	CA=ca_file=$TLS/ca.pem
}

teardown() {
	finish
	local status=$?
	stop_scripted
	return "$status"
}

# A process whose network has these addresses and nothing else; NETWORK is its id. The mount
# namespace stays: a daemon lives as long as any has a copy of its mount.
has_network() {
	local script='ip link set lo up && for a in "$@"; do ip addr add "$a/32" dev lo || exit; done; touch "$0"; exec sleep 900'
	local addresses=("$PUBLIC" "$OTHER" "$PRIVATE" "$METADATA")
	[ "$(id -u)" = 0 ] && command -v ip >/dev/null && unshare -n true 2>/dev/null || return 1
	mapfile -t -O ${#addresses[@]} addresses < <(name_server)
	unshare -n bash -c "$script" "$BATS_FILE_TMPDIR/network" "${addresses[@]}" 3>&- 4>&- &
	echo $! >"$BATS_FILE_TMPDIR/pids"
	wait_until 30 is_there_or_gone "$BATS_FILE_TMPDIR/network" $!
	[ ! -e "$BATS_FILE_TMPDIR/network" ] || NETWORK=$!
}

# The name server that this machine's resolver asks, unless lo has its address anyway.
name_server() {
	sed -n 's/^nameserver *\([0-9.]*\)$/\1/p' /etc/resolv.conf | grep -v '^127\.' | head -1
}

put_inside() { # PROGRAM...: commands of their names that run in there, with the same process id
	local program
	mkdir "$INSIDE"
	for program in "$@"; do
		printf '#!/bin/sh\nexec nsenter --net=/proc/%s/ns/net %s "$@"\n' "$NETWORK" "$program" \
			>"$INSIDE/${program##*/}"
		chmod 755 "$INSIDE/${program##*/}"
	done
}

# A registry with tokens, by https, whose parts are at ADDRESSes; HERE is its HOST:PORT. There is a
# chart in it, ns/app 1.0.0, and a login for it.
start_at() { # HOST [argument of registry.py]...
	local host=$1
	shift
	WITHOUT_LOGIN=1 start_scripted distribution-3 --auth bearer --setting 'realm_role="token"' \
		--user "user:$SECRET" --tls-cert "$TLS/server.pem" --tls-key "$TLS/server.key" "$@"
	HERE=$host:$(port_of "$PORTS" registry)
	control charts '{"repository": "ns/app", "versions": ["1.0.0"]}' >/dev/null
	write_credentials "$HERE" "user:$SECRET"
}

realm_is() { # URL
	control settings "$(jq -n --arg realm "$1" \
		'{challenge: ("Bearer realm=\"" + $realm + "\",service=\"{service}\"{scope}")}')" >/dev/null
}

connections() { # ROLE
	control connections | jq ".$1"
}

reads() { # [DIRECTORY]
	cat "${1:-$M}/ns/app/1.0.0/app-1.0.0.tgz"
}

is_good() { # what was read is the chart, and nobody was told what is not theirs
	loaded_archive ns/app 1.0.0 >"$T/due"
	reads "$M" | cmp - "$T/due"
	is_content
}

@test "a token server at a private address behind a public registry: refused, and not connected to" {
	start_at "$PUBLIC" --address "registry=$PUBLIC" --address "token=$PRIVATE"
	mount_chartfs "oci://$HERE" "$CA"
	refused "Permission denied" reads
	refused "Permission denied" ls "$M"
	says "$PUBLIC is a public registry, but wants its token fetched from the private address $PRIVATE: no credentials go there"
	[ "$(connections token)" = 0 ]
	refused "is a public registry" "$CHARTFS" login -u user --password-stdin --ca-file "$TLS/ca.pem" "$HERE" <<<"$SECRET"
	[ "$(connections token)" = 0 ]
	is_content
}

@test "the same where only the name server tells that it is private" {
	start_at "$PUBLIC" --address "registry=$PUBLIC" --address "token=$PRIVATE"
	start_program "$T/dns" nameserver.py --name "auth.example=$PRIVATE" \
		--address "$(name_server | grep . || sed -n 's/^nameserver *\(127[0-9.]*\)$/\1/p' /etc/resolv.conf | head -1)"
	nsenter --net="/proc/$NETWORK/ns/net" getent hosts auth.example || skip "this machine's resolver asks somebody else"
	realm_is "https://auth.example:$(port_of "$PORTS" token)/token"
	mount_chartfs "oci://$HERE" "$CA"
	refused "Permission denied" reads
	says "refused to go to auth.example: its address ::ffff:$PRIVATE is not a public one"
	[ "$(connections token)" = 0 ]
	is_content
}

@test "a token server at another public address" {
	start_at "$PUBLIC" --address "registry=$PUBLIC" --address "token=$OTHER"
	mount_chartfs "oci://$HERE" "$CA"
	is_good
	[ "$(connections token)" -gt 0 ]
}

@test "a token server at a private address behind a private registry" {
	start_at "$PRIVATE" --address "registry=$PRIVATE" --address "token=127.0.0.1"
	mount_chartfs "oci://$HERE" "$CA"
	is_good
}

# The registry and its token server on loopback, under public names that a proxy knows.
start_behind_proxy() {
	start_at 127.0.0.1
	start_program "$T/proxy" proxy.py --log "$T/proxy.log" --map "$PUBLIC:443=${HERE#*:}" \
		--map "$PRIVATE:443=$(port_of "$PORTS" token)"
	https_proxy=http://127.0.0.1:$(port_of "$T/proxy" proxy)
	export https_proxy
	write_credentials "$PUBLIC" "user:$SECRET"
}

@test "a token server at a private address, by a proxy: allowed" {
	start_behind_proxy
	realm_is "https://$PRIVATE/token"
	mount_chartfs "oci://$PUBLIC" "$CA"
	is_good
	[ "$(jq -r .target "$T/proxy.log" | sort -u | tr '\n' ' ')" = "$PRIVATE:443 $PUBLIC:443 " ]
}

@test "an IPv6 address: login, tokens, push and pull" {
	[ -e /proc/net/if_inet6 ] || skip "this machine has no IPv6"
	start_at '[::1]' --address registry=::1 --setting 'realm_role="registry"'
	rm "$HOME/.config/helm/registry/config.json"
	printf %s "$SECRET" | "$CHARTFS" login -u user --password-stdin --ca-file "$TLS/ca.pem" "$HERE"
	[ "$(jq -r '.auths | keys[]' "$HOME/.config/helm/registry/config.json")" = "$HERE" ]
	mount_chartfs "oci://$HERE" "$CA"
	is_good
	make_chart app 2.0.0 "$T/app-2.0.0.tgz"
	cp "$T/app-2.0.0.tgz" "$M/ns/app/"
	has_archive ns/app 2.0.0 "$T/app-2.0.0.tgz"
	mount_at "$T/all" oci:// "$CA"
	[ "$(ls "$T/all")" = "$HERE" ]
	[ "$(ls "$T/all/$HERE/ns/app" | tr '\n' ' ')" = "1.0.0 2.0.0 " ]
	is_content
}

@test "a blob at a private address behind a public registry: refused, and not connected to" {
	start_at "$PUBLIC" --address "registry=$PUBLIC" --address "token=$OTHER" \
		--address "blobs=$PRIVATE" --setting redirect=307
	mount_chartfs "oci://$HERE" "$CA"
	refused "Permission denied" reads
	says "refused to go to $PRIVATE: its address"
	[ "$(connections blobs)" = 0 ]
	is_content
}

@test "a token server on loopback behind a registry that a proxy leads to: refused, and not connected to" {
	start_behind_proxy
	realm_is "https://127.0.0.1:$(port_of "$PORTS" token)/token"
	mount_chartfs "oci://$PUBLIC" "$CA"
	refused "Permission denied" reads
	says "refused to go to 127.0.0.1: its address"
	# Neither one that no_proxy takes out.
	realm_is "https://$PRIVATE:$(port_of "$PORTS" token)/token"
	no_proxy=$PRIVATE mount_at "$T/direct" "oci://$PUBLIC" "$CA"
	refused "Permission denied" reads "$T/direct"
	grep -q "refused to go to $PRIVATE: its address" "$T/direct.log"
	[ "$(connections token)" = 0 ]
	is_content
}

@test "link-local addresses are asked only where they were given, however they are written" {
	local name port
	start_at "$METADATA" --address "registry=$METADATA" --address "token=$METADATA"
	port=${HERE#*:}
	rm "$HOME/.config/helm/registry/config.json"
	mount_chartfs oci:// "$CA"
	for name in "$METADATA:$port" "[::ffff:$METADATA]:$port" "[::ffff:a9fe:a9fe]:$port" "[0:0::ffff:a9fe:a9fe]:$port"; do
		refused "No such file" ls "$M/$name"
	done
	[ "$(connections registry)" = 0 ]
	mount_at "$T/given" "oci://$HERE" "$CA"
	write_credentials "$HERE" "user:$SECRET"
	cat "$T/given/ns/app/1.0.0/app-1.0.0.tgz" >/dev/null
}
