#pragma once
/*
 * Whether a challenge's realm, which anybody can write, may be sent credentials: the realm is an
 * address chosen by the registry, and a request to it comes from inside the user's network (SSRF:
 * CVE-2026-48978 and its like). Pure.
 */
#include "cache/base/error.h"
#include "client/transport.h"

#include <stdbool.h>

/* `url` was asked, `peer` is what was connected to. 0: the realm may be asked, if `*only_public`
 * only at a public address or by a proxy. EACCES, with the sentence, where it must not: no https
 * though the registry itself was asked by https, a private or loopback address behind a public
 * registry; EIO where it is no URL. */
int realm_check(
	const char *url, enum peer peer, const char *realm, bool *only_public, struct error *err);
