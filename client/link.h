#pragma once
/* The Link header of a paged listing (RFC 8288): where the next page is. Pure. */
#include "cache/base/buf.h"
#include "cache/base/error.h"

#include <stddef.h>

enum { LINK_SIZE_MAX = 16 << 10 };

/* Looks in one header's value for the first link with the relation "next" (its quotes may be
 * missing; it may be one of several relations) and appends its target, as it stands, to `target`.
 * Returns 1 if there is one, 0 if not. EIO, with a sentence, for a header that cannot be read to
 * its end: a listing must not end early because of it. Resolve the target by url_resolve(), and
 * follow it only where url_is_same_origin() says so. */
int link_find_next(const char *value, size_t len, struct buf *target, struct error *err);
