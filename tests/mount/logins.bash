# Credentials for mount tests: registries with tokens, helpers, files of logins. Load it after lib
# and scripted.

SECRET=canary-5ecret

# start_token_registry: a registry behind tokens.py, with user and $SECRET. Exports
# what start_registry does (no REGISTRY_USER: curl knows no tokens) and TOKENS, the control port of
# the token server.
start_token_registry() { # [argument of tokens.py]...
	local dir=$BATS_FILE_TMPDIR/tokens
	start_program "$BATS_FILE_TMPDIR/tokens.ports" tokens.py --directory "$dir" --user "user:$SECRET" "$@"
	echo "$STARTED_PID" >>"$BATS_FILE_TMPDIR/pids"
	TOKENS=$(port_of "$BATS_FILE_TMPDIR/tokens.ports" control)
	# shellcheck disable=SC2034 # start_registry reads them
	TOKEN_REALM=http://127.0.0.1:$(port_of "$BATS_FILE_TMPDIR/tokens.ports" token)/token \
		TOKEN_CERTIFICATE=$dir/token.pem
	start_registry token
	REGISTRY_USER=
	export TOKENS REGISTRY_USER
}

tokens() { # PATH [JSON]: the token server's control port
	curl -sS -f --max-time 60 --noproxy '*' ${2:+--data-binary "$2"} "http://localhost:$TOKENS/$1"
}

# make_helper NAME: docker-credential-NAME on PATH, which keeps logins in $T/store, a file for each
# server, and notes its calls in $T/helper.calls. A file $T/helper.fault is run before, if there.
make_helper() {
	mkdir -p "$T/bin" "$T/store"
	cat >"$T/bin/docker-credential-$1" <<-'END'
		#!/bin/bash
		file_of() { tr '/:' '__' <<<"$1"; }
		question=$(cat)
		echo "$1 $question" | sed 's/"Secret":"[^"]*"/"Secret":"..."/' >>"$T/helper.calls"
		tr '\0' '\n' </proc/self/environ >"$T/helper.environment"
		grep ^Sig /proc/self/status >"$T/helper.signals"
		[ ! -e "$T/helper.fault" ] || . "$T/helper.fault"
		case $1 in
		get) cat "$T/store/$(file_of "$question")" 2>/dev/null || { echo "credentials not found in native keychain"; exit 1; } ;;
		store) echo "$question" >"$T/store/$(file_of "$(jq -r .ServerURL <<<"$question")")" ;;
		erase) rm -f "$T/store/$(file_of "$question")" ;;
		list) cat "$T"/store/* 2>/dev/null | jq -s 'map({(.ServerURL): .Username}) | add // {}' ;;
		esac
	END
	chmod 755 "$T/bin/docker-credential-$1"
	case $PATH in
	"$T/bin:"*) ;;
	*) PATH=$T/bin:$PATH ;;
	esac
	export PATH
}

helper_keeps() { # SERVER USER SECRET
	printf '{"ServerURL":"%s","Username":"%s","Secret":"%s"}\n' "$@" >"$T/store/$(tr '/:' '__' <<<"$1")"
}

helper_calls() { # ACTION: how often
	grep -c "^$1 " "$T/helper.calls" 2>/dev/null || true
}

# write_file FILE TEXT: in one step, as programs do it that keep logins.
write_logins() {
	mkdir -p "$(dirname "$1")"
	printf '%s' "$2" >"$1.new"
	chmod 600 "$1.new"
	mv "$1.new" "$1"
}

entry() { # KEY USER:PASSWORD: a file with this one login
	printf '{"auths":{"%s":{"auth":"%s"}}}' "$1" "$(printf %s "$2" | base64 -w0)"
}

# What the mount under test wrote about nobody's secret: its log, its arguments, its cache.
no_secret() { # SECRET...
	local secret
	for secret in "$@" ; do
		! log_of | grep -F "$secret" || return 1
		! tr '\0' ' ' <"/proc/$CHARTFS_PID/cmdline" | grep -F "$secret" || return 1
		! grep -rlF "$secret" "$T/cache" || return 1
		! grep -rlF "$(printf %s "$secret" | base64 -w0)" "$T/cache" || return 1
	done
}

# shellcheck disable=SC2154 # bats sets them
refused() { # TEXT COMMAND...: it fails with that text
	local text=$1
	shift
	run "$@"
	[ "$status" -ne 0 ] || { echo "not refused: $*"; return 1; }
	[[ "$output" == *"$text"* ]] || { echo "got: $output"; return 1; }
}

says() { # PATTERN, in the log
	log_of | grep -q -- "$1" || { log_of; return 1; }
}
