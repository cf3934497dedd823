#pragma once
/*
 * URLs and references to them (RFC 3986), http and https only. What a server sends is kept byte for
 * byte and never encoded again: upload locations and signed addresses depend on it. All pure.
 */
#include "cache/base/buf.h"
#include "cache/base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum { URL_SIZE_MAX = 16 << 10, URL_HOST_SIZE = 256 };

struct url {
	bool is_https;
	char host[URL_HOST_SIZE]; /* lower case; an IPv6 address stands without its brackets */
	unsigned port;            /* the scheme's own where none is given */
	const char *path;         /* into the parsed text: "" or from '/', with its query */
	const char *query;        /* into the parsed text, behind the '?'; NULL for none */
};

/* Parses an absolute URL. False for another scheme, userinfo, spaces or control bytes, a bad host
 * or port, or more than URL_SIZE_MAX bytes. */
bool url_parse(const char *text, struct url *url);

/* Sets `target` (an empty buffer; its limit counts) to what `reference` means when it came in
 * answer to a request for `base` (RFC 3986 section 5): absolute, relative to the scheme, the root
 * or the path, or a query alone. A fragment is dropped. EIO, with a sentence, for what is no URL.
 * Whether the target may be asked at all is the caller's to decide, by url_is_same_origin(). */
int url_resolve(const char *base, const char *reference, struct buf *target, struct error *err);

/* Whether two URLs have the same scheme, host and port. False if either is no URL. */
bool url_is_same_origin(const char *a, const char *b);

/* A registry behind a proxy that ends TLS may send "http://" and its own host, though it was asked
 * by https. Sets `fixed` to the URL with the scheme and port of `base` where that is the case, else
 * to the URL as it is. 0, -ENOMEM or -EFBIG. */
int url_restore_scheme(const char *base, const char *url, struct buf *fixed);

/* Appends a text percent-encoded, so that it can stand as a value in a query (only letters, digits
 * and "-._~" are left as they are). 0, -ENOMEM or -EFBIG. */
int url_add_encoded(struct buf *url, const char *text);

/* Appends "?name=value" or "&name=value", the value encoded, the name as it is. */
int url_add_parameter(struct buf *url, const char *name, const char *value);
