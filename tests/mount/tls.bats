#!/usr/bin/env bats
# A real registry by https, behind nginx: whose certificates are trusted, which are shown, what is
# said where that fails, and that nothing ever goes back to http.

# shellcheck disable=SC2030,SC2031 # each test is a process of its own

load lib
load scripted
load logins

setup_file() {
	[ -x "$PEERS/nginx" ] || skip "there is no nginx in $PEERS (make peers)"
	local dir=$BATS_FILE_TMPDIR
	export CERTS=$dir/certificates NGINX=$dir/nginx
	python3 "$ROOT/tests/registry/certificates.py" "$CERTS" localhost 127.0.0.1 charts.example
	# A second authority, which has signed nothing here.
	python3 "$ROOT/tests/registry/certificates.py" "$dir/strangers" localhost
	start_registry htpasswd
	make_chart app 1.0.0 "$dir/app-1.0.0.tgz"
	make_chart app 2.0.0 "$dir/app-2.0.0.tgz"
	export A=$dir/app-1.0.0.tgz B=$dir/app-2.0.0.tgz STRANGERS=$dir/strangers
	push_chart ns/app 1.0.0 "$A"
	export BEHIND=$REGISTRY
	start_nginx "$REGISTRY" main
}

teardown_file() {
	clean_up
}

setup() {
	REGISTRY_USER='' begin
	HERE=localhost:$(port_of "$NGINX/main.ports" tls)
	CA=ca_file=$CERTS/ca.pem
	NS=ns$BATS_TEST_NUMBER
	log_in "$HERE"
}

teardown() {
	finish
	local status=$?
	stop_scripted
	return "$status"
}

start_nginx() { # HOST:PORT behind it, NAME
	mkdir -p "$NGINX"
	start_program "$NGINX/$2.ports" nginx.py --directory "$NGINX/$2" --certificates "$CERTS" --to "${1#*:}" --nginx "$PEERS/nginx"
	echo "$STARTED_PID" >>"$BATS_FILE_TMPDIR/pids"
}

log_in() { # HOST
	write_credentials "$1" user:secret
}

at() { # ROLE: HOST:PORT, logged in
	HERE=localhost:$(port_of "$NGINX/main.ports" "$1")
	log_in "$HERE"
}

is_readable() { # [DIRECTORY]
	cmp "$A" "${1:-$M}/ns/app/1.0.0/app-1.0.0.tgz"
}

# The requests at nginx of one kind, as it has written them.
at_nginx() { # PATTERN
	grep -E "$1" "$NGINX/main/access"
}

# Copies a chart into the mount whose bytes the registry does not have: those that one of its
# repositories has, zot gives the others too, and then nothing is uploaded.
upload() {
	make_chart app "$BATS_TEST_NUMBER.0.0" "$T/app-$BATS_TEST_NUMBER.0.0.tgz"
	mkdir "$M/$NS"
	cp "$T/app-$BATS_TEST_NUMBER.0.0.tgz" "$M/$NS/"
}

@test "an unknown authority: EPROTO, and what to do" {
	mount_chartfs "oci://$HERE"
	refused "Protocol error" ls "$M"
	refused "Protocol error" is_readable
	says "ca_file"
	says "certificate"
}

@test "ca_file, in login too" {
	rm "$HOME/.config/helm/registry/config.json"
	refused "certificate" "$CHARTFS" login -u user --password-stdin "$HERE" <<<secret
	printf secret | "$CHARTFS" login -u user --password-stdin --ca-file "$CERTS/ca.pem" "$HERE"
	mount_chartfs "oci://$HERE" "$CA"
	is_readable
	mkdir "$M/$NS"
	cp "$B" "$M/$NS/"
	export REGISTRY=$BEHIND REGISTRY_USER=user:secret
	[ "$(chart_digest "$NS/app" 2.0.0)" = "$(sha256_of "$B")" ]
}

@test "SSL_CERT_FILE and SSL_CERT_DIR" {
	export SSL_CERT_FILE=$CERTS/ca.pem
	mount_at "$T/file" "oci://$HERE"
	is_readable "$T/file"
	mkdir "$T/anchors"
	cp "$CERTS/ca.pem" "$T/anchors/some.pem"
	unset SSL_CERT_FILE
	SSL_CERT_DIR=$T/none:$T/anchors mount_at "$T/dir" "oci://$HERE"
	is_readable "$T/dir"
	SSL_CERT_FILE=$STRANGERS/ca.pem mount_at "$T/strangers" "oci://$HERE"
	refused "Protocol error" ls "$T/strangers"
}

@test "certs.d directories, containers' and docker's" {
	local folder
	for folder in .config/containers .config/docker; do
		mkdir -p "$HOME/$folder/certs.d/$HERE"
		cp "$CERTS/ca.pem" "$HOME/$folder/certs.d/$HERE/ca.crt"
		mount_at "$T/${folder#*/}" "oci://$HERE"
		is_readable "$T/${folder#*/}"
		mv "$HOME/$folder" "$HOME/$folder.gone"
	done
	# Another port is another host.
	mkdir -p "$HOME/.config/containers/certs.d/localhost:1"
	cp "$CERTS/ca.pem" "$HOME/.config/containers/certs.d/localhost:1/ca.crt"
	mount_chartfs "oci://$HERE"
	refused "Protocol error" ls "$M"
}

@test "a client's certificate by options" {
	at client
	mount_at "$T/none" "oci://$HERE" "$CA"
	refused "" ls "$T/none"
	grep -q "certificate" "$T/none.log"
	mount_chartfs "oci://$HERE" "$CA,cert_file=$CERTS/client.pem,key_file=$CERTS/client.key"
	is_readable
	at_nginx '^client .* 200 CN=chartfs test client'
}

@test "a client's certificate by certs.d" {
	at client
	mkdir -p "$HOME/.config/containers/certs.d/$HERE"
	cp "$CERTS/ca.pem" "$HOME/.config/containers/certs.d/$HERE/ca.crt"
	cp "$CERTS/client.pem" "$HOME/.config/containers/certs.d/$HERE/client.cert"
	mount_at "$T/half" "oci://$HERE"
	refused "" ls "$T/half"
	grep -q "client.cert has no client.key beside it" "$T/half.log"
	cp "$CERTS/client.key" "$HOME/.config/containers/certs.d/$HERE/client.key"
	mount_chartfs "oci://$HERE"
	is_readable
	mkdir "$M/$NS"
	cp "$B" "$M/$NS/"
}

@test "certificates that cannot be used are told at the start" {
	refused "is not the one of the certificate" "$CHARTFS" -o "cache_dir=$T/cache,cert_file=$CERTS/client.pem,key_file=$CERTS/server.key" "oci://$HERE" "$M"
	refused "ca_file" "$CHARTFS" -o "cache_dir=$T/cache,ca_file=$T/none" "oci://$HERE" "$M"
	echo junk >"$T/junk"
	refused "ca_file" "$CHARTFS" -o "cache_dir=$T/cache,ca_file=$T/junk" "oci://$HERE" "$M"
	refused "cert_file" "$CHARTFS" -o "cache_dir=$T/cache,key_file=$CERTS/client.key" "oci://$HERE" "$M"
}

@test "a certificate for another host, or one that has run out; insecure takes them" {
	at other
	mount_at "$T/other" "oci://$HERE" "$CA"
	refused "Protocol error" ls "$T/other"
	grep -qi "certificate" "$T/other.log"
	mount_at "$T/insecure" "oci://$HERE" insecure
	is_readable "$T/insecure"
	at expired
	mount_at "$T/expired" "oci://$HERE" "$CA"
	refused "Protocol error" ls "$T/expired"
	grep -qi "expired" "$T/expired.log"
}

@test "small reads go over HTTP/2, uploads over HTTP/1.1" {
	mount_chartfs "oci://$HERE" "$CA"
	is_readable
	upload
	at_nginx '^tls HTTP/2.0 GET /v2/ns/app/manifests/1.0.0 200'
	at_nginx '^tls HTTP/2.0 GET /v2/ns/app/tags/list.* 200'
	at_nginx "^tls HTTP/1.1 PUT /v2/$NS/app/blobs/uploads/[^ ]* 201"
	run at_nginx '^[a-z]* HTTP/2.0 (PUT|PATCH) '
	[ "$status" = 1 ]
}

@test "a registry that does not know of the TLS before it: uploads stay with https" {
	at bare
	mount_chartfs "oci://$HERE" "$CA"
	upload
	at_nginx "^bare HTTP/1.1 PUT /v2/$NS/app/blobs/uploads/[^ ]* 201"
}

@test "a redirect from https to http is refused" {
	at leak
	mount_chartfs "oci://$HERE" "$CA"
	refused "Protocol error" is_readable
	says "redirects from https to http: refused"
}

@test "relative addresses of uploads" {
	# Those of zot always are.
	start_registry htpasswd "relativeurls: true"
	start_nginx "$REGISTRY" relative
	HERE=localhost:$(port_of "$NGINX/relative.ports" tls)
	log_in "$HERE"
	mount_chartfs "oci://$HERE" "$CA"
	mkdir "$M/$NS"
	cp "$A" "$M/$NS/"
	[ "$(chart_digest "$NS/app" 1.0.0)" = "$(sha256_of "$A")" ]
}

@test "once https has worked http is not taken, and gets no secret" {
	local port pid
	start_nginx "$BEHIND" brief
	pid=$STARTED_PID
	port=$(port_of "$NGINX/brief.ports" tls)
	log_in "localhost:$port"
	mount_chartfs "oci://localhost:$port" "$CA,ttl=0"
	is_readable
	stop_process "$pid"
	REGISTRY_PORT=$port start_registry plain
	refused "Protocol error" cat "$M/ns/app/9.9.9/app-9.9.9.tgz"
	says "no TLS connection with localhost:$port"
	[ -z "$(requests)" ]
}

# A proxy that knows charts.example, by https, and plain.example, which speaks http on that port.
start_proxy() { # [ARGUMENT]...
	start_program "$T/proxy" proxy.py --log "$T/proxy.log" --canary secret \
		--map "charts.example=${HERE#*:}" --map "plain.example=${BEHIND#*:}" "$@"
	PROXY=127.0.0.1:$(port_of "$T/proxy" proxy)
}

@test "a proxy by environment: through a tunnel, and the proxy learns no secret" {
	start_proxy
	log_in charts.example
	https_proxy=http://$PROXY mount_chartfs oci://charts.example "$CA"
	is_readable
	mkdir "$M/$NS"
	cp "$B" "$M/$NS/"
	[ "$(jq -r .target "$T/proxy.log" | sort -u)" = charts.example:443 ]
	[ "$(jq -r .secret "$T/proxy.log" | sort -u)" = false ]
}

@test "a proxy that asks for a password, and one to be left out" {
	start_proxy --user me:proxy-canary
	log_in charts.example
	https_proxy=http://me:proxy-canary@$PROXY mount_chartfs oci://charts.example "$CA"
	is_readable
	no_secret proxy-canary
	https_proxy=http://$PROXY mount_at "$T/closed" oci://charts.example "$CA"
	refused "" ls "$T/closed"
	grep -q "the proxy does not connect to charts.example:443 (407): it wants a user and password" "$T/closed.log"
	# No sentence quotes what cannot be a proxy, or cannot be reached.
	local scheme before
	for scheme in ftp socks9 http; do
		https_proxy=$scheme://me:proxy-canary@127.0.0.1:1 mount_at "$T/$scheme" oci://charts.example "$CA"
		refused "No route to host" ls "$T/$scheme"
		grep -q "cannot connect to the proxy for charts.example:443" "$T/$scheme.log"
		! grep proxy-canary "$T/$scheme.log" || return 1
	done
	before=$(wc -l <"$T/proxy.log")
	log_in "$HERE"
	https_proxy=http://$PROXY no_proxy=localhost mount_at "$T/direct" "oci://$HERE" "$CA"
	is_readable "$T/direct"
	[ "$(wc -l <"$T/proxy.log")" = "$before" ]
}

@test "http where https is due: EPROTO, and what to do" {
	start_proxy
	log_in plain.example
	https_proxy=http://$PROXY mount_chartfs oci://plain.example
	refused "Protocol error" ls "$M"
	says "plain_http"
	[ "$(jq -r .secret "$T/proxy.log" | sort -u)" = false ]
	http_proxy=http://$PROXY mount_at "$T/plain" oci://plain.example plain_http
	is_readable "$T/plain"
}
