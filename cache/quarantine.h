#pragma once
/* DIR/quarantine/: bytes that were not what their digest says, kept for a look. Bounded to the
 * newest 100 files and 256 MiB, because who sends wrong bytes may do so all day. */
#include "cache/digest.h"

enum { QUARANTINE_FILES = 100, QUARANTINE_BYTES = 256 << 20 };

/* Moves the file `path` (relative to the cache directory `at`) there, as EXPECTED-GOT in hex, and
 * makes room. The newest file stays whatever its size. -errno where it cannot be moved. */
int quarantine_add(
	int at, const char *path, const struct digest *expected, const struct digest *got);
