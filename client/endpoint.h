#pragma once
/*
 * A registry as requests see it: its host, which scheme it speaks, what kind it is, whether it
 * answers at all. There is one per registry; any thread may call.
 */
#include "cache/base/error.h"
#include "cache/base/wait.h"
#include "client/auth.h"
#include "client/quirks.h"
#include "client/transport.h"

#include <stdbool.h>
#include <stdint.h>

struct endpoint;

struct endpoint *endpoint_new(const struct auth_setup *setup);
void endpoint_free(struct endpoint *endpoint);

const char *endpoint_host(const struct endpoint *endpoint);

struct auth *endpoint_auth(const struct endpoint *endpoint);

struct transport *endpoint_transport(const struct endpoint *endpoint);
int64_t endpoint_timeout_ms(const struct endpoint *endpoint);
const struct tls_settings *endpoint_tls(
	const struct endpoint *endpoint, const char *url, struct error *err);

/* "http://HOST" or "https://HOST", owned by the endpoint. The first time, for a loopback host, a
 * TLS hello finds out which: http only if it is answered by "HTTP/" from a loopback address
 * (DESIGN 6). Others wait for it meanwhile. NULL with the failure where the host does not answer.
 */
const char *endpoint_base(struct endpoint *endpoint, const struct wait *wait, struct error *err);

/* The kind of registry, as far as its answers told by now. Never NULL. */
const struct quirks *endpoint_quirks(struct endpoint *endpoint);

/* Whether the registry has ever answered, and from a private address: then its redirects may lead
 * to such ones as well. */
bool endpoint_has_answered(struct endpoint *endpoint);
bool endpoint_is_private(struct endpoint *endpoint);

/* After several requests in a row without an answer in time, the next few seconds' fail at once
 * (ETIMEDOUT), so that nobody queues behind a registry that is gone. */
int endpoint_admit(struct endpoint *endpoint, struct error *err);

/* Tells what became of one request to the registry itself. */
void endpoint_note(struct endpoint *endpoint, const struct response *response);
