#!/bin/bash
# Checks that dependencies point down only: fs -> client, cache; client -> cache/digest and
# cache/base; cache -> cache/base; and that each library is known only where it belongs. Includes
# of ours are written "layer/file.h". Prints each include that should not be; silent otherwise.
set -u
cd "$(dirname "$0")/.." || exit 1

# All includes: FILE:LINE "layer/file.h" or FILE:LINE <header>.
includes() {
	grep -rnE '^[[:space:]]*#[[:space:]]*include' --include='*.[ch]' fs client cache tests |
		sed -E 's/^([^:]*:[0-9]*):[^"<]*(["<][^">]*[">]).*/\1 \2/'
}

# may FILES HEADERS: files whose path matches may include, of ours, only what matches.
may() {
	awk -v files="$1" -v headers="$2" '$1 ~ files && $2 ~ /^"/ && $2 !~ headers' <<<"$all"
}

# only FILES LIBRARY: its headers are included by no other files (tests apart).
only() {
	awk -v files="$1" -v library="$2" '$1 !~ files && $1 !~ "^tests/" && $2 ~ library' <<<"$all"
}

absent() { # includes of files that do not exist, seen from the top
	local where header
	while read -r where header; do
		[[ $header != \"* ]] || [ -f "${header//\"/}" ] || echo "$where $header"
	done <<<"$all"
}

all=$(includes)
wrong=$(
	absent
	may '^cache/base/' '^"cache/base/'
	may '^cache/[a-z_]*\.[ch]:' '^"cache/'
	may '^client/' '^"client/|^"cache/digest\.h"|^"cache/base/'
	may '^tests/unit/cache-' '^"tests/|^"cache/'
	may '^tests/unit/client-' '^"tests/|^"client/|^"cache/'
	may '^(fs|client|cache)/' '^"(fs|client|cache)/'
	only '^fs/' '^<(linux/)?fuse'
	only '^client/transport' '^<curl/|^"client/transport_private\.h"'
	only '^client/' '^<cjson/|^"client/json\.h"'
	only '^cache/digest\.c:|^client/(account|certs|pem|transport_trust)' '^<openssl/'
	only '^client/archive' '^<zlib'
	only '^client/chart' '^<yaml'
	find fs client cache tests -name '*.h' -exec grep -LE '^#pragma once' {} + | sed 's/$/ lacks #pragma once/'
)
[ -z "$wrong" ] || { echo "$wrong" | sort -u; exit 1; }
