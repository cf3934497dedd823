#pragma once
/*
 * The Authorization header of one registry: which credentials are used, how its challenges are
 * answered (DESIGN 6; distribution token authentication), and what tokens were got for them. One
 * per registry; any thread may call. Requests to token servers go through the transport.
 */
#include "cache/base/buf.h"
#include "cache/base/error.h"
#include "cache/base/wait.h"
#include "client/account.h"
#include "client/certs.h"
#include "client/keyring.h"
#include "client/registry.h"
#include "client/scope.h"
#include "client/transport.h"

#include <stdbool.h>
#include <stddef.h>

struct auth;

/* All that an auth needs to know; everything pointed to outlives it, but for the host and the
 * options. */
struct auth_setup {
	struct transport *transport;
	struct certs *certs;
	struct keyring *keyring;
	const struct client_options *options;
	const char *host; /* HOST[:PORT] as the user wrote it */
};

struct auth *auth_new(const struct auth_setup *setup);
void auth_free(struct auth *auth);

/* For a login, before any request: uses these credentials instead of the keyring's, and asks token
 * servers for an identity token to be stored in their place. */
void auth_use(struct auth *auth, const struct account *account);

/* The identity token that came, or NULL; the caller's to wipe (secret_free()). */
char *auth_take_identity_token(struct auth *auth);

/* Sets `authorization` (empty before; the caller wipes it) to the header's value for a request with
 * these scopes, as far as is known by now: "" before the first challenge and for anonymous access.
 * May fetch a token. */
int auth_authorize(struct auth *auth, const struct scopes *scopes, struct buf *authorization,
	const struct wait *wait, struct error *err);

/* A request with these scopes, sent with `sent` ("" for none), was answered 401. 0: repeat it with
 * the new `authorization`. -EACCES: give up, with the sentence (what was refused, what to do).
 * Other failures are those of the token server. The realm is judged by response->url and ->peer
 * (https unless the registry itself is http; no private address behind a public registry). Call it
 * for every 401 that comes from the registry itself, several in one request too (a deletion's right
 * has three names): it gives up when nothing better is left to send. */
int auth_answer(struct auth *auth, const struct response *response, const struct scopes *scopes,
	const char *sent, struct buf *authorization, const struct wait *wait, struct error *err);

/* An answer that was given to everybody (`sent` was nothing) came with a challenge all the same:
 * more may be shown to who logs in. 0: repeat the request with the new `authorization`. 1: nobody
 * has credentials for this registry, the answer stands. */
int auth_answer_offer(struct auth *auth, const struct response *response,
	const struct scopes *scopes, struct buf *authorization, const struct wait *wait,
	struct error *err);

/* Whether the registry has never asked for credentials, though there are some (or a helper that may
 * have): what it answers may be the part that everybody sees. Asks nobody. */
bool auth_is_untried(struct auth *auth);

/* The stored account itself (anonymous where there is none), for interfaces of the registry that
 * take no tokens; the caller wipes it. */
int auth_account(struct auth *auth, const char *repository, struct account *account,
	const struct wait *wait, struct error *err);

/* As registry_identity(). */
void auth_identity(
	struct auth *auth, const char *repository, char identity[REGISTRY_IDENTITY_SIZE]);
