#pragma once
/* Which certificates a host is trusted by, and which it is shown: options and certs.d directories
 * (DESIGN 6). Any thread may call. */
#include "cache/base/error.h"
#include "client/registry.h"
#include "client/transport.h"

struct certs;

/* Reads and checks what the options name. */
struct certs *certs_new(const struct client_options *options, struct error *err);
void certs_free(struct certs *certs);

/* The settings for HOST[:PORT], owned by the certs and valid until their end. `is_registry` is
 * false for token servers and targets of redirects, which get no client certificate and no
 * `insecure`. */
const struct tls_settings *certs_find(
	struct certs *certs, const char *host, bool is_registry, struct error *err);
