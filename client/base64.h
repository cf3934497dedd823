#pragma once
/* Base64 (RFC 4648 section 4, the standard alphabet). Both append to the buffer; the caller wipes
 * what is secret (buf_wipe()). */
#include "cache/base/buf.h"

#include <stddef.h>

/* -EINVAL for bytes outside the alphabet, a length that cannot be, wrong padding or loose bits at
 * the end; padding may be left out altogether. -EFBIG and -ENOMEM as buf_append(). */
int base64_decode(const char *text, size_t len, struct buf *bytes);

int base64_encode(const void *bytes, size_t len, struct buf *text);
