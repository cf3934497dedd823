#!/bin/bash
# Looks at the source without running it, and ends with `N passed, N failed, N skipped`.
#
# tests/lint.sh [CHECK...]      without arguments: all, as listed at the end
set -u
cd "$(dirname "$0")/.." || exit 1

jobs=$(nproc)
mapfile -t sources < <(find fs client cache -name '*.c' | sort)
mapfile -t code < <(find fs client cache tests -name '*.[ch]' | sort)
mapfile -t scripts < <(find contrib tests .ci -name '*.sh' -o -name '*.bash' -o -name '*.bats' -o -path .ci/run)
mapfile -t pythons < <(find contrib tests -name '*.py')
flags=(-I. -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 '-DCHARTFS_VERSION="0"')
read -ra packages < <(pkg-config --cflags fuse3 libcurl libcjson libssl libcrypto zlib yaml-0.1)

format() {
	clang-format --dry-run -Werror "${code[@]}"
}

layers() {
	tests/layers.sh
}

# Functions that know no bounds, keep hidden state, or cannot tell an error.
banned() {
	! grep -nE '\b(v?sprintf|strcpy|strcat|stpcpy|strtok|atoi|atol|atoll|atof|gets|strerror|alloca)[[:space:]]*\(' \
		-r --include='*.[ch]' fs client cache
}

# A build without warnings. Of clang's and gcc's neither finds all that the other does.
warnings() { # COMPILER
	make --no-print-directory -s -j"$jobs" B=.build/"$1" CC="$1" CFLAGS='-O2 -g -Werror' test-programs |
		grep -v '^CC\|^LD'
	[ "${PIPESTATUS[0]}" = 0 ]
}

gcc() {
	warnings gcc
}

clang() {
	warnings clang
}

# One file at a time: in clang 14 one file's va_list spoils the next file's analysis.
tidy() {
	printf '%s\0' "${sources[@]}" | xargs -0 -I{} -P"$jobs" tests/lint.sh tidy-file {}
}

tidy_file() { # FILE
	local said
	said=$(clang-tidy --quiet "$1" -- "${flags[@]}" "${packages[@]}" -std=gnu11 2>/dev/null) && return
	echo "$said"
	return 1
}

# It knows neither cleanup attributes, so that it sees leaks everywhere, nor cJSON's loop.
cppcheck() {
	mkdir -p .build/cppcheck
	cat >.build/cppcheck/cjson.cfg <<-'END'
	<?xml version="1.0"?>
	<def><define name="cJSON_ArrayForEach(e, a)" value="for (e = (a)->child; e; e = e->next)"/></def>
	END
	command cppcheck -q -j"$jobs" --cppcheck-build-dir=.build/cppcheck --std=c11 --error-exitcode=1 \
		--enable=warning,performance --library=posix --inline-suppr --suppress=resourceLeak \
		--suppress=memleak --library=.build/cppcheck/cjson.cfg \
		"${flags[@]}" "${sources[@]}"
}

shell() {
	shellcheck -S warning -x -P tests/mount "${scripts[@]}"
}

manual() {
	mandoc -Tlint -Wwarning contrib/*.1
}

python() {
	PYTHONPYCACHEPREFIX=.build/pycache python3 -m py_compile "${pythons[@]}"
}

[ "${1:-}" != tidy-file ] || { tidy_file "$2"; exit; }
[ $# -gt 0 ] || set -- format layers banned shell manual python gcc clang cppcheck tidy
passed=0 failed=0
for check in "$@"; do
	begun=$SECONDS
	if said=$("$check" 2>&1 </dev/null); then
		passed=$((passed + 1))
		printf 'ok      %4ds  %s\n' $((SECONDS - begun)) "$check"
	else
		failed=$((failed + 1))
		printf 'FAILED  %4ds  %s\n%s\n' $((SECONDS - begun)) "$check" "$said"
	fi
done
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
